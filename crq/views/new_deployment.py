"""The last two of the four steps of a new deployment: its CRQ and the documents."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.person import person
from crq.flow import CRQ_FLOW
from crq.forms import OpenCRQForm
from crq.models import CRQ
from crq.papers import attaching, papers
from crq.readiness import Facts
from deployments import drafts
from deployments.models import Deployment, Draft
from deployments.views.planning import own_draft
from workflow import clock
from workflow.machine import begin, refusal
from workflow.steps import Refused

Step = Draft.Step


@require_http_methods(["GET", "HEAD", "POST"])
def step_crq(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 3. Where the deployment has its CRQ, by a second press or by somebody else, the way goes on.

    A press remembers that; a look, which changes nothing, only leads there.
    """
    draft = own_draft(request, pk)
    if (deployment := draft.deployment) is None:
        return redirect(draft)
    if hasattr(deployment, "crq"):
        if request.method == "POST":
            drafts.advance(draft, Step.DOCUMENTS)
        return redirect(draft.url(Step.DOCUMENTS))
    form = OpenCRQForm(request.POST or None, initial={"title": deployment.title})
    if request.method == "POST" and form.is_valid():
        try:
            crq = begin(CRQ_FLOW, "open", CRQ(deployment=deployment, **form.cleaned_data), by=person(request))
        except Refused as refused:
            form.add_error(None, refused.refusal.sentence)
        else:
            drafts.advance(draft, Step.DOCUMENTS)
            messages.success(request, f"{crq.number} created.")
            return redirect(draft.url(Step.DOCUMENTS))
    no = refusal(CRQ_FLOW, "open", CRQ(deployment=deployment), by=person(request), now=clock.now())
    context = _context(draft, Step.CRQ, deployment) | {
        "form": form,
        "submit_label": "Create CRQ and continue",
        "why_not": no.sentence if no and not form.errors else "",
    }
    return render(request, "deployments/new_deployment.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def step_documents(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 4. Each file is saved when it is attached; finishing ends the draft, with or without documents."""
    draft = own_draft(request, pk)
    deployment = draft.deployment
    if deployment is None or not hasattr(deployment, "crq"):
        return redirect(draft)
    if request.method == "POST":
        draft.delete()
        messages.success(request, f"{deployment.title} is planned for the {deployment.week}, with {deployment.crq}.")
        return redirect(deployment.crq)
    facts, now = Facts.fresh(deployment), clock.now()
    context = _context(draft, Step.DOCUMENTS, deployment) | {
        "documents": papers(facts),
        "attach": attaching(facts, by=person(request), now=now),
        "next_url": draft.url(Step.DOCUMENTS),
    }
    return render(request, "crq/new_documents.html", context)


def _context(draft: Draft, step: int, deployment: Deployment) -> dict[str, Any]:
    return {
        "now": clock.now(),
        "title": "New deployment",
        "intro": f"{deployment.title}: {deployment.application}, {deployment.week}.",
        "places": drafts.places(draft, step),
        "back_url": "",
        "leave_url": reverse("my-tasks"),
        "leave_label": "Finish later",
    }
