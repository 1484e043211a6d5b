"""The one view behind /api/v1/: who asks, whether it may be read at all, then the route; a change in one transaction.

Only the `Authorization` header counts: a session of a browser opens nothing here, so no page can make one act.
"""

from __future__ import annotations

from collections.abc import Callable

from allauth.core.internal.httpkit import get_client_ip
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt

from accounts.models import Token
from accounts.roles import narrow
from accounts.tokens import mark_used, token_of
from crq.uploads import megabytes
from releaseflow.api import once
from releaseflow.api.document import openapi
from releaseflow.api.problems import Problem, answer, broken, of_refusal
from releaseflow.api.tags import conditional
from releaseflow.logs import actor_id
from workflow import clock
from workflow.steps import Refused
from workflow.transactions import whole

ROUTES = "releaseflow.api.routes"
SAFE = {"GET", "HEAD", "OPTIONS"}
READABLE = {"application/json", "multipart/form-data"}
MOST_FAILURES, WITHIN = 20, 300


@login_not_required
@csrf_exempt
def entry(request: HttpRequest, rest: str) -> HttpResponse:
    try:
        response = _response(request, rest)
    except Problem as problem:
        response = answer(request, problem)
    except Refused as refused:
        response = answer(request, of_refusal(refused.refusal, getattr(request, "action", "")))
    except Exception as error:  # noqa: BLE001 (whatever it is, such as a database that is gone, programs get a problem)
        response = broken(request, error)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    response.headers["Vary"] = "Authorization"
    return response


def _response(request: HttpRequest, rest: str) -> HttpResponse:
    if rest == "openapi.json":  # tells nothing about anybody
        return conditional(request, JsonResponse(openapi()))
    token = _token(request)
    route = _route(rest)
    if request.method in SAFE:
        return conditional(request, _allowed(request, route(request)))
    if token.only_reads:
        raise Problem(403, "token", "This token can only read. Make one with a role under /me/tokens/.")
    _readable(request)
    return _changing(request, token, route)


def _token(request: HttpRequest) -> Token:
    """Raises Problem 401, or 429 after many failures from one address."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    now = clock.now()
    token = token_of(key.strip(), now=now) if scheme.lower() == "bearer" else None
    if token is None:
        raise _failed(request)
    if token.roles:
        narrow(token.user, token.roles)
    mark_used(token, now=now)
    request.user, request.token = token.user, token  # type: ignore[attr-defined]
    actor_id.set(token.user_id)
    return token


def _failed(request: HttpRequest) -> Problem:
    counted = f"api-failed-{get_client_ip(request)}"
    cache.add(counted, 0, WITHIN)
    if cache.incr(counted) > MOST_FAILURES:
        return Problem(
            429, "too_many", "Too many requests without a valid token.", headers={"Retry-After": str(WITHIN)}
        )
    words = "Send a valid token: Authorization: Bearer rf_… Tokens expire, and end with their person's account."
    return Problem(401, "token", words, headers={"WWW-Authenticate": 'Bearer realm="releaseflow"'})


def _route(rest: str) -> Callable[[HttpRequest], HttpResponse]:
    try:
        found = resolve(f"/{rest}", ROUTES)
    except Resolver404:
        raise Problem(404, "missing", "There is nothing at this address. See /api/docs.") from None
    return lambda request: found.func(request, *found.args, **found.kwargs)


def _allowed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Puts what the routes answer to a method they do not have into the form of all problems."""
    if response.status_code != 405:
        return response
    methods = response.headers.get("Allow", "")
    return answer(
        request, Problem(405, "method", f"This address takes {methods or 'other methods'}.", headers={"Allow": methods})
    )


def _readable(request: HttpRequest) -> None:
    """Raises Problem for a body of a kind or size that is not read."""
    try:
        if request.content_type == "multipart/form-data":
            _ = request.FILES
        elif request.body and request.content_type not in READABLE:
            raise Problem(415, "media_type", "Send application/json, or multipart/form-data with a file.")
    except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
        words = f"That is too large: 2.5 MB of JSON, or a file of {megabytes()} MB."
        raise Problem(413, "too_large", words) from None


@whole
def _changing(request: HttpRequest, token: Token, route: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """All of a request, or nothing: what failed on our side leaves no trace, and its key can be used again."""
    key = once.key_of(request)
    row = None
    if key:
        row, again = once.claim(token, key, once.digest_of(request), now=clock.now())
        if again is not None:
            return again
    response = _allowed(request, route(request))
    if response.status_code >= 500:
        transaction.set_rollback(True)
    elif row:
        once.keep(row, response)
    return response
