"""Where REQUIRE_MFA demands a second factor: whoever lacks one sees the page that adds one, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import User
from accounts.roles import Role, standing

ALLOWED = ("mfa_", "account_", "usersessions_", "sign-", "demo-", "accept-")
"""How the names of the pages begin that lead there, or out."""
SAYS = "Your work here needs a second factor. Add a passkey or an authenticator app, then go on."


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        if name.startswith(ALLOWED) or not lacking(request):
            return None
        messages.warning(request, SAYS)
        return redirect("mfa_index")


def lacking(request: HttpRequest) -> bool:
    """Whether the person must add a factor first. Who came through the provider has done there what it demands."""
    if settings.REQUIRE_MFA == "none" or not isinstance(request.user, User):
        return False
    if settings.REQUIRE_MFA == "administrators" and not standing(request.user).holds_own(Role.ADMINISTRATOR):
        return False
    if any(each["method"] == "socialaccount" for each in get_authentication_records(request, request.user)):
        return False
    return not Authenticator.objects.filter(user=request.user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
