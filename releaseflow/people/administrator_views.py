"""Pages on which administrators invite people and decide about their place."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.person import person
from releaseflow.people.administration import InviteForm, OfficeForm, profile
from releaseflow.people.invitations import INVITATION
from releaseflow.people.roles import PLACE
from releaseflow.people.views import administrators_only
from workflow import clock
from workflow.eastern import say_instant
from workflow.machine import begin, perform
from workflow.steps import Refused

Both = require_http_methods(["GET", "HEAD", "POST"])


@Both
def invite(request: HttpRequest) -> HttpResponse:
    user, now = person(request), clock.now()
    administrators_only(user)
    form = InviteForm(request.POST or None)
    if form.is_valid():
        try:
            invitation = begin(INVITATION, "invite", form.unsaved(now), by=user, place=form.place())
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            until = say_instant(invitation.expires_at)
            messages.success(request, f"{invitation.user.name} is invited. The link in the e-mail works until {until}.")
            return redirect("person", pk=invitation.user_id)
    return render(request, "accounts/invite.html", {"form": form, "now": now}, status=422 if form.errors else 200)


@Both
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of one person; posting to it gives an office."""
    user, now = person(request), clock.now()
    administrators_only(user)
    found = get_object_or_404(User, pk=pk)
    form = OfficeForm(request.POST or None)
    if form.is_valid():
        try:
            perform(PLACE, "give_role", found, by=user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, PLACE.steps["give_role"].done)
            return redirect("person", pk=pk)
    context = {"person": found, "page": profile(found, by=user, now=now), "form": form, "now": now}
    return render(request, "accounts/person.html", context, status=422 if form.errors else 200)
