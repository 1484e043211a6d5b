"""A manager's decision and everybody's comments, sent from the page of a CRQ."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.person import person
from crq import live, seen
from crq.flow import CRQ_FLOW
from crq.forms import CommentForm, NoteForm
from crq.models import CRQ
from crq.page import pull_request_rows
from crq.readiness import Facts
from crq.views.page import again
from deployments.flow import DEPLOYMENT
from deployments.live import Unchanged
from deployments.models import Deployment
from notifications.models import Email
from notifications.outbox import listening
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.outcome import outcome
from workflow.steps import Refused

DECISIONS = {"approve", "return"}


@require_POST
def decide(request: HttpRequest, number: str) -> HttpResponse:
    """Approves or returns. When it is refused because the content changed, both contents are shown: 409."""
    crq = get_object_or_404(CRQ.objects.select_related("deployment"), number=number.upper())
    action, by = request.POST.get("action", ""), person(request)
    if action not in DECISIONS:
        raise Http404
    given = {"digest": request.POST.get("digest", "")} if action == "approve" else {}
    try:
        with listening() as queued:
            perform(CRQ_FLOW, action, crq, by=by, reason=request.POST.get("reason", ""), **given)
    except Refused as refused:
        return _refused(request, crq.deployment, refused)
    messages.success(request, outcome(CRQ_FLOW.steps[action], queued, by=by))
    return redirect(crq)


def _refused(request: HttpRequest, deployment: Deployment, refused: Refused) -> HttpResponse:
    form = NoteForm(request.POST)
    form.add_error("reason" if refused.refusal.code == "reason" else None, refused.refusal.sentence)
    facts = Facts.fresh(deployment)
    if request.POST.get("seen") and request.POST.get("digest", "") != facts.digest:
        clash = seen.clash(request.POST["seen"], facts, now=clock.now())
        return again(request, deployment, note_form=form, clash=clash)
    return again(request, deployment, note_form=form)


@require_POST
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    deployment = get_object_or_404(Deployment, pk=pk)
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            with listening() as queued:
                perform(DEPLOYMENT, "comment", deployment, by=person(request), reason=form.cleaned_data["text"])
        except Refused as refused:
            form.add_error("text", refused.refusal.sentence)
        else:
            event = Event.objects.filter(object_type="deployment", object_id=pk, action="comment").latest("pk")
            messages.success(request, _said(event, queued, person(request)))
            return redirect(f"{deployment.get_absolute_url()}#comment-{event.pk}")
    return again(request, deployment, comment_form=form)


def _said(event: Event, queued: list[Email], by: User) -> str:
    """Who was told of the comment, and which names behind an @ were nobody's."""
    unknown = [f"@{name}" for name in event.data["unknown"]]
    missed = f"Nobody active here is called {' or '.join(unknown)}." if unknown else ""
    return " ".join(filter(None, [outcome(DEPLOYMENT.steps["comment"], queued, by=by), missed]))


@require_safe
def news(request: HttpRequest, pk: int) -> HttpResponse:
    """What others did since the page was opened; 204 while there is nothing new since it last asked."""
    opened, known = (_number(request.GET.get(name, "")) for name in ("opened", "newest"))
    newest = live.newest_event(pk)
    if 0 < newest <= known:
        return Unchanged()
    deployment = get_object_or_404(Deployment.objects.select_related("crq"), pk=pk)
    found = live.news(deployment, by=person(request), opened=opened, newest=newest)
    pull_requests = pull_request_rows(deployment)
    return render(request, "crq/_news.html", {"news": found, "deployment": deployment, "pull_requests": pull_requests})


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
