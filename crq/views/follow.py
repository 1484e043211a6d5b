"""The button that follows a deployment."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.person import person
from crq.following import FOLLOWER
from crq.models import Follower
from deployments.models import Deployment
from workflow.machine import begin
from workflow.navigation import came_from


@require_POST
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """A refusal becomes a message on the page that people came from (`refusals.py`)."""
    deployment = get_object_or_404(Deployment.objects.select_related("application"), pk=pk)
    begin(FOLLOWER, "follow", Follower(deployment=deployment, user=person(request)), by=person(request))
    messages.success(request, "You follow this deployment: its changes reach you by e-mail.")
    return redirect(came_from(request))
