"""The addresses below /api/v1/. They are resolved by `entry.py`, which is the only view that Django knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.security import HttpBearer

from releaseflow.api.actions import add_actions
from releaseflow.api.creating import add_creating
from releaseflow.api.problems import answered_by
from releaseflow.api.reads import add_reads

ABOUT = """Everything that the pages of releaseflow show and do, for programs.

Send `Authorization: Bearer rf_…` with a token from your own page. A change may carry `If-Match` with the `ETag` that
was read, and an `Idempotency-Key`, with which the same request is done once within 24 hours. Problems are RFC 9457
`application/problem+json`."""


class Bearer(HttpBearer):
    """`entry.py` has looked at the token already."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return getattr(request, "token", None)


api = NinjaAPI(
    title="releaseflow",
    version="1",
    description=ABOUT,
    auth=Bearer(),
    docs_url=None,
    openapi_url=None,
    urls_namespace="releaseflow-api",
)
answered_by(api)
add_reads(api)
add_creating(api)
add_actions(api)
urlpatterns = api.urls[0]
