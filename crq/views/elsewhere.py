"""Noting what another change system has of a CRQ: its number there, and the files attached there."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.person import person
from crq.change_system.by_hand import FILE, NUMBER, number_there
from crq.forms import NumberThereForm
from crq.models import CRQ, AttachedThere, Document, NumberThere
from workflow import clock
from workflow.acts import way_back
from workflow.machine import begin, refusal
from workflow.navigation import came_from
from workflow.steps import Refused


@require_http_methods(["GET", "HEAD", "POST"])
def number(request: HttpRequest, number: str) -> HttpResponse:
    found = CRQ.objects.select_related("deployment__application__team", "deployment__week")
    crq, by = get_object_or_404(found, number=number), person(request)
    known = number_there(crq)
    form = NumberThereForm(request.POST or None, initial={"number": known.number if known else ""})
    why_not = ""
    if request.method == "POST" and form.is_valid():
        try:
            begin(NUMBER, "note", NumberThere(crq=crq, number=form.cleaned_data["number"]), by=by)
        except Refused as refused:
            form.add_error("number" if refused.refusal.code == "number" else None, str(refused))
        else:
            messages.success(request, f"Noted: {crq.number} is {form.cleaned_data['number']} there.")
            return redirect("crq-text", crq.number)
    elif request.method != "POST" and (no := refusal(NUMBER, "note", NumberThere(crq=crq), by=by, now=clock.now())):
        why_not = no.sentence
    return _page(request, crq, form, why_not)


def _page(request: HttpRequest, crq: CRQ, form: NumberThereForm, why_not: str) -> HttpResponse:
    context = {"form": form, "title": f"{crq.number} in another change system", "intro": crq.title}
    context |= {"back_url": reverse("crq-text", args=[crq.number]), "back_label": "For another change system"}
    context |= {"submit_label": "Note the number", "why_not": why_not}
    return render(request, "deployments/form.html", context, status=422 if form.errors else 200)


@require_POST
def attached(request: HttpRequest, number: str, pk: int) -> HttpResponse:
    """A refusal becomes a message on the page that people came from (`refusals.py`)."""
    documents = Document.objects.select_related("crq__deployment__application__team", "crq__deployment__week")
    document, by = get_object_or_404(documents, pk=pk, crq__number=number), person(request)
    mark = begin(FILE, "mark", AttachedThere(document=document), by=by)
    back = way_back(FILE, FILE.steps["mark"], mark, by=by, now=clock.now())
    messages.success(request, f"{document} is marked as attached there.", extra_tags=back)
    return redirect(came_from(request, reverse("crq-text", args=[document.crq.number])))
