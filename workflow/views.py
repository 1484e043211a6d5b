"""The one view behind every plain button."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.person import person
from notifications.outbox import listening
from workflow import clock
from workflow.acts import way_back
from workflow.forms import ReasonForm
from workflow.machine import Gone, perform
from workflow.navigation import came_from
from workflow.outcome import outcome
from workflow.steps import Flow, Refused, Step


@require_POST
def act(request: HttpRequest, flow_name: str, pk: int, action: str) -> HttpResponse:
    """Performs a plain step and returns to the page. A refusal becomes a message there (`refusals.py`).

    Where the step asks for a reason, the refusal is a page with what was typed, so that no script is needed to keep it.
    """
    flow = Flow.registry.get(flow_name)
    step = flow.steps.get(action) if flow else None
    if flow is None or step is None or not step.plain or (not step.sources and step.target):
        raise Http404
    given = {name: request.POST.get(name, "")[:200] for name in step.takes}
    by = person(request)
    try:
        with listening() as queued:
            done = perform(flow, action, flow.model(pk=pk), by=by, reason=request.POST.get("reason", ""), **given)
    except Gone as gone:
        raise Http404 from gone
    except Refused as refused:
        if step.needs_reason and (refused.refusal.code == "reason" or request.POST.get("reason")):
            return _ask_again(request, step, str(get_object_or_404(flow.model, pk=pk)), given, refused)
        raise
    back = way_back(flow, step, done, by=by, now=clock.now()) if step.undone_by else ""
    messages.success(request, outcome(step, queued, by=by), extra_tags=back)
    return redirect(came_from(request))


def _ask_again(request: HttpRequest, step: Step, subject: str, given: dict[str, str], refused: Refused) -> HttpResponse:
    form = ReasonForm(request.POST)
    if form.is_valid():
        form.add_error("reason" if refused.refusal.code == "reason" else None, str(refused))
    context = {
        "form": form,
        "title": step.label,
        "intro": subject,
        "hidden": given | {"next": came_from(request)},
        "submit_label": step.label,
        "back_url": came_from(request),
        "problem_heading": "This is not done yet",
    }
    return render(request, "deployments/form.html", context, status=422)
