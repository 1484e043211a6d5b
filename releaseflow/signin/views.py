"""The page behind an invitation's link."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Invitation
from releaseflow.people.invitations import INVITATION, by_token
from releaseflow.signin.forms import SetPasswordForm
from workflow import clock
from workflow.machine import perform, refusal
from workflow.steps import Refused


@never_cache
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Opening it changes nothing, since mail programs open links too. `way=passkey` goes in without a password."""
    found = by_token(token)
    if found is None:
        return _closed(request, "This is not an invitation of ours. Open the link in the e-mail once more.")
    invitation, edition = found
    no = refusal(INVITATION, "accept", invitation, by=invitation.user, now=clock.now())
    if no or edition != invitation.edition:
        newer = "A newer invitation was sent to you. Use the link in that e-mail."
        return _closed(request, no.sentence if no else newer)
    by_passkey = request.POST.get("way") == "passkey"
    form = SetPasswordForm(invitation.user, request.POST if request.method == "POST" and not by_passkey else None)
    if by_passkey or form.is_valid():
        given = {} if by_passkey else {"password": form.cleaned_data["password1"]}
        try:
            perform(INVITATION, "accept", invitation, by=invitation.user, edition=edition, **given)
        except Refused as refused:
            return _closed(request, str(refused))
        return _signed_in(request, invitation, "mfa_add_webauthn" if by_passkey else "my-tasks")
    context = {"invitation": invitation, "form": form}
    return render(request, "account/invitation.html", context, status=422 if form.errors else 200)


def _signed_in(request: HttpRequest, invitation: Invitation, page: str) -> HttpResponse:
    user = type(invitation.user).objects.get(pk=invitation.user_id)
    record_authentication(request, user, method="invitation")
    answer: HttpResponse = perform_login(request, user, redirect_url="/")
    return redirect(page) if request.user.is_authenticated else answer


def _closed(request: HttpRequest, sentence: str) -> HttpResponse:
    return render(request, "account/invitation_closed.html", {"sentence": sentence}, status=410)
