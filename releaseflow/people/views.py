"""One's own page, and the people of the organisation for administrators."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.person import person
from accounts.roles import Role, standing
from accounts.roles import people as holders
from releaseflow.people import page
from releaseflow.people.account import ACCOUNT, AccountForm
from releaseflow.people.flow import DEPUTY, PERSON
from releaseflow.people.forms import AnyDeputyForm, DeputyForm, EmailsForm
from releaseflow.search import cleaned
from workflow import clock
from workflow.eastern import eastern_day, say_day
from workflow.machine import begin, perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Refused

THEMES = (("", "As this device is set"), ("light", "Light"), ("dark", "Dark"))


@require_http_methods(["GET", "HEAD", "POST"])
def me(request: HttpRequest) -> HttpResponse:
    """One's own page: each of its forms names itself in `form`; the one without a name appoints a deputy."""
    now, user = clock.now(), person(request)
    posted = request.POST.get("form", "deputy") if request.method == "POST" else ""
    found = page.me(user, now=now)
    deputy = request.POST if posted == "deputy" else None
    form = DeputyForm(deputy, principal=user, roles=found.own_roles, today=eastern_day(now))
    account = AccountForm(request.POST if posted == "account" else None, user=user)
    if posted == "theme":
        return _with_theme(redirect("me"), request.POST.get("theme", ""))
    if _appointed(request, form) or _account_changed(request, account):
        return redirect("me")
    theme = request.COOKIES.get("theme", "")
    context = {"page": found, "form": form, "account": account, "theme": theme, "themes": THEMES, "now": now}
    context["emails_form"] = EmailsForm(initial={"topics": found.wanted})
    return render(request, "accounts/me.html", context, status=422 if form.errors or account.errors else 200)


def _with_theme(response: HttpResponse, theme: str) -> HttpResponse:
    """The cookie that the button in the top bar sets as well; without it the system's choice counts."""
    if theme in {"light", "dark"}:
        response.set_cookie("theme", theme, max_age=31_536_000, samesite="Lax", secure=settings.SECURE)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


def _account_changed(request: HttpRequest, form: AccountForm) -> bool:
    """Whether it was saved; a refusal stands on the form afterwards."""
    if not form.is_bound or not form.is_valid():
        return False
    try:
        perform(ACCOUNT, "change", person(request), by=person(request), **form.cleaned_data)
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
    messages.success(request, "Saved.")
    return True


@require_POST
def emails(request: HttpRequest) -> HttpResponse:
    """Keeps which e-mails the person wants. Values that no checkbox of ours has count for nothing."""
    user = person(request)
    perform(PERSON, "choose_emails", user, by=user, topics=request.POST.getlist("topics"))
    messages.success(request, "Your choice of e-mails is saved.")
    return redirect(f"{reverse('me')}#emails")


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponseBase:
    """`?q=` finds by name or address; `?format=csv` gives what it finds as a spreadsheet."""
    now, user = clock.now(), person(request)
    administrators_only(user)
    words, off = cleaned(request.GET.get("q", "")), "off" in request.GET
    if request.GET.get("format") == "csv":
        return spreadsheet("people", page.HEAD, page.cells(user, now=now, words=words, off=off))
    form = AnyDeputyForm(request.POST or None, principal=user, today=eastern_day(now))
    if _appointed(request, form):
        return redirect("people")
    found = page.everyone(user, now=now, words=words, off=off)
    context = {"people": found, "words": words, "off": off, "form": form, "now": now}
    return render(request, "accounts/people.html", context, status=422 if form.errors else 200)


def administrators_only(user: User) -> None:
    if standing(user).holds_own(Role.ADMINISTRATOR):
        return
    names = " or ".join(holder.name for holder in holders(Role.ADMINISTRATOR))
    raise PermissionDenied(
        f"This page is for administrators. {names} can see it." if names else "Nobody is administrator yet."
    )


def _appointed(request: HttpRequest, form: DeputyForm) -> bool:
    """Whether a deputy was appointed; a refusal stands on the form afterwards."""
    if not form.is_bound or not form.is_valid():
        return False
    try:
        deputy = begin(DEPUTY, "appoint", form.unsaved(), by=person(request))
    except Refused as refused:
        form.add_error(None, str(refused))
        return False
    days = f"from {say_day(deputy.starts)} to {say_day(deputy.ends)}"
    messages.success(request, f"{deputy.deputy.name} is deputy of {deputy.for_user.name} {days}.")
    return True
