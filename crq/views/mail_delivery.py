"""The delivery of e-mails, for those who see to it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.mail_delivery import HEAD, cells, delivery_page, why_not_shown
from workflow import clock
from workflow.spreadsheet import spreadsheet


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """`?format=csv` gives all that has not left as a spreadsheet."""
    now, by = clock.now(), person(request)
    if sentence := why_not_shown(by, now=now):
        raise PermissionDenied(sentence)
    if request.GET.get("format") == "csv":
        return spreadsheet("delivery", HEAD, cells())
    return render(request, "crq/delivery.html", {"now": now, "sections": delivery_page(by=by, now=now)})
