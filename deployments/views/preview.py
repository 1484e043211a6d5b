"""The page between a form and its being saved: what would change. It takes the same input again, with a digest."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from deployments.schedule import Preview, Stale
from deployments.schedule_page import changed_weeks

OURS = {"csrfmiddlewaretoken", "confirm", "edit"}


def confirms(request: HttpRequest) -> str:
    """The digest of the preview that the person agrees to, or nothing."""
    return request.POST.get("confirm", "")


def goes_on_editing(request: HttpRequest) -> bool:
    return "edit" in request.POST


def preview_page(
    request: HttpRequest,
    found: Preview,
    *,
    title: str,
    save_label: str,
    back: tuple[str, str],
    lines: Sequence[str] = (),
    stale: Stale | None = None,
) -> HttpResponse:
    """`lines` say what is wished, `back` is the address and name of the page it came from. 409 for a stale preview."""
    context = {
        "title": title,
        "lines": lines,
        "preview": found,
        "weeks": changed_weeks(found),
        "hidden": [(name, value) for name in request.POST if name not in OURS for value in request.POST.getlist(name)],
        "save_label": save_label,
        "back_url": back[0],
        "back_label": back[1],
        "stale": str(stale) if stale else "",
    }
    return render(request, "deployments/preview.html", context, status=409 if stale else 200)
