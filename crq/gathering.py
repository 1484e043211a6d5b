"""Weeks and the facts of their deployments for the pages that show them all: a fixed number of statements.

`readiness.with_facts` reads the whole history of each deployment. The board and the tasks need only what stands now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import (
    CharField,
    Count,
    Exists,
    F,
    FilteredRelation,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Concat

from accounts.models import Membership, User
from accounts.prepared import Line, Prepared, among
from accounts.roles import Role
from crq.models import CRQ, Decision, Document, ExemptionRequest, Snapshot
from crq.readiness import Facts
from crq.reading import PEOPLE_BY_KEY, grouped, hang, name_people
from deployments.models import Contained, Deployment, PullRequest, ReleaseBranch, ReleaseWeek, Review
from deployments.policy import Deadline


def full_name(person: str) -> Concat:
    """The full name of the person in that field, in SQL."""
    return Concat(f"{person}__first_name", Value(" "), f"{person}__last_name", output_field=CharField())


def dated(weeks: QuerySet[ReleaseWeek]) -> list[ReleaseWeek]:
    """The weeks in order with all their deadlines, in one statement."""
    return knowing(with_deadlines(weeks))


def with_deadlines(weeks: QuerySet[ReleaseWeek]) -> QuerySet[ReleaseWeek]:
    """A column for each deadline, for `knowing`."""
    return weeks.annotate(
        **{_column(key): Max("milestones__due_at", filter=Q(milestones__key=key)) for key in Deadline}
    )


def knowing(weeks: Iterable[ReleaseWeek]) -> list[ReleaseWeek]:
    """The weeks, which know their deadlines from these columns."""
    found = list(weeks)
    for week in found:
        dues = ((str(key), getattr(week, _column(key))) for key in Deadline)
        week.__dict__["_due"] = {key: due for key, due in dues if due}  # where ReleaseWeek.due keeps what it has read
    return found


def _column(key: Deadline) -> str:
    return f"due_{key}"


class CurrentFacts(Facts):
    """What stands now. Decisions are only the standing approval; branches only those of the repositories concerned."""

    @cached_property
    def decisions(self) -> list[Decision]:
        approval: Decision | None = getattr(self.deployment, "standing_approval", None)
        return [approval] if approval else []

    @cached_property
    def branches(self) -> dict[int, ReleaseBranch]:
        made = {pull.repository_id: getattr(pull, "branch", None) for pull in self.pull_requests}
        return {repository_id: branch for repository_id, branch in made.items() if branch}

    @cached_property
    def request(self) -> ExemptionRequest | None:
        asked: ExemptionRequest | None = getattr(self.deployment, "asked_exemption", None)
        return asked

    @property
    def count(self) -> int:
        """Of pull requests; once the deployment has ended, those that it contained then."""
        return len(self.pull_requests) or getattr(self.deployment, "contained_then", None) or 0

    @property
    def is_returned(self) -> bool:
        newest = (getattr(self.deployment, "last_verdict", None), getattr(self.deployment, "last_digest", None))
        return newest == (Decision.Verdict.RETURNED, self.digest)

    @property
    def approver(self) -> str:
        """The first manager, by name, who may approve: not the CRQ's opener, nor the author of a pull request."""
        name: str | None = getattr(self.deployment, "approver", None)
        return (name or "").strip()


class Read(NamedTuple):
    """All that was read of one deployment, as the database gave it: what is equal is judged alike.

    Of the queue, which is no deployment, it has pull requests, their reviews and people.
    """

    deployment: tuple[Line, ...] = ()
    pull_requests: tuple[Line, ...] = ()
    reviews: tuple[Line, ...] = ()
    documents: tuple[Line, ...] = ()
    people: tuple[Line, ...] = ()


NOTHING = Read()


