"""All CRQs, newest first."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from crq.models import CRQ

PAGE = 50


def crqs(request: HttpRequest) -> HttpResponse:
    """`?q=` finds by number, title, application or team; an exact number opens it. `?status=` narrows."""
    words, status = request.GET.get("q", "").strip()[:100], request.GET.get("status", "")
    if exact := CRQ.objects.filter(number=words.upper()).first():
        return redirect(exact)
    page = Paginator(_found(words, status), PAGE).get_page(request.GET.get("page"))
    context = {"rows": page, "words": words, "status": status, "statuses": CRQ.Status.choices}
    return render(request, "crq/crqs.html", context)


def _found(words: str, status: str) -> QuerySet[CRQ]:
    rows = CRQ.objects.select_related("deployment__application__team", "deployment__week", "opened_by")
    if status in CRQ.Status.values:
        rows = rows.filter(status=status)
    if words:
        rows = rows.filter(
            Q(number__icontains=words)
            | Q(title__icontains=words)
            | Q(deployment__application__name__icontains=words)
            | Q(deployment__application__team__name__icontains=words)
        )
    return rows.order_by("-pk")
