"""The facts of one deployment, gathered once, from which every deliverable is judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db.models import CharField, Model, Prefetch, QuerySet

from accounts.models import User
from accounts.prepared import Prepared, Slot, among
from crq.models import CRQ, Decision, Document, ExemptionRequest
from crq.reading import hang, keys, name_people
from deployments.models import Contained, Deployment, Milestone, PullRequest, ReleaseBranch, ReleaseWeek, Review

S = Deployment.Status
GAVE_BACK = {S.FAILED, S.BACKED_OUT, S.WITHDRAWN}
"""Where a deployment may have given its pull requests back to the queue."""


class Fulfilment(NamedTuple):
    """How far a deliverable is: `done` of `total` parts; when and by whom it was completed, where one person did it."""

    done: int
    total: int = 1
    at: datetime | None = None
    by: User | None = None
    missing: str = ""
    for_user: User | None = None

    @property
    def who(self) -> str:
        """A name, "A for B" for a deputy, or nothing."""
        return self.by.name_for(self.for_user) if self.by else ""

    @property
    def complete(self) -> bool:
        return self.total > 0 and self.done >= self.total

    @property
    def partial(self) -> bool:
        return 0 < self.done < self.total


def with_facts(deployments: Iterable[int]) -> list[Deployment]:
    """The deployments of these keys with all that `Facts` reads: nine statements, however many deployments."""
    return _complete(_BY_KEY(deployments=deployments))


def in_week(week: ReleaseWeek, deployments: Iterable[int]) -> list[Deployment]:
    """As `with_facts`, of deployments that are all in this week, which is not read again for each."""
    found = _BY_KEY_ALONE(deployments=deployments)
    for each in found:
        each.week = week
    return _complete(found)


def with_number(crq: str) -> Deployment:
    """The deployment whose CRQ has this number, with its facts. Raises `Deployment.DoesNotExist`."""
    for deployment in _complete(_BY_NUMBER(number=crq)):
        return deployment
    raise Deployment.DoesNotExist(f"No CRQ has the number {crq}.")


def planned_for(week: ReleaseWeek) -> list[Deployment]:
    """What the week has now, with its facts."""
    return _complete(_OF_WEEK(week=week.pk))


def _deployments(*joined: str) -> QuerySet[Deployment]:
    return Deployment.objects.select_related("application__team", "crq", *joined).order_by("pk")


_BY_KEY_ALONE = Prepared(lambda: _deployments().filter(among("pk", "deployments")))
_BY_KEY = Prepared(lambda: _deployments("week").filter(among("pk", "deployments")))
_BY_NUMBER = Prepared(lambda: _deployments("week").filter(crq__number=Slot("number", CharField())))
_OF_WEEK = Prepared(lambda: _deployments("week").filter(week=Slot("week")))
_MILESTONES = Prepared(lambda: Milestone.objects.filter(among("week", "weeks")))
_PULL_REQUESTS = Prepared(
    lambda: PullRequest.objects.filter(among("deployment", "deployments")).select_related("repository").order_by("pk")
)
_REVIEWS = Prepared(lambda: Review.objects.filter(among("pull_request", "pull_requests")))
_BRANCHES = Prepared(
    lambda: ReleaseBranch.objects.filter(among("deployment", "deployments")).select_related("repository")
)
_DOCUMENTS = Prepared(lambda: Document.objects.filter(among("crq", "crqs")).defer("file"))
_DECISIONS = Prepared(lambda: Decision.objects.filter(among("crq", "crqs")))
_EXEMPTIONS = Prepared(lambda: ExemptionRequest.objects.filter(among("crq", "crqs")))


def _complete(deployments: list[Deployment]) -> list[Deployment]:
    weeks = [each.week for each in deployments]
    hang(_MILESTONES(weeks={week.pk for week in weeks}), "week_id", weeks, "milestones")
    pull_requests = _PULL_REQUESTS(deployments=keys(deployments))
    hang(pull_requests, "deployment_id", deployments, "pull_requests")
    reviews = _REVIEWS(pull_requests=keys(pull_requests))
    hang(reviews, "pull_request_id", pull_requests, "reviews")
    branches = _BRANCHES(deployments=keys(deployments))
    hang(branches, "deployment_id", deployments, "branches")
    people = [*deployments, *pull_requests, *reviews, *branches, *_complete_crqs(deployments)]
    name_people(people)
    return deployments


def _complete_crqs(deployments: Iterable[Deployment]) -> list[Model]:
    """Returns every row of the CRQs that names people."""
    crqs = [crq for each in deployments if (crq := getattr(each, "crq", None))]
    documents, decisions = _DOCUMENTS(crqs=keys(crqs)), _DECISIONS(crqs=keys(crqs))
    hang(documents, "crq_id", crqs, "documents")
    hang(decisions, "crq_id", crqs, "decisions")
    hang(_EXEMPTIONS(crqs=keys(crqs)), "crq_id", crqs, "exemptions")
    return [*crqs, *documents, *decisions]


class Facts:
    """A deployment seen as its deliverables see it. Build it from `with_facts`, or it queries as it goes."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    @classmethod
    def of_all(cls, deployments: Iterable[Deployment]) -> list[Facts]:
        """Those that ended show what they contained then: two more statements when there are any."""
        found = [cls(deployment) for deployment in deployments]
        ended = [each for each in found if each.deployment.status in GAVE_BACK and not each.pull_requests]
        contained = _contained([each.deployment.pk for each in ended])
        for facts in ended:
            facts.pull_requests = contained.get(facts.deployment.pk, [])
        return found

    @classmethod
    def fresh(cls, deployment: Deployment) -> Facts:
        """Read anew from the database, under whatever locks the caller holds."""
        [facts] = cls.of_all(with_facts([deployment.pk]))
        return facts

    @classmethod
    def of_content(cls, crq: CRQ) -> Facts:
        """Only what the digest covers and who brought it, under the lock that the caller holds: four statements.

        Nothing is hung on the deployment, on which the caller goes on to act.
        """
        facts, deployments = cls(crq.deployment), [crq.deployment_id]
        facts.pull_requests = _PULL_REQUESTS(deployments=deployments)
        facts.branches = {branch.repository_id: branch for branch in _BRANCHES(deployments=deployments)}
        facts.documents = _newest(_DOCUMENTS(crqs=[crq.pk]))
        brought = [*facts.pull_requests, *facts.branches.values(), *facts.documents.values()]
        name_people([crq, crq.deployment, *brought])
        return facts

    @classmethod
    def seen(cls, deployment: Deployment) -> Facts:
        """As they were read already (`remember`), else read anew."""
        return deployment.__dict__.get("_facts") or cls.fresh(deployment)

    def remember(self, by: Deployment | None = None) -> Facts:
        """Lets guards answer from these facts, for a page or under a lock, as long as nothing changes them.

        `by`: the object of the same deployment that is asked, where it is another one.
        """
        (by or self.deployment).__dict__["_facts"] = self
        return self

    def decide(self, decision: Decision) -> None:
        """Adds a decision that was just made."""
        self.decisions.append(decision)
        self.__dict__.pop("approval", None)

    @cached_property
    def crq(self) -> CRQ | None:
        return getattr(self.deployment, "crq", None)

    @cached_property
    def pull_requests(self) -> list[PullRequest]:
        return list(self.deployment.pull_requests.all())

    @cached_property
    def documents(self) -> dict[str, Document]:
        """The current version of each kind."""
        return _newest(self.crq.documents.all() if self.crq else ())

    @cached_property
    def branches(self) -> dict[int, ReleaseBranch]:
        return {branch.repository_id: branch for branch in self.deployment.branches.all()}

    @cached_property
    def decisions(self) -> list[Decision]:
        return list(self.crq.decisions.all()) if self.crq else []

    @cached_property
    def approval(self) -> Decision | None:
        """The standing approval, if there is one."""
        approved = [each for each in self.decisions if each.verdict == Decision.Verdict.APPROVED and not each.voided_at]
        return approved[-1] if approved else None

    @cached_property
    def exempted(self) -> bool:
        """Whether an exemption was granted for the week that the deployment is in."""
        return self.request is not None and self.request.status == ExemptionRequest.Status.GRANTED

    @cached_property
    def request(self) -> ExemptionRequest | None:
        """The exemption request of the week that the deployment is in."""
        asked = self.crq.exemptions.all() if self.crq else ()
        return next((each for each in asked if each.week_id == self.deployment.week_id), None)

    @property
    def returned(self) -> Decision | None:
        """The newest decision, when it asks for changes and the content has not changed since."""
        last = self.decisions[-1] if self.decisions else None
        unanswered = last and last.verdict == Decision.Verdict.RETURNED and last.digest == self.digest
        return last if unanswered else None

    @property
    def is_returned(self) -> bool:
        return self.returned is not None

    @cached_property
    def digest(self) -> str:
        """What an approval is bound to: the pull requests' heads and the current documents, as one SHA-256."""
        heads = sorted([pull.repository_id, pull.number, pull.head_sha] for pull in self.pull_requests)
        papers = sorted([kind, document.sha256] for kind, document in self.documents.items())
        return hashlib.sha256(json.dumps([heads, papers]).encode()).hexdigest()


def _newest(documents: Iterable[Document]) -> dict[str, Document]:
    newest: dict[str, Document] = {}
    for document in documents:
        if document.kind not in newest or document.version > newest[document.kind].version:
            newest[document.kind] = document
    return newest


def _contained(ended: list[int]) -> dict[int, list[PullRequest]]:
    """What each of these deployments contained when it ended: the pull requests with their head commits of then."""
    if not ended:
        return {}
    rows = Contained.objects.filter(deployment__in=ended).select_related(
        "pull_request__repository", "pull_request__author"
    )
    reviews = Prefetch("pull_request__reviews", Review.objects.select_related("reviewer"))
    found: dict[int, list[PullRequest]] = {}
    for row in rows.prefetch_related(reviews).order_by("pull_request"):
        row.pull_request.head_sha = row.head_sha
        found.setdefault(row.deployment_id, []).append(row.pull_request)
    return found
