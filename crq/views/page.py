"""The page of one deployment and its CRQ."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from accounts.person import person
from crq.page import build
from crq.readiness import with_facts
from deployments.models import Deployment
from workflow import clock


def crq_page(request: HttpRequest, number: str) -> HttpResponse:
    """Found by its number in any case; a deployment that has no CRQ yet is at `deployment_page`."""
    deployment = get_object_or_404(with_facts(Deployment.objects.all()), crq__number=number.upper())
    return _show(request, deployment)


def deployment_page(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(with_facts(Deployment.objects.all()), pk=pk)
    if hasattr(deployment, "crq"):
        return redirect(deployment.crq)
    return _show(request, deployment)


def _show(request: HttpRequest, deployment: Deployment) -> HttpResponse:
    page = build(deployment, by=person(request), now=clock.now())
    return render(request, "crq/crq.html", {"page": page})