@dataclass(frozen=True)
class Gathered:
    """What was read of deployments by one query, and of the pull requests that were asked for beside them.

    `weeks` know their deadlines; deployments in no other week share them.
    """

    query: Prepared[Deployment]
    weeks: dict[int, ReleaseWeek]
    reads: Sequence[Read] = ()
    waiting: Read = NOTHING

    @cached_property
    def facts(self) -> list[CurrentFacts]:
        return self.facts_of(self.reads)

    @cached_property
    def queue(self) -> list[PullRequest]:
        return _made([self.waiting], [])

    def by(self, name: str) -> dict[Any, list[Read]]:
        """The deployments' reads by what stands in this column of theirs."""
        found: dict[Any, list[Read]] = defaultdict(list)
        for each in self.reads:
            for value in self.query.by(name, each.deployment):
                found[value].append(each)
        return found

    def facts_of(self, reads: Sequence[Read]) -> list[CurrentFacts]:
        """In the same order. To make objects of what was read costs several times what reading it does."""
        deployments = self.query.made(line for each in reads for line in each.deployment)
        for each in deployments:
            if each.week_id in self.weeks:
                each.week = self.weeks[each.week_id]
        by_deployment = grouped(_made(reads, deployments), "deployment_id")
        return [_facts(each, by_deployment[each.pk]) for each in deployments]


def _made(reads: Sequence[Read], deployments: list[Deployment]) -> list[PullRequest]:
    """The pull requests with their reviews; the deployments get what they have beside them."""
    pull_requests = _PULL_REQUESTS.made(line for each in reads for line in each.pull_requests)
    reviews = _REVIEWS.made(line for each in reads for line in each.reviews)
    hang(reviews, "pull_request_id", pull_requests, "reviews")
    crqs = [crq for each in deployments if (crq := getattr(each, "crq", None))]
    documents = _DOCUMENTS.made(line for each in reads for line in each.documents)
    hang(documents, "crq_id", crqs, "documents")
    approvals = filter(None, (getattr(each, "standing_approval", None) for each in deployments))
    branches = filter(None, (getattr(each, "branch", None) for each in pull_requests))
    people = PEOPLE_BY_KEY.made({line for each in reads for line in each.people})
    name_people([*deployments, *crqs, *documents, *approvals, *pull_requests, *reviews, *branches], people)
    return pull_requests


def _facts(deployment: Deployment, pull_requests: list[PullRequest]) -> CurrentFacts:
    facts = CurrentFacts(deployment)
    facts.pull_requests = pull_requests
    return facts


def gather(
    query: Prepared[Deployment],
    lines: list[Line],
    *,
    weeks: Iterable[ReleaseWeek] = (),
    queue_of: Iterable[int] = (),
) -> Gathered:
    """What belongs to these lines of a query that is made by `current`, and what waits for a week in these teams.

    Four statements, however many deployments.
    """
    pull_requests = _PULL_REQUESTS.read(deployments=query.keys(Deployment, lines), teams=queue_of)
    reviews = _REVIEWS.read(pull_requests=_PULL_REQUESTS.keys(PullRequest, pull_requests))
    documents = _DOCUMENTS.read(crqs=query.keys(CRQ, lines))
    everything = _named(query, lines, pull_requests, reviews, documents)
    people = {key: line for key, [line] in PEOPLE_BY_KEY.by("id", PEOPLE_BY_KEY.read(people=everything)).items()}
    of_deployment = _PULL_REQUESTS.by("deployment_id", pull_requests)
    of_pull_request = _REVIEWS.by("pull_request_id", reviews)
    of_crq = _DOCUMENTS.by("crq_id", documents)

    def read(key: int | None, *line: Line) -> Read:
        pulls = of_deployment[key]
        said = [each for pull in _PULL_REQUESTS.keys(PullRequest, pulls) for each in of_pull_request[pull]]
        papers = [each for crq in query.keys(CRQ, line) for each in of_crq[crq]]
        named = sorted(_named(query, line, pulls, said, papers))
        return Read(line, tuple(pulls), tuple(said), tuple(papers), tuple(people[key] for key in named))

    reads = [read(key, line) for key, [line] in query.by("id", lines).items()]
    concerned = query.keys(ReleaseWeek, lines)
    return Gathered(query, {each.pk: each for each in weeks if each.pk in concerned}, reads, read(None))


