"""A new deployment, and which pull requests a deployment brings."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from accounts.person import person
from deployments import planning
from deployments.forms import DeploymentForm, ScopeForm, refuse
from deployments.models import Application, Deployment, PullRequest, ReleaseWeek
from deployments.pull_request_page import approval_at_stake
from workflow import clock
from workflow.steps import Refused

NOBODY = "Deployments are planned by the team that owns the application, or by the Scrum Master."


@require_http_methods(["GET", "HEAD", "POST"])
def new_deployment(request: HttpRequest) -> HttpResponse:
    user, now = person(request), clock.now()
    only, initial = _wished(request)
    form = DeploymentForm(
        request.POST if request.method == "POST" else None, user=user, now=now, only=only, initial=initial
    )
    if form.is_valid():
        given = form.cleaned_data
        try:
            deployment = planning.plan_deployment(**given, by=user)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, f"{deployment.title} is planned for the {deployment.week}.")
            return redirect(deployment)
    context = {
        "now": now,
        "form": form,
        "title": "New deployment",
        "intro": "The installation of one application in one week. The CRQ and its documents follow on its page.",
        "submit_label": "Plan deployment",
        "back_url": reverse("pull-requests"),
        "back_label": "Pull requests",
        "why_not": "" if form.own else NOBODY,
    }
    return render(request, "deployments/new_deployment.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def pull_requests(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes what a planned deployment brings, before its cutoff."""
    user, now = person(request), clock.now()
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = ScopeForm(request.POST if request.method == "POST" else None, deployment=deployment)
    if form.is_valid():
        add, remove = form.changes()
        try:
            planning.change_scope(deployment, add=add, remove=remove, by=user)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _changed(len(add), len(remove)))
            return redirect(deployment)
    context = {
        "now": now,
        "form": form,
        "title": f"Pull requests of {deployment.title}",
        "intro": f"{deployment.application}, {deployment.week}. Tick what it brings to production.",
        "consequence": approval_at_stake(deployment, now),
        "why_not": planning.fixed_scope(deployment, by=user, now=now),
        "back_url": deployment.get_absolute_url(),
        "back_label": deployment.title,
        "nothing": not form.offered,
    }
    return render(request, "deployments/scope.html", context, status=422 if form.errors else 200)


def _wished(request: HttpRequest) -> tuple[Application | None, dict[str, Any]]:
    """The application and the first values that the address asks for; what it names wrongly is left out."""
    initial: dict[str, Any] = {}
    wished = _found(PullRequest, request.GET.get("pull_request", ""))
    only = _found(Application, request.GET.get("application", ""))
    if isinstance(wished, PullRequest):
        only = wished.repository.application
        initial |= {"pull_requests": [wished.pk], "title": wished.title[:200]}
    day = _day(request.GET.get("week", ""))
    if day and (week := ReleaseWeek.objects.filter(thursday=day).first()):
        initial["week"] = week.pk
    if isinstance(only, Application):
        initial["application"] = only.pk
        return only, initial
    return None, initial


def _found(model: type[PullRequest | Application], pk: str) -> PullRequest | Application | None:
    return model.objects.filter(pk=int(pk)).first() if pk.isascii() and pk.isdigit() and len(pk) < 12 else None


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _changed(added: int, removed: int) -> str:
    words = [f"{added} added" if added else "", f"{removed} taken out" if removed else ""]
    return f"Pull requests: {' and '.join(filter(None, words)) or 'nothing changed'}."
