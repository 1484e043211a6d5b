"""What begins: a pull request, a deployment, a CRQ, an ad hoc review, a request for an exemption.

Each goes through the form of its page, so what may be typed there may be sent here.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, NinjaAPI, Schema, Status

from accounts.person import person
from crq.exemption_forms import AskForm
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.forms import OpenCRQForm
from crq.models import CRQ, ExemptionRequest
from deployments import planning
from deployments.flow import CODE_REVIEW
from deployments.forms import AdHocReviewForm, DeploymentForm, PullRequestForm
from deployments.models import CodeReview
from releaseflow.api import shapes
from releaseflow.api.answers import problems
from releaseflow.api.inputs import Commit, Digest, Id, deployment_of, pull_request_of, week_of, words, wrong
from releaseflow.api.kinds import BY_PATH
from releaseflow.api.problems import Problem
from releaseflow.api.tags import tag_of
from releaseflow.api.told import ROOT
from workflow import clock
from workflow.eastern import to_eastern
from workflow.machine import LONGEST_REASON, begin

Told = Status[Any]


class NewPullRequest(Schema):
    url: words(200, least=1) = Field(examples=["https://github.com/acme/identity-admin/pull/482"])  # type: ignore[valid-type]
    title: words(300, least=1)  # type: ignore[valid-type]
    head_sha: Commit
    author: Id | None = Field(None, description="A person of your teams; left out, it is you.")


class NewDeployment(Schema):
    application: Id
    week: date = Field(description="The Thursday that names the week.", examples=["2026-12-10"])
    title: words(200, least=1)  # type: ignore[valid-type]
    pull_requests: list[Id] = Field([], max_length=200, description="Submitted ones, of this application.")


class NewCRQ(Schema):
    deployment: Id
    title: words(200) = Field("", description="Left out, the deployment's.")  # type: ignore[valid-type]
    number: str = Field("", pattern=r"^(CRQ[0-9]{12})?$", description="Of another change system; else one is given.")


class NewReview(Schema):
    team: Id
    week: date
    at: datetime = Field(description="When it was held, with its offset from UTC.")
    pull_requests: list[Id] = Field([], max_length=200)
    note: words(5000) = ""  # type: ignore[valid-type]


class NewExemption(Schema):
    crq: str = Field(pattern=r"^CRQ[0-9]{12}$")
    why: words(LONGEST_REASON, least=1)  # type: ignore[valid-type]
    why_now: words(LONGEST_REASON, least=1)  # type: ignore[valid-type]
    risk: words(LONGEST_REASON, least=1)  # type: ignore[valid-type]
    approve: bool = Field(False, description="Approve the CRQ with it; then `digest` is needed.")
    digest: Digest | None = None


def checked(form: Any, names: dict[str, str] | None = None) -> dict[str, Any]:
    """What the form understood, or Problem 422 with what it has to say."""
    if not form.is_valid():
        raise Problem.of_form(form, names)
    given: dict[str, Any] = form.cleaned_data
    return given


def _made(request: HttpRequest, response: HttpResponse, path: str, key: Any) -> Told:
    told = BY_PATH[path].told(key, by=person(request), now=clock.now())
    response["Location"] = f"{ROOT}/{path}/{key}"
    response["ETag"] = tag_of(told)
    return Status(201, told)


def _begins(request: HttpRequest, action: str) -> None:
    """Names the action, for the problem that a refusal becomes."""
    request.action = action  # type: ignore[attr-defined]


def submit_pull_request(request: HttpRequest, response: HttpResponse, body: NewPullRequest) -> Told:
    """Submit a pull request."""
    _begins(request, "pull_request.submit")
    by = person(request)
    given = body.dict() | {"author": body.author or by.pk}
    form = PullRequestForm(given, user=by, now=clock.now())
    checked(form)
    return _made(request, response, "pull-requests", planning.submit(form.unsaved(), by=by).pk)


def plan_deployment(request: HttpRequest, response: HttpResponse, body: NewDeployment) -> Told:
    """Plan a deployment."""
    _begins(request, "deployment.plan")
    by, week = person(request), week_of(body.week)
    given = checked(
        DeploymentForm(
            {"application": body.application, "week": week.pk, "title": body.title}, user=by, now=clock.now()
        )
    )
    pulls = [pull_request_of(key, "pull_requests") for key in dict.fromkeys(body.pull_requests)]
    made = planning.plan_deployment(given["application"], week, given["title"], pulls, by=by)
    return _made(request, response, "deployments", made.pk)


def open_crq(request: HttpRequest, response: HttpResponse, body: NewCRQ) -> Told:
    """Create the CRQ of a deployment."""
    _begins(request, "crq.open")
    deployment = deployment_of(body.deployment)
    given = checked(OpenCRQForm({"number": body.number, "title": body.title or deployment.title}))
    made = begin(CRQ_FLOW, "open", CRQ(deployment=deployment, **given), by=person(request))
    return _made(request, response, "crqs", made.number)


def record_review(request: HttpRequest, response: HttpResponse, body: NewReview) -> Told:
    """Record a review that a team held on its own."""
    _begins(request, "code_review.record")
    if body.at.tzinfo is None or not 2000 < body.at.year < 9000:
        raise wrong("at", "Give the time with its offset from UTC, such as 2026-12-02T15:00:00Z.")
    by, at = person(request), to_eastern(body.at)
    given = body.dict() | {"week": week_of(body.week).pk, "at_0": f"{at:%Y-%m-%d}", "at_1": f"{at:%H:%M:%S}"}
    form = AdHocReviewForm(given, user=by, now=clock.now())
    understood = checked(form)
    names = {name: understood[name] for name in ("team", "week", "at")}
    review = CodeReview(kind=CodeReview.Kind.AD_HOC, note=form.full_note(), **names)
    return _made(request, response, "reviews", begin(CODE_REVIEW, "record", review, by=by).pk)


def ask_exemption(request: HttpRequest, response: HttpResponse, body: NewExemption) -> Told:
    """Ask for an exemption."""
    _begins(request, "exemption.request")
    if body.approve and not body.digest:
        raise wrong("digest", "Send the digest of the CRQ that you looked at, to approve it.")
    form = AskForm(body.dict())
    checked(form)
    crq = CRQ.objects.select_related("deployment__week", "deployment__application").filter(number=body.crq).first()
    if crq is None:
        raise wrong("crq", f"There is no {body.crq}.")
    unsaved = ExemptionRequest(crq=crq, **form.words())
    approves: dict[str, Any] = {"approve": True, "digest": body.digest} if body.approve else {}
    made = begin(EXEMPTION, "request", unsaved, by=person(request), **approves)
    return _made(request, response, "exemptions", made.pk)


NEW = (
    ("/pull-requests", shapes.PullRequestDetail, submit_pull_request),
    ("/deployments", shapes.DeploymentDetail, plan_deployment),
    ("/crqs", shapes.CRQDetail, open_crq),
    ("/reviews", shapes.CodeReviewDetail, record_review),
    ("/exemptions", shapes.ExemptionDetail, ask_exemption),
)


def add_creating(api: NinjaAPI) -> None:
    for path, shape, view in NEW:
        api.default_router.add_api_operation(
            path,
            ["POST"],
            view,
            response={201: shape, **problems(400, 403, 409, 413, 415, 422)},
            operation_id=view.__name__,
            summary=(view.__doc__ or "").rstrip("."),
            tags=[path.strip("/")],
        )
