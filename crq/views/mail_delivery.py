"""The delivery of e-mails, for those who see to it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.mail_delivery import delivery_page, why_not_shown
from workflow import clock


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    now, by = clock.now(), person(request)
    if sentence := why_not_shown(by, now=now):
        raise PermissionDenied(sentence)
    return render(request, "crq/delivery.html", {"now": now, "sections": delivery_page(by=by, now=now)})
