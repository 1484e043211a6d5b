"""Whose turn it is: what each deployment waits for now, and from whom. Board and tasks both read this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.roles import Role, acting_for, standing
from crq.deliverables import BY_KEY, TABLE, Deliverable, Readiness
from crq.gathering import CurrentFacts, page_url
from crq.models import ExemptionRequest
from deployments.inbox import awaits_author, awaits_review_by
from deployments.models import Deployment, PullRequest
from deployments.policy import Deadline
from workflow.addresses import address
from workflow.eastern import eastern_day

S = Deployment.Status
BEFORE_INSTALL = tuple(each.key for each in TABLE if each.due in {Deadline.CUTOFF, Deadline.APPROVAL})
EVIDENCE = tuple(key for key in BEFORE_INSTALL if key != "approved")
DOCUMENTS = {"justification", "tests", "plan"}
ENDED = {S.VERIFIED, S.BACKED_OUT, S.WITHDRAWN}
BUTTONS = {"crq": "Create CRQ", "branch": "Record", "core_dev": "Record", "approved": "Review"}


@dataclass(frozen=True)
class Turn:
    """One thing that somebody can do now. `key` is that of the deliverable, or "held", "exemption" or "failed".

    `verb` begins a task ("Approve the CRQ"), `words` stand on the board ("Waiting for manager approval"). `owner` is a
    person's name where one is known, else empty. `mine`: the person who looks must act. `stuck`: something went wrong.
    """

    key: str
    verb: str
    words: str
    url: str
    button: str
    role: Role
    owner: str = ""
    since: datetime | None = None
    due: datetime | None = None
    mine: bool = False
    stuck: bool = False


class Turns:
    """All turns of one deployment, as one person sees them; in the order of the process."""

    def __init__(self, facts: CurrentFacts, *, by: User, now: datetime, left: bool = False) -> None:
        """`left`: the deployment is seen from a week that it left, where nobody has to do anything for it."""
        self.facts, self.by, self.now, self.who = facts, by, now, standing(by, eastern_day(now))
        self.deployment = facts.deployment
        self.readiness = Readiness(facts)
        self.url = page_url(facts)
        self.ended = left or self.deployment.status in ENDED
        self.all = [] if self.ended else list(self._turns())

    @property
    def first(self) -> Turn | None:
        """The one to show: mine before anybody else's."""
        return next((turn for turn in self.all if turn.mine), self.all[0] if self.all else None)

    def complete(self, key: str) -> bool:
        """Whether it was achieved; a failed one may give its pull requests back, but they had been approved."""
        return key in self.readiness.done or (
            key in BEFORE_INSTALL and self.deployment.status in {S.FAILED, S.BACKED_OUT}
        )

    def mine(self, key: str) -> bool:
        return any(turn.mine for turn in self.all if turn.key == key)

    @property
    def approvable(self) -> bool:
        """Whether the person who looks can approve the CRQ now; `perform` has the last word."""
        week = self.deployment.week
        in_time = self.facts.exempted or not week.passed(Deadline.APPROVAL, self.now)
        return self.mine("approved") and in_time and not week.skipped

    def _turns(self) -> Iterator[Turn]:
        status, week = self.deployment.status, self.deployment.week
        if status == S.PLANNED:
            yield from (self._before_install(each) for each in self.readiness.open_now() if each.key in BEFORE_INSTALL)
        elif status == S.HELD:
            yield self._held()
            yield from (self._before_install(each) for each in self.readiness.open_now() if each.key in EVIDENCE)
        elif status == S.CLEARED and week.batch_completed_at:
            yield self._install("Start the install", "Install", week.batch_completed_at)
        elif status == S.INSTALLING:
            yield self._install("Finish the install", "Finish", self.deployment.started_at)
        elif status == S.INSTALLED:
            yield self._verify()
        elif status == S.FAILED:
            yield self._failed()

    def _holds(self, role: Role) -> bool:
        return self.who.holds(role, self.deployment.application.team_id)

    def due(self, key: str) -> datetime | None:
        """When the deliverable is due; a granted exemption leaves time until the install."""
        waived = self.facts.exempted and key in BEFORE_INSTALL
        return self.deployment.week.due(Deadline.INSTALL if waived else BY_KEY[key].due)

    def _before_install(self, deliverable: Deliverable) -> Turn:
        key = deliverable.key
        if key == "prs":
            return self._pull_requests()
        if key == "approved" and self.facts.is_returned:
            return self._returned()
        mine = self._holds(deliverable.owner) and not (key == "approved" and self._is_own_change())
        return Turn(
            key=key,
            verb=deliverable.verb,
            words=self._words(deliverable, mine),
            url=self._form(key),
            button=BUTTONS.get(key, "Attach"),
            role=deliverable.owner,
            owner=self._owner(key),
            since=self._since(deliverable),
            due=self.due(key),
            mine=mine,
            stuck=self._is_stuck(key),
        )

    def _returned(self) -> Turn:
        return Turn(
            key="returned",
            verb="Answer the changes asked for on",
            words="The manager asked for changes",
            url=self.url,
            button="Open",
            role=Role.DEVELOPER,
            owner=self.facts.crq.opened_by.name if self.facts.crq else "",
            since=None,
            due=self.due("approved"),
            mine=self._holds(Role.DEVELOPER),
            stuck=True,
        )

    def _is_own_change(self) -> bool:
        """Whoever opened the CRQ or wrote a pull request on it does not approve it, nor does their deputy for them."""
        changed = {pull.author_id for pull in self.facts.pull_requests}
        if self.facts.crq:
            changed.add(self.facts.crq.opened_by_id)
        hands = acting_for(self.by, Role.MANAGER, self.deployment.application.team_id, eastern_day(self.now))
        return not changed.isdisjoint(person.pk for person in hands)

    @property
    def core_dev_failed(self) -> bool:
        return self.deployment.core_dev_result == Deployment.CoreDev.FAILED

    @property
    def _nobody_can_approve(self) -> bool:
        return not self.facts.approver

    def _words(self, deliverable: Deliverable, mine: bool) -> str:
        if deliverable.key == "approved":
            waiting = "No manager can approve it yet" if self._nobody_can_approve else "Waiting for manager approval"
            return "Review and approve" if mine else waiting
        if deliverable.key == "core_dev" and self.core_dev_failed:
            return "The deployment to core dev failed"
        return deliverable.verb

    def _is_stuck(self, key: str) -> bool:
        return (key == "core_dev" and self.core_dev_failed) or (key == "approved" and self._nobody_can_approve)

    def _form(self, key: str) -> str:
        if key == "crq":
            return address("open-crq", self.deployment.pk)
        if key in {"branch", "core_dev"}:
            return address("merge", self.deployment.pk)
        return f"{self.url}#attach" if key in DOCUMENTS else self.url

    def _owner(self, key: str) -> str:
        """The person it most likely falls to: the CRQ's opener, before there is one the pull request's author."""
        if key == "approved":
            return self.facts.approver
        if BY_KEY[key].owner != Role.DEVELOPER:
            return ""
        if self.facts.crq:
            return self.facts.crq.opened_by.name
        return self.facts.pull_requests[0].author_name if self.facts.pull_requests else ""

    def _since(self, deliverable: Deliverable) -> datetime | None:
        if deliverable.key == "core_dev" and self.core_dev_failed:
            return self.deployment.core_dev_at
        return max(
            (at for key in deliverable.needs if (at := self.readiness.of[key].at)), default=self.deployment.planned_at
        )

    def _pull_requests(self) -> Turn:
        unready = [pull for pull in self.facts.pull_requests if not pull.standing.full]
        if not unready:
            return self._no_pull_request()
        to_do = [pull for pull in unready if awaits_review_by(pull, self.by, self.who) or awaits_author(pull, self.by)]
        pull: PullRequest = (to_do or unready)[0]
        return Turn(
            key="prs",
            verb="Review" if awaits_review_by(pull, self.by, self.who) else "Rework",
            words=f"#{pull.number} {pull.standing.sentence}",
            url=pull.get_absolute_url(),
            button="Review" if awaits_review_by(pull, self.by, self.who) else "Open",
            role=Role.DEVELOPER,
            owner=pull.author_name,
            since=pull.submitted_at,
            due=self.due("prs"),
            mine=bool(to_do),
            stuck=bool(pull.standing.blockers),
        )

    def _no_pull_request(self) -> Turn:
        return Turn(
            key="prs",
            verb="Add a pull request to",
            words="Add a pull request",
            url=address("pull-requests"),
            button="Add",
            role=Role.DEVELOPER,
            since=self.deployment.planned_at,
            due=self.due("prs"),
            mine=self._holds(Role.DEVELOPER),
        )

    def _held(self) -> Turn:
        """Until exemptions close the manager may ask for one; a request of the week waits for the director first."""
        asked = self.facts.request
        if asked and asked.status == ExemptionRequest.Status.REQUESTED:
            return self._asked(asked)
        close = self.deployment.week.due(Deadline.EXEMPTION_CLOSE)
        can_ask = self.facts.crq is not None and asked is None and close is not None and self.now <= close
        return Turn(
            key="exemption" if asked else "held",
            verb=self._way_out(asked is not None, can_ask=can_ask),
            words=self.deployment.held_reason,
            url=self.url if can_ask else address("move", self.deployment.pk),
            button="Open" if can_ask else "Move",
            role=Role.MANAGER,
            owner=self.facts.approver,
            since=self.deployment.held_at,
            due=close if can_ask else None,
            mine=self._holds(Role.MANAGER),
            stuck=True,
        )

    def _way_out(self, asked: bool, *, can_ask: bool) -> str:
        if can_ask:
            return "Ask for an exemption or move"
        return "Choose a new week for" if asked else "Move or withdraw"

    def _asked(self, request: ExemptionRequest) -> Turn:
        return Turn(
            key="exemption",
            verb="Decide the exemption for",
            words="Waiting for the exemption decision",
            url=request.get_absolute_url(),
            button="Decide",
            role=Role.DIRECTOR,
            owner="",
            since=request.requested_at,
            due=self.deployment.week.due(Deadline.EXEMPTION_CLOSE),
            mine=self.who.holds(Role.DIRECTOR),
        )

    def _install(self, words: str, button: str, since: datetime | None) -> Turn:
        approval = self.facts.approval
        return Turn(
            key="installed",
            verb=words.partition(" ")[0],
            words=words,
            url=address("install-day", self.deployment.week.thursday),
            button=button,
            role=Role.DEVOPS,
            owner=self.deployment.started_by.name if self.deployment.started_by else "",
            since=since,
            due=self.due("installed"),
            mine=self._holds(Role.DEVOPS) and not (approval and approval.by_id == self.by.pk),
        )

    def _verify(self) -> Turn:
        return Turn(
            key="verified",
            verb="Verify",
            words="Verify the install",
            url=self.url,
            button="Verify",
            role=Role.DEVELOPER,
            owner=self._owner("verified"),
            since=self.deployment.installed_at,
            due=self.due("verified"),
            mine=self._holds(Role.DEVELOPER) and self.by.pk != self.deployment.installed_by_id,
        )

    def _failed(self) -> Turn:
        return Turn(
            key="failed",
            verb="Try again or back out",
            words="The install failed: try again or back out",
            url=address("install-day", self.deployment.week.thursday),
            button="Decide",
            role=Role.DEVOPS,
            owner=self.deployment.started_by.name if self.deployment.started_by else "",
            since=self.deployment.started_at,
            due=self.due("installed"),
            mine=self._holds(Role.DEVOPS),
            stuck=True,
        )
