"""The one view behind every plain button."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.person import person
from notifications.outbox import listening
from workflow.machine import perform
from workflow.navigation import came_from
from workflow.outcome import outcome
from workflow.steps import Flow


@require_POST
def act(request: HttpRequest, flow_name: str, pk: int, action: str) -> HttpResponse:
    """Performs a plain step and returns to the page. A refusal becomes a message there (`refusals.py`)."""
    flow = Flow.registry.get(flow_name)
    step = flow.steps.get(action) if flow else None
    if flow is None or step is None or not step.plain or (not step.sources and step.target):
        raise Http404
    obj = get_object_or_404(flow.model, pk=pk)
    given = {name: request.POST.get(name, "")[:200] for name in step.takes}
    by = person(request)
    with listening() as queued:
        perform(flow, action, obj, by=by, reason=request.POST.get("reason", ""), **given)
    messages.success(request, outcome(step, queued, by=by))
    return redirect(came_from(request))
