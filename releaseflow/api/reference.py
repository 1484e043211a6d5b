"""The reference page: the OpenAPI document as people read it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from releaseflow.api.document import openapi


def reference(request: HttpRequest) -> HttpResponse:
    return render(request, "releaseflow/api.html", {"document": openapi()})
