"""A new deployment, and which pull requests a deployment brings."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST

from accounts.person import person
from deployments import drafts, planning
from deployments.forms import DeploymentForm, ScopeForm, refuse
from deployments.models import Application, Deployment, Draft, PullRequest, ReleaseWeek
from deployments.pull_request_page import approval_at_stake
from deployments.scope_clash import scope_clash
from workflow import clock
from workflow.clash import Clash
from workflow.steps import Refused

NOBODY = "Deployments are planned by the team that owns the application, or by the Scrum Master."


@require_http_methods(["GET", "HEAD", "POST"])
def new_deployment(request: HttpRequest) -> HttpResponse:
    """Step 1 of a new deployment, which begins its draft."""
    return _what(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def what(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 1 again, until the deployment is planned."""
    return _what(request, own_draft(request, pk))


def own_draft(request: HttpRequest, pk: int) -> Draft:
    """The draft, which nobody but the person who began it may see."""
    drafts = Draft.objects.select_related(
        "application__team", "week", "deployment__application__team", "deployment__week"
    )
    return get_object_or_404(drafts, pk=pk, by=person(request))


def _what(request: HttpRequest, draft: Draft | None) -> HttpResponse:
    user, now = person(request), clock.now()
    form = DeploymentForm(
        request.POST if request.method == "POST" else None, user=user, now=now, initial=_initial(request, draft)
    )
    if form.is_valid():
        given = form.cleaned_data
        what = (given["application"], given["week"], given["title"])
        try:
            if draft is None:
                draft = drafts.begin(given["key"], *what, wished=given["wished"], by=user, now=now)
            elif what != (draft.application, draft.week, draft.title):
                drafts.change(draft, *what, by=user, now=now)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect(draft.url(Draft.Step.PULL_REQUESTS))
    context = {
        "intro": "The installation of one application in one week.",
        "why_not": "" if form.own else NOBODY,
        "leave_url": reverse("my-tasks") if draft else reverse("crqs"),
        "discard_url": reverse("new-deployment-discard", args=[draft.pk]) if draft and not draft.deployment_id else "",
    }
    return _step_page(request, draft, Draft.Step.WHAT, form, context)


def _initial(request: HttpRequest, draft: Draft | None) -> dict[str, Any]:
    if draft is None:
        return _wished(request) | {"key": uuid4()}
    return {"application": draft.application_id, "week": draft.week_id, "title": draft.title}


@require_http_methods(["GET", "HEAD", "POST"])
def step_pull_requests(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 2: from here on the deployment is planned."""
    user, draft = person(request), own_draft(request, pk)
    deployment = draft.deployment or Deployment(application=draft.application, week=draft.week, title=draft.title)
    form = ScopeForm(request.POST if request.method == "POST" else None, deployment=deployment, wished=draft.wished)
    if form.is_valid():
        add, remove = form.changes()
        try:
            deployment = drafts.plan(draft, add=add, remove=remove, by=user)
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, f"{deployment.title} is planned for the {deployment.week}.")
            return redirect(draft.url(Draft.Step.CRQ))
    context = {
        "intro": f"{draft.title}: {draft.application}, {draft.week}. Tick what it brings to production.",
        "nothing": not form.offered,
        "hint": "" if draft.deployment_id else "This plans the deployment.",
    }
    return _step_page(request, draft, Draft.Step.PULL_REQUESTS, form, context)


def _step_page(
    request: HttpRequest, draft: Draft | None, step: int, form: Any, context: dict[str, Any]
) -> HttpResponse:
    found = {
        "now": clock.now(),
        "form": form,
        "title": "New deployment",
        "places": drafts.places(draft, step),
        "submit_label": "Save and continue",
        "back_url": "",
        "leave_url": reverse("my-tasks"),
        "leave_label": "Finish later" if draft else "Cancel",
    }
    status = 422 if form.errors else 200
    return render(request, "deployments/new_deployment.html", found | context, status=status)


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Forgets a draft; what was planned from it stays."""
    draft = own_draft(request, pk)
    draft.delete()
    messages.success(request, f"The draft “{draft.title}” is discarded.")
    return redirect("my-tasks")


@require_http_methods(["GET", "HEAD", "POST"])
def pull_requests(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes what a planned deployment brings, before its cutoff. Two people's changes at once are shown: 409."""
    user, now = person(request), clock.now()
    deployment = get_object_or_404(Deployment.objects.select_related("application__team", "week"), pk=pk)
    form = ScopeForm(request.POST if request.method == "POST" else None, deployment=deployment)
    why_not = planning.fixed_scope(deployment, by=user, now=now)
    clash: Clash | None = None
    if form.is_valid():
        if form.changed_meanwhile() and not why_not:
            clash = scope_clash(deployment, form.before(), now=now)
            form = ScopeForm(_query(form.merged()), deployment=deployment)
        else:
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
        "clash": clash,
        "title": f"Pull requests of {deployment.title}",
        "intro": f"{deployment.application}, {deployment.week}. Tick what it brings to production.",
        "consequence": approval_at_stake(deployment, now),
        "why_not": why_not,
        "back_url": deployment.get_absolute_url(),
        "back_label": deployment.title,
        "nothing": not form.offered,
    }
    status = 409 if clash else 422 if form.errors else 200
    return render(request, "deployments/scope.html", context, status=status)


def _query(data: dict[str, Any]) -> QueryDict:
    """The data as a browser would send it."""
    found = QueryDict(mutable=True)
    found.setlist("pull_requests", data["pull_requests"])
    found["shown"] = data["shown"]
    return found


def _wished(request: HttpRequest) -> dict[str, Any]:
    """The first values that the address asks for; what it names wrongly is left out."""
    initial: dict[str, Any] = {}
    wished = _found(PullRequest, request.GET.get("pull_request", ""))
    application = _found(Application, request.GET.get("application", ""))
    if isinstance(wished, PullRequest):
        application = wished.repository.application
        initial |= {"wished": str(wished.pk), "title": wished.title[:200]}
    day = _day(request.GET.get("week", ""))
    if day and (week := ReleaseWeek.objects.filter(thursday=day).first()):
        initial["week"] = week.pk
    return initial | ({"application": application.pk} if application else {})


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