def _named(query: Prepared[Deployment], *lines: Iterable[Line]) -> set[int]:
    """The keys of all people in lines of deployments, pull requests, reviews and documents."""
    queries: tuple[Prepared[Any], ...] = (query, _PULL_REQUESTS, _REVIEWS, _DOCUMENTS)
    return {key for each, found in zip(queries, lines, strict=True) for key in each.keys(User, found)}


def current(deployments: QuerySet[Deployment]) -> QuerySet[Deployment]:
    """The query with what `gather` needs of each deployment beside its own columns."""
    newest = Decision.objects.filter(crq__deployment=OuterRef("pk")).order_by("-at", "-pk")
    contained = Contained.objects.filter(deployment=OuterRef("pk")).order_by().values("deployment")
    contained = contained.annotate(count=Count("pk"))
    standing = Q(crq__decisions__verdict=Decision.Verdict.APPROVED, crq__decisions__voided_at=None)
    return deployments.annotate(
        asked_exemption=FilteredRelation("crq__exemptions", condition=Q(crq__exemptions__week=F("week"))),
        standing_approval=FilteredRelation("crq__decisions", condition=standing),
        last_verdict=Subquery(newest.values("verdict")[:1]),
        last_digest=Subquery(newest.values("digest")[:1]),
        missed_cutoff=Exists(_missed_cutoff()),
        contained_then=Subquery(contained.values("count")),
        approver=Subquery(_possible_approvers().values(name=full_name("user"))[:1]),
    ).select_related(  # type: ignore[misc] # the types know no filtered relations
        "application__team",
        "crq",
        "standing_approval",
        "asked_exemption",
    )


def _missed_cutoff() -> QuerySet[Snapshot]:
    """What was not ready at the cutoff of the week that it is in."""
    of_its_week = Snapshot.objects.filter(deployment=OuterRef("pk"), milestone__week=OuterRef("week"))
    return of_its_week.filter(milestone__key=Deadline.CUTOFF).exclude(missing=[])


def _possible_approvers() -> QuerySet[Membership]:
    wrote = PullRequest.objects.filter(deployment=OuterRef(OuterRef("pk")), author=OuterRef("user"))
    managers = Membership.objects.filter(
        role=Role.MANAGER, team=OuterRef("application__team"), user__is_active=True
    ).exclude(Exists(wrote))
    opener = Coalesce(OuterRef("crq__opened_by"), Value(0))
    return managers.exclude(user_id=opener).order_by("user__first_name", "user__last_name", "user_id")


def _pull_requests() -> QuerySet[PullRequest]:
    """Those of the deployments, each with its branch, and those that wait for a week in one of the teams."""
    waiting = Q(among("repository__application__team", "teams"), status=PullRequest.Status.SUBMITTED)
    same_repository = Q(deployment__branches__repository=F("repository"))
    return (
        PullRequest.objects.filter(Q(among("deployment", "deployments")) | waiting)
        .annotate(branch=FilteredRelation("deployment__branches", condition=same_repository))
        .select_related("repository__application__team", "branch")  # type: ignore[misc]
        .order_by("pk")
    )


_PULL_REQUESTS = Prepared(_pull_requests)
_DOCUMENTS = Prepared(lambda: Document.objects.filter(among("crq", "crqs")).defer("file"))
_REVIEWS = Prepared(lambda: Review.objects.filter(among("pull_request", "pull_requests")))


def page_url(facts: Facts) -> str:
    """The deployment's page, without the redirect where it has a CRQ."""
    crq: CRQ | None = facts.crq
    return crq.get_absolute_url() if crq else facts.deployment.get_absolute_url()
