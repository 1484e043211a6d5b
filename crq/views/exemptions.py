"""Asking for an exemption, deciding about it, and all requests."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.person import person
from crq import exemption_page
from crq.exemption_forms import AskForm, DecisionForm, GrantForm, NoteForm
from crq.exemption_list import HEAD, cells, listed
from crq.exemptions import EXEMPTION
from crq.models import CRQ, ExemptionRequest
from crq.views.found import of_crq, of_key
from deployments.models import Deployment
from workflow import clock
from workflow.machine import begin, perform
from workflow.spreadsheet import spreadsheet
from workflow.steps import Refused

SAID = {
    "grant": "Granted. The manager, the team, the Scrum Master and DevOps are e-mailed.",
    "deny": "Denied. The manager is asked to choose a new week; everyone concerned is e-mailed.",
    "note": "Added. The other side is e-mailed.",
}


@require_safe
def index(request: HttpRequest) -> HttpResponseBase:
    """`?format=csv` gives the whole of the view as a spreadsheet."""
    by, view, now = person(request), request.GET.get("view", ""), clock.now()
    if request.GET.get("format") == "csv":
        return spreadsheet("exemptions", HEAD, cells(by, view=view, now=now, site=settings.SITE_URL))
    found = listed(by, view=view, number=request.GET.get("page", ""), now=now)
    return render(request, "crq/exemptions.html", {"list": found, "now": now})


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """The request of this week; where it exists already, its page."""
    deployment = of_crq(number)
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            asked = _begin(deployment.crq, form, request)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, "Asked. The EDMT Director is e-mailed; you are told the decision at once.")
            return redirect(asked)
    if request.method != "POST" and (asked_already := _of_this_week(deployment)):
        return redirect(asked_already)
    return _show_ask(request, form, number)


def _begin(crq: CRQ, form: AskForm, request: HttpRequest) -> ExemptionRequest:
    """`approve` is on the page that offered to approve late; `digest` says what was looked at there."""
    unsaved = ExemptionRequest(crq=crq, **form.words())
    approve, digest = bool(request.POST.get("approve")), request.POST.get("digest", "")
    asked: ExemptionRequest = begin(EXEMPTION, "request", unsaved, by=person(request), approve=approve, digest=digest)
    return asked


def _of_this_week(deployment: Deployment) -> ExemptionRequest | None:
    asked = deployment.crq.exemptions.all()
    return next((each for each in asked if each.week_id == deployment.week_id), None)


def _show_ask(request: HttpRequest, form: AskForm, number: str) -> HttpResponse:
    """The facts are read anew: what was refused may have changed them."""
    now = clock.now()
    deployment = of_crq(number)
    deployment.crq.deployment = deployment
    page = exemption_page.ask(deployment.crq, by=person(request), now=now)
    context = {"page": page, "form": form, "now": now}
    return render(request, "crq/exemption_ask.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def exemption(request: HttpRequest, pk: int) -> HttpResponse:
    """The request's one page. Only its forms decide: they are posted to it with the name of their action."""
    action = request.POST.get("action", "")
    forms = _forms(request, action)
    if request.method == "POST" and action not in forms:
        raise Http404
    if action and forms[action].is_valid():
        try:
            perform(EXEMPTION, action, _found(pk), by=person(request), **forms[action].cleaned_data)
        except Refused as refused:
            forms[action].add_error(None, str(refused))
        else:
            messages.success(request, SAID[action])
            return redirect("exemption", pk=pk)
    return _show(request, pk, forms, action)


def _forms(request: HttpRequest, action: str) -> dict[str, Form]:
    def posted(name: str) -> Any:
        return request.POST if action == name else None

    return {
        "grant": GrantForm(posted("grant"), action="grant"),
        "deny": DecisionForm(posted("deny"), action="deny"),
        "note": NoteForm(posted("note")),
    }


def _found(pk: int) -> ExemptionRequest:
    return get_object_or_404(
        ExemptionRequest.objects.select_related("crq", "week", "requested_by", "decided_by"), pk=pk
    )


def _show(request: HttpRequest, pk: int, forms: dict[str, Form], action: str) -> HttpResponse:
    now, found = clock.now(), _found(pk)
    deployment = of_key(found.crq.deployment_id)
    deployment.crq.deployment = deployment
    found.crq = deployment.crq
    page = exemption_page.page(found, by=person(request), now=now)
    refused = forms.get(action)
    typed = request.POST.get("reason") or request.POST.get("text")
    kept = typed if refused and action not in page.open_forms else ""
    shown = action or request.GET.get("decide", "")
    context = {"page": page, "forms": forms, "form": refused, "action": shown, "kept": kept, "now": now}
    return render(request, "crq/exemption.html", context, status=422 if refused else 200)
