"""Downloads of evidence packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.evidence_pack import crq_pack, week_pack
from crq.views.found import of_crq
from deployments.models import ReleaseWeek
from workflow import clock


@require_safe
def crq(request: HttpRequest, number: str) -> StreamingHttpResponse:
    deployment = of_crq(number)
    name = f"{deployment.crq.number}-evidence.zip"
    return _download(crq_pack(deployment, made_by=person(request).name, now=clock.now()), name)


@require_safe
def week(request: HttpRequest, thursday: date) -> StreamingHttpResponse:
    found = get_object_or_404(ReleaseWeek.objects.select_related("batch_completed_by"), thursday=thursday)
    name = f"week-{found.thursday}-evidence.zip"
    return _download(week_pack(found, made_by=person(request).name, now=clock.now()), name)


def _download(content: Iterator[bytes], name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
