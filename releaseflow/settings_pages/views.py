"""The settings: overview with checklist, applications and repositories, teams, recipients.

Everybody may read them. Who may not change them sees the same page with the sentence that names who can.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team
from accounts.person import person
from deployments.models import Application, Repository
from notifications.models import Stakeholder
from releaseflow.channels.page import failing
from releaseflow.people.account import ACCOUNT
from releaseflow.settings_pages import consequences, page
from releaseflow.settings_pages.flow import APPLICATION, RECIPIENT, REPOSITORY, TEAM
from releaseflow.settings_pages.forms import ApplicationForm, MemberForm, RecipientForm, RepositoryForm, TeamForm
from workflow import clock
from workflow.acts import act
from workflow.machine import begin, perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Flow, Refused

Both = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    now, user = clock.now(), person(request)
    items = page.checklist(now)
    context = {
        "now": now,
        "items": items,
        "left": sum(not each.done for each in items),
        "failing": len(failing(now)),
        "test": act(ACCOUNT, "test_email", user, by=user, now=now),
    }
    return render(request, "settings/overview.html", context)


# --- Applications and repositories ---------------------------------------------------------------------------
@Both
def applications(request: HttpRequest) -> HttpResponseBase:
    """The list; posting to it adds an application; `?format=csv` gives it as a spreadsheet."""
    if request.GET.get("format") == "csv":
        return spreadsheet("applications", page.APPLICATIONS_HEAD, page.application_cells())
    form = ApplicationForm(request.POST or None)
    if added := _add(request, form, APPLICATION):
        messages.success(request, f"{added.name} is added. Say now what it is built from.")
        return redirect("setting-application", pk=added.pk)
    context = {"applications": page.applications(), "why_not": _why_not(request, APPLICATION, Application())}
    return _show(request, "settings/applications.html", form, context)


@Both
def application(request: HttpRequest, pk: int) -> HttpResponse:
    """One application: its name and team, and its repositories."""
    found = get_object_or_404(Application.objects.select_related("team"), pk=pk)
    adds = request.POST.get("form") == "repository"
    form = ApplicationForm(request.POST if request.method == "POST" and not adds else None, row=found)
    add = RepositoryForm(request.POST if adds else None)
    if _add(request, add, REPOSITORY, application=found):
        messages.success(request, "The repository is added.")
        return redirect("setting-application", pk=pk)
    if answer := _change(request, form, APPLICATION, found, consequences.of_application):
        return answer
    context = {
        "application": found,
        "repositories": page.repositories(found, by=person(request), now=clock.now()),
        "add": add,
        "edit": form,
        "why_not": _why_not(request, APPLICATION, found),
    }
    return _show(request, "settings/application.html", add if adds else form, context)


@Both
def repository(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Repository.objects.select_related("application"), pk=pk)
    form = RepositoryForm(request.POST or None, row=found)
    back = reverse("setting-application", args=[found.application_id])
    if answer := _change(request, form, REPOSITORY, found, consequences.of_repository, back=back):
        return answer
    context = {
        "title": found.name,
        "back_url": back,
        "back_label": found.application.name,
        "why_not": _why_not(request, REPOSITORY, found),
    }
    return _show(request, "deployments/form.html", form, context)


# --- Teams ---------------------------------------------------------------------------------------------------
@Both
def teams(request: HttpRequest) -> HttpResponse:
    """The list; posting to it adds a team."""
    form = TeamForm(request.POST or None)
    if added := _add(request, form, TEAM):
        messages.success(request, f"{added.name} is added. Say now who belongs to it.")
        return redirect("setting-team", pk=added.pk)
    context = {"teams": page.teams(), "why_not": _why_not(request, TEAM, Team())}
    return _show(request, "settings/teams.html", form, context)


@Both
def team(request: HttpRequest, pk: int) -> HttpResponse:
    """One team: its name and its members."""
    found = get_object_or_404(page.teams(), pk=pk)
    joins = request.POST.get("form") == "member"
    form = TeamForm(request.POST if request.method == "POST" and not joins else None, row=found)
    member = MemberForm(request.POST if joins else None)
    if joins and _done(request, member, TEAM, request.POST.get("action", "add_member"), found):
        messages.success(request, f"The members of {found} are changed.")
        return redirect("setting-team", pk=pk)
    if answer := _change(request, form, TEAM, found):
        return answer
    context = {"team": found, "edit": form, "member": member, "why_not": _why_not(request, TEAM, found)}
    return _show(request, "settings/team.html", member if joins else form, context)


# --- Recipients ----------------------------------------------------------------------------------------------
@Both
def recipients(request: HttpRequest) -> HttpResponse:
    """Who receives the week's two e-mails beside the people who hold a role."""
    form = RecipientForm(request.POST or None)
    if added := _add(request, form, RECIPIENT):
        messages.success(request, f"{added} receives the week’s e-mails from now on.")
        return redirect("setting-recipients")
    rows = page.recipients(by=person(request), now=clock.now())
    context = {"recipients": rows, "why_not": _why_not(request, RECIPIENT, Stakeholder())}
    return _show(request, "settings/recipients.html", form, context)


# --- What they share -----------------------------------------------------------------------------------------
def _why_not(request: HttpRequest, flow: Flow, obj: Model) -> str:
    action = "change" if obj.pk else "create"
    return page.why_not(flow, action, obj, by=person(request), now=clock.now())


def _show(request: HttpRequest, template: str, form: forms.BaseForm, context: dict[str, Any]) -> HttpResponse:
    context |= {"form": form, "now": clock.now()}
    return render(request, template, context, status=422 if form.errors else 200)


def _add(request: HttpRequest, form: Any, flow: Flow, **more: Any) -> Any:
    """The new row, or None with the sentence on the form."""
    if not form.is_bound or not form.is_valid():
        return None
    obj = form.unsaved()
    for name, value in more.items():
        setattr(obj, name, value)
    try:
        return begin(flow, "create", obj, by=person(request))
    except Refused as refused:
        form.add_error(None, str(refused))
        return None


def _done(request: HttpRequest, form: forms.Form, flow: Flow, action: str, obj: Model) -> bool:
    if not form.is_valid() or action not in {"add_member", "remove_member"}:
        return False
    try:
        perform(flow, action, obj, by=person(request), **form.cleaned_data)
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
    return True


def _change(
    request: HttpRequest, form: Any, flow: Flow, obj: Any, look: Any = None, *, back: str = ""
) -> HttpResponse | None:
    """Shows what follows from the change, where something does, or makes it; None when it was refused."""
    if not form.is_bound or not form.is_valid() or request.POST.get("edit"):
        return None
    if sentence := _why_not(request, flow, obj):
        form.add_error(None, sentence)
        return None
    preview = look(obj, form.cleaned_data) if look else None
    if preview and preview.found and request.POST.get("confirm") != preview.digest:
        return _preview(request, form, obj, preview)
    try:
        perform(flow, "change", obj, by=person(request), **form.cleaned_data)
    except Refused as refused:
        form.add_error(None, str(refused))
        return None
    messages.success(request, "Saved.")
    return redirect(back or request.path)


def _preview(request: HttpRequest, form: Any, obj: Any, preview: consequences.Preview) -> HttpResponse:
    context = {
        "title": f"What changes with {obj}",
        "preview": preview,
        "stale": bool(request.POST.get("confirm")),
        "hidden": {name: request.POST.get(name, "") for name in form.fields},
        "back_url": request.path,
        "back_label": str(obj),
        "now": clock.now(),
    }
    return render(request, "settings/preview.html", context, status=409 if context["stale"] else 200)
