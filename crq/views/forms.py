"""Actions of the CRQ page that need more than a button."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.person import person
from crq.flow import CRQ_FLOW
from crq.forms import MergeForm, MoveForm, OpenCRQForm
from crq.models import CRQ
from crq.readiness import Facts
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from workflow import clock
from workflow.eastern import say_near
from workflow.machine import begin, perform, refusal
from workflow.steps import Flow, Refused
from workflow.transactions import whole


def _form_page(request: HttpRequest, form: Any, deployment: Deployment, title: str, **more: Any) -> HttpResponse:
    context = {"form": form, "title": title, "back_url": deployment.get_absolute_url(), "back_label": deployment.title}
    status = 409 if more.get("clash") else 422 if form.errors else 200
    return render(request, "deployments/form.html", context | more, status=status)


def _why_not(flow: Flow, action: str, obj: Any, request: HttpRequest) -> str:
    """The sentence beside the disabled button; a form that was just sent shows its own."""
    no = refusal(flow, action, obj, by=person(request), now=clock.now()) if request.method == "GET" else None
    return no.sentence if no else ""


@require_http_methods(["GET", "HEAD", "POST"])
def open_crq(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = OpenCRQForm(request.POST or None, initial={"title": deployment.title})
    if request.method == "POST" and form.is_valid():
        try:
            crq = begin(CRQ_FLOW, "open", CRQ(deployment=deployment, **form.cleaned_data), by=person(request))
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{crq.number} created.")
            return redirect(crq)
    why_not = _why_not(CRQ_FLOW, "open", CRQ(deployment=deployment), request)
    return _form_page(request, form, deployment, "Create the CRQ", submit_label="Create CRQ", why_not=why_not)


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Release branches and the core-dev result, recorded in one transaction; two people's at once are shown: 409."""
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    facts = Facts.fresh(deployment)
    form = MergeForm(request.POST or None, facts=facts)
    title, more = "Release branch and core dev", {"submit_label": "Record"}
    if request.method == "POST" and form.is_valid():
        if form.changed_meanwhile() and not form.nothing_new:
            clash = form.clash(remark=_recorded(facts, clock.now()))
            again = MergeForm(request.POST.dict() | {"seen": form.token()}, facts=facts)
            return _form_page(request, again, deployment, title, **more, clash=clash)
        try:
            if not form.nothing_new:
                _record(deployment, form, request)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Recorded.")
            return redirect(deployment)
    why_not = _why_not(DEPLOYMENT, "record_branch", deployment, request)
    return _form_page(request, form, deployment, title, **more, why_not=why_not)


def _recorded(facts: Facts, now: datetime) -> str:
    """Who recorded one of these facts last, and when."""
    said = [(branch.at, branch.by) for branch in facts.branches.values()]
    if facts.deployment.core_dev_at and facts.deployment.core_dev_by:
        said.append((facts.deployment.core_dev_at, facts.deployment.core_dev_by))
    at, by = max(said, key=lambda each: each[0], default=(None, None))
    return f"{by.name}, {say_near(at, now)}" if at and by else ""


@whole
def _record(deployment: Deployment, form: MergeForm, request: HttpRequest) -> None:
    perform(DEPLOYMENT, "record_branch", deployment, by=person(request), names=form.names())
    if result := form.cleaned_data["result"]:
        build = form.cleaned_data["build"]
        perform(DEPLOYMENT, "record_core_dev", deployment, by=person(request), result=result, build=build)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = MoveForm(request.POST or None, deployment=deployment, now=clock.now())
    if request.method == "POST" and form.is_valid():
        week, reason = form.cleaned_data["week"], form.cleaned_data["reason"]
        try:
            perform(DEPLOYMENT, "move", deployment, by=person(request), reason=reason, week=week)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"Moved to the {week}. The team and DevOps are e-mailed.")
            return redirect(deployment)
    consequence = "Pull requests, CRQ and documents go along. Approval, release branch and core dev must be done again."
    why_not = _why_not(DEPLOYMENT, "move", deployment, request)
    title = f"Move {deployment.title}"
    return _form_page(request, form, deployment, title, submit_label="Move", consequence=consequence, why_not=why_not)
