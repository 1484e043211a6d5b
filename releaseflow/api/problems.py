"""What went wrong, as programs read it: RFC 9457 `application/problem+json`, with the sentence people would see."""

from __future__ import annotations

import logging
from http import HTTPStatus
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from workflow.steps import Refusal, Refused
from workflow.transactions import GIVEN_UP, Again

if TYPE_CHECKING:
    from ninja import NinjaAPI

logger = logging.getLogger(__name__)
STATUS = {
    "role": HTTPStatus.FORBIDDEN,
    "guard": HTTPStatus.FORBIDDEN,
    "done": HTTPStatus.CONFLICT,
    "status": HTTPStatus.CONFLICT,
    "busy": HTTPStatus.CONFLICT,
    "reason": HTTPStatus.UNPROCESSABLE_ENTITY,
    "input": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""How a refusal of the flows is answered, by its code."""


class Problem(Exception):
    """Ends a request with this problem. `errors` names fields: [{"field": "week", "message": "…"}]."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.http, self.code, self.detail, self.more = status, code, detail, more

    @classmethod
    def of_form(cls, form: BaseForm, names: dict[str, str] | None = None) -> Problem:
        """What a form of the pages has to say; `names` translates its fields into the request's."""
        known = names or {}
        errors = [
            {"field": "" if name == "__all__" else known.get(name, name), "message": str(message)}
            for name, messages in form.errors.items()
            for message in messages
        ]
        return cls(422, "input", errors[0]["message"] if errors else "Something is missing.", errors=errors)


def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.http).phrase,
        "status": int(problem.http),
        "detail": problem.detail,
        "instance": request.path,
        "code": problem.code,
        **{name: value for name, value in problem.more.items() if name != "headers"},
    }
    headers = problem.more.get("headers", {})
    return JsonResponse(body, status=problem.http, headers=headers, content_type="application/problem+json")


def of_refusal(refusal: Refusal, action: str) -> Problem:
    more = {"headers": {"Retry-After": "1"}} if refusal.code == "busy" else {}
    return Problem(STATUS[refusal.code], refusal.code, refusal.sentence, action=action, **more)


def answered_by(api: NinjaAPI) -> None:
    """Lets the API answer each kind of error in this form."""
    from ninja.errors import HttpError, ValidationError

    api.add_exception_handler(Problem, _problem)
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(PermissionDenied, _denied)
    api.add_exception_handler(Exception, broken)


def _problem(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, error)


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    if isinstance(error, Again) and connection.in_atomic_block:
        raise error  # the whole request is tried again
    return answer(request, of_refusal(error.refusal, getattr(request, "action", "")))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    errors = [{"field": _field(each["loc"]), "message": each["msg"]} for each in error.errors]
    return answer(request, Problem(422, "input", f"{errors[0]['field']}: {errors[0]['message']}", errors=errors))


def _field(place: tuple[Any, ...]) -> str:
    """("body", "body", "week") is `week`."""
    return ".".join(str(part) for part in place[1:] if part not in {"body", "payload"}) or str(place[0])


def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return answer(request, Problem(401, "token", "Send a valid token: Authorization: Bearer rf_…"))
    return answer(request, Problem(error.status_code, "unreadable", "The body is not the JSON that this needs."))


def _missing(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, Problem(404, "missing", "There is nothing at this address."))


def _denied(request: HttpRequest, error: Any) -> HttpResponse:
    return answer(request, Problem(403, "role", str(error)))


def broken(request: HttpRequest, error: Any) -> HttpResponse:
    """The reference stands in the log beside the traceback."""
    if isinstance(error, OperationalError):
        if getattr(error.__cause__, "pgcode", "") in GIVEN_UP and connection.in_atomic_block:
            raise error  # the whole request is tried again
        logger.error("The database did not answer: %s %s", request.method, request.path, exc_info=error)
        retry = {"Retry-After": "5"}
        return answer(request, Problem(503, "outage", "The database does not answer. Try again.", headers=retry))
    reference = token_hex(4).upper()
    logger.error("Reference %s: %s %s", reference, request.method, request.path, exc_info=error)
    return answer(request, Problem(500, "broken", f"Something went wrong here. Nothing was saved. Quote {reference}."))
