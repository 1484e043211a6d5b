"""One deployment on its way through the week: the application's own actions, by the people who would do them."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1
from itertools import count

from accounts.models import User
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Document, ExemptionRequest
from deployments.flow import CODE_REVIEW, DEPLOYMENT, PULL_REQUEST
from deployments.models import CodeReview, Deployment, PullRequest, ReleaseWeek, Repository
from deployments.weeks import open_for_plans
from releaseflow.demo.catalogue import Idea
from releaseflow.demo.organisation import Crew, Organisation, first_number
from releaseflow.demo.papers import paper
from releaseflow.demo.timetable import Diary
from workflow import clock
from workflow.machine import begin, perform
from workflow.steps import Actor


class Studio:
    """What all jobs share: the organisation, the diary, and the numbers given so far."""

    def __init__(self, organisation: Organisation, diary: Diary) -> None:
        self.organisation, self.diary = organisation, diary
        self.repositories: dict[str, Repository] = {}
        self._numbers: dict[int, int] = {}
        self._turns = count()
        for repository in Repository.objects.select_related("application"):
            self.repositories[repository.short_name] = repository
            self._numbers[repository.pk] = first_number(repository)

    def next_number(self, repository: Repository) -> int:
        self._numbers[repository.pk] += self.diary.random.randint(1, 3)
        return self._numbers[repository.pk]

    def of(self, application: str) -> list[Repository]:
        return [each for each in self.repositories.values() if each.application.name == application]

    def next_devops(self) -> User:
        team = self.organisation.devops
        return team[next(self._turns) % len(team)]


@dataclass
class Job:
    """`lead` writes and opens, `reviewer` reviews, `devops` prepares and installs, the crew's manager approves."""

    studio: Studio
    week: ReleaseWeek
    idea: Idea
    crq_number: str = ""
    lead: User = field(init=False)
    reviewer: User = field(init=False)
    devops: User = field(init=False)
    pulls: list[PullRequest] = field(default_factory=list)
    deployment: Deployment = field(init=False)
    crq: CRQ = field(init=False)
    request: ExemptionRequest = field(init=False)

    def __post_init__(self) -> None:
        self.lead, self.reviewer = self.studio.diary.random.sample(self.crew.developers, 2)
        self.devops = self.studio.next_devops()

    @property
    def crew(self) -> Crew:
        return self.studio.organisation.crew(self.studio.organisation.applications[self.idea.application])

    # --- Pull requests ---------------------------------------------------------------------------------------
    def submit(self, numbers: dict[int, tuple[str, int]] | None = None) -> None:
        """Submits the idea's pull requests; `numbers` gives repository and number for some of them, by position."""
        homes = self.studio.of(self.idea.application)
        for position, title in enumerate(self.idea.pulls):
            if numbers and position in numbers:
                short, number = numbers[position]
                repository = self.studio.repositories[short]
            else:
                repository = homes[position % len(homes)]
                number = self.studio.next_number(repository)
            self.pulls.append(self._pull(repository, number, title))

    def _pull(self, repository: Repository, number: int, title: str) -> PullRequest:
        pull = PullRequest(
            repository=repository,
            number=number,
            title=title,
            url=f"{repository.url}/-/merge_requests/{number}",
            author=self.lead,
            head_sha=_sha(repository, number, 1),
            checks=PullRequest.Checks.PASSING,
        )
        submitted: PullRequest = begin(PULL_REQUEST, "submit", pull, by=self.lead)
        return submitted

    def review(self, *, by: User | None = None, leave_out: tuple[int, ...] = ()) -> None:
        for position, pull in enumerate(self.pulls):
            if position not in leave_out:
                perform(PULL_REQUEST, "review", pull, by=by or self.reviewer, verdict="approved")

    def ask_for_changes(self, note: str) -> None:
        perform(PULL_REQUEST, "review", self.pulls[0], by=self.reviewer, verdict="changes_requested", note=note)

    def push_again(self) -> None:
        pull = self.pulls[0]
        perform(PULL_REQUEST, "new_head", pull, by=self.lead, sha=_sha(pull.repository, pull.number, 2))

    def decide(self, outcome: str = "planned") -> None:
        """What the weekly review says, unless there was none."""
        review = CodeReview.objects.filter(week=self.week, kind=CodeReview.Kind.WEEKLY).first()
        if review is None or review.status == CodeReview.Status.CANCELLED:
            return
        scrum_master = self.studio.organisation.scrum_master
        for pull in self.pulls:
            perform(CODE_REVIEW, "decide", review, by=scrum_master, pull_request=pull, outcome=outcome)

    # --- Deployment and CRQ ----------------------------------------------------------------------------------
    def plan(self, by: User | None = None) -> None:
        application = self.studio.organisation.applications[self.idea.application]
        deployment = Deployment(application=application, week=self.week, title=self.idea.title)
        self.deployment = begin(DEPLOYMENT, "plan", deployment, by=by or self.crew.manager)
        for pull in self.pulls:
            perform(PULL_REQUEST, "plan", pull, by=by or self.lead, deployment=self.deployment)

    def open_crq(self) -> None:
        self.crq = begin(CRQ_FLOW, "open", CRQ(deployment=self.deployment, number=self.crq_number), by=self.lead)

    def attach(self, kind: str, *, version: int = 1) -> None:
        by = self.devops if kind == Document.Kind.PLAN else self.lead
        file = paper(
            kind,
            title=self.idea.title,
            application=self.idea.application,
            crq=self.crq.number,
            version=version,
        )
        perform(CRQ_FLOW, f"attach_{kind}", self.crq, by=by, kind=kind, file=file, name=file.name)

    def merge(self) -> None:
        """Merges, and makes the release branch in each repository."""
        repositories = {pull.repository_id for pull in self.pulls}
        name = f"release/{self.week.install_day}"
        PullRequest.objects.filter(pk__in=[pull.pk for pull in self.pulls]).update(forge_state=PullRequest.Forge.MERGED)
        perform(DEPLOYMENT, "record_branch", self.deployment, by=self.devops, names=dict.fromkeys(repositories, name))

    def core_dev(self, result: str = "success") -> None:
        build = f"{self.pulls[0].repository.short_name}-{self.week.install_day:%Y%m%d}.{self.deployment.pk % 9 + 1}"
        perform(DEPLOYMENT, "record_core_dev", self.deployment, by=self.devops, result=result, build=build)

    def approve(self) -> None:
        perform(CRQ_FLOW, "approve", self.crq, by=self.crew.manager)

    def send_back(self, reason: str) -> None:
        perform(CRQ_FLOW, "return", self.crq, by=self.crew.manager, reason=reason)

    # --- Install ---------------------------------------------------------------------------------------------
    def do(self, action: str, *, by: Actor = None, reason: str = "") -> None:
        """One of the deployment's plain actions, by DevOps unless somebody else is named."""
        perform(DEPLOYMENT, action, self.deployment, by=by or self.devops, reason=reason)

    def move(self, reason: str, *, by: User | None = None) -> None:
        """To the next week that takes plans; the story goes on there."""
        later = open_for_plans(clock.now()).filter(thursday__gt=self.week.thursday).first()
        if later is None:
            raise RuntimeError(f"No week after {self.week} takes plans.")
        self.deployment = perform(
            DEPLOYMENT, "move", self.deployment, by=by or self.crew.manager, reason=reason, week=later
        )
        self.week = later

    def carried_over(self) -> None:
        """The clock moved what was still held; the story goes on where it is now."""
        self.deployment = Deployment.objects.select_related("application__team", "week").get(pk=self.deployment.pk)
        self.week = self.deployment.week

    # --- Exemption -------------------------------------------------------------------------------------------
    def ask_for_exemption(self, why: str, why_now: str, risk: str) -> None:
        """Asked with complete evidence, so the manager approves in the same form."""
        request = ExemptionRequest(crq=self.crq, why=why, why_now=why_now, risk=risk)
        self.request = begin(EXEMPTION, "request", request, by=self.crew.manager, approve=True)

    def answer(self, action: str, reason: str) -> None:
        """The director grants or denies."""
        perform(EXEMPTION, action, self.request, by=self.studio.organisation.director, reason=reason)


def _sha(repository: Repository, number: int, revision: int) -> str:
    return sha1(f"{repository.name}/{number}/{revision}".encode(), usedforsecurity=False).hexdigest()
