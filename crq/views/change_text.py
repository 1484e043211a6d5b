"""The page from which a CRQ is carried over to another change system by hand."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.person import person
from crq.change_system.by_hand import there
from crq.change_system.differences import row_of
from crq.change_text import as_one, change_fields
from crq.readiness import Facts
from crq.views.found import of_crq
from workflow import clock


@require_safe
def page(request: HttpRequest, number: str) -> HttpResponse:
    deployment = of_crq(number)
    [facts] = Facts.of_all([deployment])
    fields = change_fields(facts, site=settings.SITE_URL)
    now = clock.now()
    noted = there(facts, by=person(request), now=now)
    context = {"crq": deployment.crq, "fields": fields, "whole": as_one(fields), "there": noted, "now": now}
    if settings.CHANGE_SYSTEM:
        change = row_of(deployment.crq, by=person(request), now=now)
        context |= {"system": settings.CHANGE_SYSTEM.name, "change": change}
    return render(request, "crq/change_text.html", context)
