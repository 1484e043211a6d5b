"""Connections to forges, their deliveries, and the names at a forge that nobody here has. For administrators."""

from __future__ import annotations

import json
from secrets import token_hex

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.person import person
from accounts.secrets import new_secret, seal
from deployments.hooks.flow import CONNECTION, FORGE_NAME
from deployments.models import Connection, Delivery
from deployments.sync.sources import usual_base
from releaseflow.forges import page
from releaseflow.forges.forms import ConnectionForm, LinkForm, TokenForm
from releaseflow.settings_pages.guard import for_those_who_may
from workflow import clock
from workflow.machine import begin, perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Refused

Both = require_http_methods(["GET", "HEAD", "POST"])
for_administrators = for_those_who_may("create", CONNECTION)  # what forges send names people and their words


@Both
@for_administrators
def forges(request: HttpRequest) -> HttpResponse:
    """The list; posting to it adds a connection and shows its secret, this once."""
    form = ConnectionForm(request.POST or None)
    if form.is_bound and form.is_valid():
        connection, secret = form.unsaved(), new_secret()
        connection.key, connection.secret = token_hex(12), seal(secret)
        try:
            return _secret(request, begin(CONNECTION, "create", connection, by=person(request)), secret)
        except Refused as refused:
            form.add_error("name", str(refused))
    now = clock.now()
    context = {"connections": page.connections(now), "strangers": len(page.strangers()), "form": form, "now": now}
    return render(request, "forges/forges.html", context, status=422 if form.errors else 200)


@require_safe
@for_administrators
def forge(request: HttpRequest, pk: int) -> HttpResponseBase:
    """`?format=csv` gives its deliveries as a spreadsheet."""
    found = get_object_or_404(Connection, pk=pk)
    only = "trouble" if request.GET.get("only") == "trouble" else ""
    if request.GET.get("format") == "csv":
        return spreadsheet("deliveries", page.HEAD, page.cells(found, only))
    return _forge(request, found, TokenForm(initial={"api_url": found.api_url}), only)


def _forge(request: HttpRequest, found: Connection, form: TokenForm, only: str = "") -> HttpResponse:
    now = clock.now()
    shown = page.forge_page(found, at=request.GET.get("at", ""), only=only, by=person(request), now=now)
    context = {"page": shown, "only": only, "now": now, "form": form, "usual": usual_base(found)}
    return render(request, "forges/forge.html", context, status=422 if form.errors else 200)


@require_POST
@for_administrators
def token(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the forge's API is and what opens it, for `manage.py sync_pull_requests`."""
    found, form = get_object_or_404(Connection, pk=pk), TokenForm(request.POST)
    if not form.is_valid():
        return _forge(request, found, form)
    sealed = seal(form.cleaned_data["token"]) if form.cleaned_data["token"] else ""
    perform(CONNECTION, "ask", found, by=person(request), token=sealed, api_url=form.cleaned_data["api_url"])
    messages.success(request, "The token is kept." if sealed else "No token is kept: the forge is not asked.")
    return redirect(found)


@require_POST
@for_administrators
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """A new secret, shown this once; the former one is accepted for a day."""
    secret = new_secret()
    found = perform(CONNECTION, "rotate", get_object_or_404(Connection, pk=pk), by=person(request), secret=seal(secret))
    return _secret(request, found, secret)


def _secret(request: HttpRequest, connection: Connection, secret: str) -> HttpResponse:
    shown = page.forge_page(connection, at="", only="", by=person(request), now=clock.now())
    answer = render(request, "forges/secret.html", {"page": shown, "secret": secret})
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
@for_administrators
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    now = clock.now()
    found = get_object_or_404(Delivery.objects.select_related("connection"), pk=pk)
    context = {
        "delivery": found,
        "badge": page.badge(found),
        "body": _indented(found.body),
        "replay": page.replay(found, by=person(request), now=now),
        "now": now,
    }
    return render(request, "forges/delivery.html", context)


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


@Both
@for_administrators
def people(request: HttpRequest) -> HttpResponse:
    """Names at a forge that belong to nobody here; posting links one to a person."""
    form = LinkForm(request.POST or None)
    if form.is_bound and form.is_valid():
        chosen, login = form.cleaned_data["person"], form.cleaned_data["login"]
        try:
            perform(FORGE_NAME, "link", chosen, by=person(request), login=login)
        except Refused as refused:
            form.add_error("person", str(refused))
        else:
            messages.success(request, f"{login} is {chosen.name} from now on, also in what waits already.")
            return redirect("setting-forge-people")
    people = [("", "Choose a person"), *((each.pk, each.name) for each in User.objects.filter(is_active=True))]
    rows = [(each, _link(each.login, form)) for each in page.strangers()]
    for _, link in rows:  # read once for all rows
        link.fields["person"].widget.choices = people
    return render(request, "forges/people.html", {"rows": rows, "form": form}, status=422 if form.errors else 200)


def _link(login: str, posted: LinkForm) -> LinkForm:
    """The row's own form, or the refused one with what was chosen."""
    if posted.is_bound and posted.data.get("login") == login:
        return posted
    return LinkForm(initial={"login": login}, auto_id=f"link-{login}-%s")
