"""The kinds of objects that have an address: how each is found, told in full, and which flow it goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Path, Schema

from accounts.models import User
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, ExemptionRequest
from crq.readiness import Facts, with_facts
from deployments.flow import CODE_REVIEW, DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import CodeReview, PullRequest, ReleaseWeek
from deployments.queue import with_reviews
from releaseflow.api import shapes, told
from workflow.steps import Flow

Key = Annotated[int, Path(ge=1, le=2_147_483_647)]
Number = Annotated[str, Path(pattern=r"^CRQ[0-9]{12}$", examples=["CRQ000000418207"])]
Thursday = Annotated[date, Path(examples=["2026-12-10"])]
Found = Callable[[Any], Any]


@dataclass(frozen=True)
class Kind:
    """`tell` gives the facts that `detail` types; the actions are added."""

    path: str
    key: Any
    flow: Flow
    find: Found
    tell: Callable[[Any, datetime], dict[str, Any]]
    detail: type[Schema]

    def told(self, key: Any, *, by: User, now: datetime) -> dict[str, Any]:
        found = self.find(key)
        facts = self.tell(found, now)
        return facts | {"actions": told.actions(self.flow, found, f"{self.path}/{key}", by=by, now=now)}


def _deployment(key: int) -> Any:
    for found in with_facts([key]):
        [facts] = Facts.of_all([found])
        facts.remember()
        if facts.crq:
            facts.crq.deployment = found
        return found
    raise Http404


def _crq(number: str) -> Any:
    key = CRQ.objects.filter(number=number).values_list("deployment", flat=True).first()
    return _deployment(key or 0).crq


def _week(thursday: date) -> Any:
    weeks = ReleaseWeek.objects.select_related("batch_completed_by").prefetch_related("milestones")
    return get_object_or_404(weeks, thursday=thursday)


def _pull_request(key: int) -> Any:
    return get_object_or_404(with_reviews(PullRequest.objects.all()), pk=key)


def _review(key: int) -> Any:
    return get_object_or_404(CodeReview.objects.select_related("week", "team"), pk=key)


EXEMPTIONS = ExemptionRequest.objects.select_related(
    "crq__deployment__application__team",
    "crq__deployment__week",
    "week",
    "requested_by",
    "requested_for",
    "decided_by",
    "decided_for",
)


def _exemption(key: int) -> Any:
    return get_object_or_404(EXEMPTIONS.all(), pk=key)


KINDS = (
    Kind("weeks", Thursday, WEEK, _week, told.week, shapes.WeekDetail),
    Kind(
        "deployments",
        Key,
        DEPLOYMENT,
        _deployment,
        lambda found, now: told.deployment(Facts.seen(found)),
        shapes.DeploymentDetail,
    ),
    Kind(
        "crqs",
        Number,
        CRQ_FLOW,
        _crq,
        lambda found, now: told.crq(found) | told.crq_content(Facts.seen(found.deployment)),
        shapes.CRQDetail,
    ),
    Kind(
        "pull-requests",
        Key,
        PULL_REQUEST,
        _pull_request,
        lambda found, now: told.pull_request(found),
        shapes.PullRequestDetail,
    ),
    Kind(
        "reviews",
        Key,
        CODE_REVIEW,
        _review,
        lambda found, now: told.code_review(found) | {"decisions": told.review_decisions(found)},
        shapes.CodeReviewDetail,
    ),
    Kind(
        "exemptions",
        Key,
        EXEMPTION,
        _exemption,
        lambda found, now: told.exemption(found) | {"notes": told.exemption_notes(found)},
        shapes.ExemptionDetail,
    ),
)
BY_PATH = {kind.path: kind for kind in KINDS}
