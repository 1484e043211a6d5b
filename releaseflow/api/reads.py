"""Everything that pages show, to be read: lists narrowed as on the screen, objects in full."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any, Literal

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import NinjaAPI

from accounts.person import person
from crq.crq_list import Asked, matching
from crq.exemption_list import VIEWS
from crq.readiness import planned_for, with_facts
from crq.views.documents import document as stored_document
from deployments.models import CodeReview, Deployment, ReleaseWeek
from deployments.queue import ORDER, found_in, with_reviews
from releaseflow.api import shapes, surroundings, told
from releaseflow.api.answers import problems
from releaseflow.api.kinds import BY_PATH, EXEMPTIONS, KINDS, Key, Kind, Number, Thursday
from releaseflow.api.pages import Cursor, Day, Id, Limit, Words, paged
from releaseflow.api.tags import tag_of
from workflow import clock

Told = dict[str, Any]


def add_reads(api: NinjaAPI) -> None:
    for kind in KINDS:
        api.default_router.add_api_operation(
            f"/{kind.path}/{{key}}",
            ["GET"],
            _one(kind),
            response={200: kind.detail, **problems(404, 422)},
            operation_id=f"read_{kind.flow.name}",
            summary=f"One of {kind.path}",
            description="With what this token may do to it now. `ETag` names its present state.",
            tags=[kind.path],
        )
    for path, tag, shape, view in LISTS:
        answer = shape if path in WHOLE else shapes.Page[shape]  # type: ignore[valid-type]
        api.default_router.add_api_operation(
            path,
            ["GET"],
            view,
            response={200: answer, **problems(403, 404, 422)},
            operation_id=view.__name__,
            summary=(view.__doc__ or "").splitlines()[0],
            tags=[tag],
        )
    api.default_router.add_api_operation(
        "/crqs/{key}/documents/{document}",
        ["GET"],
        download,
        response={200: bytes, **problems(404, 409, 422)},
        operation_id="download_document",
        summary="The file of a document",
        tags=["crqs"],
        openapi_extra={"responses": {200: {"content": {"application/octet-stream": {"schema": FILE}}}}},
    )


FILE = {"type": "string", "format": "binary"}


def _one(kind: Kind) -> Any:
    def read(request: HttpRequest, response: HttpResponse, key: Any) -> Told:
        found = kind.told(key, by=person(request), now=clock.now())
        response["ETag"] = tag_of(found)
        return found

    positional = Parameter.POSITIONAL_OR_KEYWORD
    typed = [
        Parameter("request", positional),
        Parameter("response", positional, annotation=HttpResponse),
        Parameter("key", positional, annotation=kind.key),
    ]
    read.__signature__ = Signature(typed)  # type: ignore[attr-defined]
    return read


def download(request: HttpRequest, key: Number, document: Key) -> FileResponse:
    """Given out only when it is, byte for byte, what was attached."""
    return stored_document(request, number=key, pk=document)


# --- Lists ---------------------------------------------------------------------------------------------------
def list_weeks(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> Told:
    """Release weeks, the newest first."""
    now = clock.now()
    weeks = ReleaseWeek.objects.select_related("batch_completed_by").prefetch_related("milestones")
    return paged(weeks, ("thursday", "pk"), cursor, limit, lambda rows: [told.week(each, now) for each in rows])


def board(request: HttpRequest, key: Thursday) -> list[Told]:
    """The deployments of a week as its board shows them, with every deliverable."""
    return told.deployments(planned_for(BY_PATH["weeks"].find(key)))


def list_deployments(  # noqa: PLR0917
    request: HttpRequest,
    week: Day = None,
    team: Id = None,
    application: Id = None,
    status: Deployment.Status | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """Deployments, the newest first."""
    asked = {"week__thursday": week, "application__team": team, "application": application, "status": status}
    found = Deployment.objects.filter(**{name: value for name, value in asked.items() if value is not None})

    def tell(rows: list[Deployment]) -> list[Told]:
        whole = {each.pk: each for each in with_facts([row.pk for row in rows])}
        return told.deployments([whole[row.pk] for row in rows])

    return paged(found, ("pk",), cursor, limit, tell)


def list_crqs(  # noqa: PLR0917
    request: HttpRequest,
    q: Words = "",
    week: Day = None,
    team: Id = None,
    application: Id = None,
    state: Literal["", "open", "approved", "closed", "held"] = "",
    mine: bool = False,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """CRQs, the newest first."""
    asked = Asked(q=q, week=week, team=team, application=application, state=state, mine=mine)
    found = matching(asked, by=person(request), now=clock.now())
    return paged(found, ("pk",), cursor, limit, lambda rows: [told.crq(each) for each in rows])


def list_pull_requests(
    request: HttpRequest,
    view: Literal["waiting", "mine", "planned", "shipped", "withdrawn", "all"] = "all",
    q: Words = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """Pull requests with their reviews."""
    found = with_reviews(found_in(person(request), view, q, clock.now()))
    return paged(found, ORDER, cursor, limit, lambda rows: [told.pull_request(each) for each in rows])


def list_reviews(request: HttpRequest, cursor: Cursor = "", limit: Limit = 50) -> Told:
    """Code reviews, the latest first."""
    found = CodeReview.objects.select_related("week", "team")
    return paged(found, ("at", "pk"), cursor, limit, lambda rows: [told.code_review(each) for each in rows])


def list_exemptions(
    request: HttpRequest,
    view: Literal["", "open", "granted", "denied"] = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Told:
    """Exemption requests, the newest first."""
    found = EXEMPTIONS.filter(VIEWS[view])
    return paged(found, ("requested_at", "pk"), cursor, limit, lambda rows: [told.exemption(each) for each in rows])


WHOLE = {"/weeks/{key}/deployments", "/me", "/me/tasks", "/teams", "/applications"}
"""What comes in one piece, without pages."""
LISTS: tuple[tuple[str, str, Any, Callable[..., Any]], ...] = (
    ("/weeks", "weeks", shapes.WeekOut, list_weeks),
    ("/weeks/{key}/deployments", "weeks", list[shapes.DeploymentOut], board),
    ("/deployments", "deployments", shapes.DeploymentOut, list_deployments),
    ("/crqs", "crqs", shapes.CRQOut, list_crqs),
    ("/pull-requests", "pull-requests", shapes.PullRequestOut, list_pull_requests),
    ("/reviews", "reviews", shapes.CodeReviewOut, list_reviews),
    ("/exemptions", "exemptions", shapes.ExemptionOut, list_exemptions),
    *surroundings.LISTS,
)
