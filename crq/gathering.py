"""Weeks and the facts of their deployments for the pages that show them all: a fixed number of statements.

`readiness.with_facts` reads the whole history of each deployment. The board and the tasks need only what stands now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import (
    CharField,
    Count,
    Exists,
    F,
    FilteredRelation,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce, Concat

from accounts.models import Membership, User
from accounts.roles import Role
from crq.models import CRQ, Decision, Document, ExemptionRequest, Snapshot
from crq.readiness import Facts
from deployments.models import Contained, Deployment, PullRequest, ReleaseBranch, ReleaseWeek, Review
from deployments.policy import Deadline
from workflow.prepared import Prepared, among


def full_name(person: str) -> Concat:
    """The full name of the person in that field, in SQL."""
    return Concat(f"{person}__first_name", Value(" "), f"{person}__last_name", output_field=CharField())


def dated(weeks: QuerySet[ReleaseWeek]) -> list[ReleaseWeek]:
    """The weeks in order with all their deadlines, in one statement."""
    found: dict[int, ReleaseWeek] = {}
    for row in weeks.annotate(deadline=FilteredRelation("milestones")).select_related("deadline"):  # type: ignore[misc]
        week = found.setdefault(row.pk, row)
        due = week.__dict__.setdefault("_due", {})  # where ReleaseWeek.due keeps what it has read
        if deadline := getattr(row, "deadline", None):
            due[deadline.key] = deadline.due_at
    return list(found.values())


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


@dataclass
class Gathered:
    """The deployments' facts, and the pull requests that were asked for beside them."""

    facts: list[CurrentFacts] = field(default_factory=list)
    queue: list[PullRequest] = field(default_factory=list)


def gather(deployments: list[Deployment], *, queue_of: Iterable[int] = ()) -> Gathered:
    """The facts of deployments read through `current`, and the pull requests that wait for a week in these teams.

    Four statements, however many deployments.
    """
    pull_requests = _PULL_REQUESTS(deployments=[each.pk for each in deployments], teams=queue_of)
    by_deployment = _grouped(pull_requests, "deployment_id")
    documents = _DOCUMENTS(crqs=[crq.pk for each in deployments if (crq := getattr(each, "crq", None))])
    reviews = _REVIEWS(pull_requests=[each.pk for each in pull_requests])
    _name_people([*_with_parts(deployments, pull_requests), *documents, *reviews])
    by_crq, by_pull_request = _grouped(documents, "crq_id"), _grouped(reviews, "pull_request_id")
    for each in pull_requests:
        each.__dict__["_prefetched_objects_cache"] = {"reviews": by_pull_request[each.pk]}
    return Gathered([_facts(each, by_deployment[each.pk], by_crq) for each in deployments], by_deployment[None])


def _grouped(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def _with_parts(deployments: Iterable[Deployment], pull_requests: Iterable[PullRequest]) -> Iterator[Model]:
    """The rows themselves, and those that were read with them."""
    for deployment in deployments:
        yield deployment
        yield from filter(None, (getattr(deployment, "crq", None), getattr(deployment, "standing_approval", None)))
    for pull_request in pull_requests:
        yield pull_request
        yield from filter(None, (getattr(pull_request, "branch", None),))


def _name_people(rows: Iterable[Model]) -> None:
    """Gives the rows the people that they name, in one statement: a dozen joins would cost more than all the rest."""
    named = [(row, name, key) for row in rows for name in PEOPLE[type(row)] if (key := getattr(row, f"{name}_id"))]
    people = {person.pk: person for person in _PEOPLE(people={key for _, _, key in named})}
    for row, name, key in named:
        setattr(row, name, people[key])


PEOPLE: dict[type[Model], tuple[str, ...]] = {
    Deployment: ("core_dev_by", "started_by", "installed_by", "verified_by", "verified_for"),
    CRQ: ("opened_by",),
    Decision: ("by", "for_user"),
    Document: ("by",),
    PullRequest: ("author",),
    ReleaseBranch: ("by",),
    Review: ("reviewer",),
}


def _facts(
    deployment: Deployment, pull_requests: list[PullRequest], documents: dict[int, list[Document]]
) -> CurrentFacts:
    facts = CurrentFacts(deployment)
    facts.pull_requests = pull_requests
    if facts.crq:
        facts.crq.__dict__["_prefetched_objects_cache"] = {"documents": documents[facts.crq.pk]}
    return facts


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
        "week",
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
_PEOPLE = Prepared(lambda: User.objects.filter(among("pk", "people")).order_by())


def page_url(facts: Facts) -> str:
    """The deployment's page, without the redirect where it has a CRQ."""
    crq: CRQ | None = facts.crq
    return crq.get_absolute_url() if crq else facts.deployment.get_absolute_url()
