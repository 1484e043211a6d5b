"""What each action takes, and how it is handed to the flow; the rules themselves stand in the flows and forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from ninja import Field, Schema

from crq.deliverables import repositories
from crq.forms import branch_name
from crq.readiness import Facts
from deployments.models import Deployment, PullRequest, ReleaseWeek
from releaseflow.api.problems import Problem
from workflow.machine import LONGEST_REASON
from workflow.steps import Step

PLAIN = r"^[^\x00]*$"
"""No database keeps the one character."""
Id = Annotated[int, Field(ge=1, le=2_147_483_647)]


def words(longest: int, *, least: int = 0) -> Any:
    return Annotated[str, Field(min_length=least, max_length=longest, pattern=PLAIN)]


Reason = words(LONGEST_REASON, least=1)
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$", examples=["5f2c1e7a9b"])]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Nothing(Schema):
    reason: words(LONGEST_REASON) = ""  # type: ignore[valid-type]


class Because(Schema):
    reason: Reason = Field(examples=["The partner is not ready."])  # type: ignore[valid-type]


class Branch(Schema):
    repository: Id
    name: words(200, least=1) = Field(examples=["release/2026-12-10"])  # type: ignore[valid-type]


class Branches(Schema):
    branches: list[Branch] = Field(min_length=1, max_length=100, description="One for every repository.")


class CoreDev(Schema):
    result: Literal["success", "failed"]
    build: words(120) = Field("", description="Needed for a success.", examples=["build-1042"])  # type: ignore[valid-type]


class Move(Because):
    week: date = Field(description="The Thursday that names the week.", examples=["2026-12-17"])


class Text(Schema):
    text: Reason  # type: ignore[valid-type]


class ReviewGiven(Schema):
    verdict: Literal["approved", "changes_requested", "commented"]
    sha: Commit = Field(description="The commit that was looked at.")
    note: words(5000) = ""  # type: ignore[valid-type]


class Head(Schema):
    sha: Commit


class Into(Schema):
    deployment: Id


class Decide(Schema):
    pull_request: Id
    outcome: Literal["planned", "not_this_week", "needs_work"]
    note: words(500) = ""  # type: ignore[valid-type]


class Order(Schema):
    deployment: Id
    place: int = Field(ge=0, le=10_000, description="Its present place in the run, from 0.")
    to: Literal["up", "down"]


class Day(Schema):
    day: date


class Skip(Schema):
    reason: words(200, least=1)  # type: ignore[valid-type]


class Approve(Schema):
    digest: Digest = Field(description="The `digest` of the CRQ as it was looked at.")


class Grant(Because):
    condition: words(300) = ""  # type: ignore[valid-type]


Given = Callable[[Any, Any], dict[str, Any]]


@dataclass(frozen=True)
class Input:
    """The type of an action's body, and what of it goes to the flow, given (body, object)."""

    body: type[Schema]
    given: Given


def as_it_is(body: Any, obj: Any) -> dict[str, Any]:
    given: dict[str, Any] = body.dict()
    return given


def _branches(body: Branches, deployment: Deployment) -> dict[str, Any]:
    wanted = {each.pk for each in repositories(Facts.seen(deployment))}
    names = {each.repository: each.name for each in body.branches}
    if set(names) != wanted:
        raise wrong("branches", "Give the release branch of every repository of its pull requests, and no other.")
    for name in names.values():
        try:
            branch_name(name)
        except ValidationError as error:
            raise wrong("branches", str(error.message)) from error
    return {"names": names}


def wrong(field: str, sentence: str) -> Problem:
    return Problem(422, "input", sentence, errors=[{"field": field, "message": sentence}])


def week_of(day: date, field: str = "week") -> ReleaseWeek:
    found = ReleaseWeek.objects.prefetch_related("milestones").filter(thursday=day).first()
    if found is None:
        raise wrong(field, f"No release week is named by {day.isoformat()}.")
    return found


def deployment_of(key: int) -> Deployment:
    found = Deployment.objects.select_related("application", "week").filter(pk=key).first()
    if found is None:
        raise wrong("deployment", f"There is no deployment {key}.")
    return found


def pull_request_of(key: int, field: str = "pull_request") -> PullRequest:
    found = PullRequest.objects.select_related("repository__application").filter(pk=key).first()
    if found is None:
        raise wrong(field, f"There is no pull request {key}.")
    return found


def _text(body: Text, obj: Any) -> dict[str, Any]:
    return {"reason": body.text}


def _order(body: Order, obj: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in body.dict().items()}


INPUTS: dict[str, Input] = {
    "deployment.record_branch": Input(Branches, _branches),
    "deployment.record_core_dev": Input(CoreDev, as_it_is),
    "deployment.move": Input(Move, lambda body, obj: {"reason": body.reason, "week": week_of(body.week)}),
    "deployment.comment": Input(Text, _text),
    "pull_request.review": Input(ReviewGiven, as_it_is),
    "pull_request.new_head": Input(Head, as_it_is),
    "pull_request.plan": Input(Into, lambda body, obj: {"deployment": deployment_of(body.deployment)}),
    "code_review.decide": Input(
        Decide, lambda body, obj: as_it_is(body, obj) | {"pull_request": pull_request_of(body.pull_request)}
    ),
    "week.reorder": Input(Order, _order),
    "week.skip": Input(Skip, as_it_is),
    "week.substitute": Input(Day, as_it_is),
    "crq.approve": Input(Approve, as_it_is),
    "exemption.note": Input(Text, as_it_is),
    "exemption.grant": Input(Grant, as_it_is),
}
PLAINLY, WITH_REASON = Input(Nothing, as_it_is), Input(Because, as_it_is)


def input_of(flow: str, step: Step) -> Input:
    return INPUTS.get(f"{flow}.{step.action}") or (WITH_REASON if step.needs_reason else PLAINLY)
