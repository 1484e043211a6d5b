"""What allauth tells becomes events of the audit trail, through the one function that records. Never a secret."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed, password_reset, password_set, user_logged_in
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed, authenticator_added, authenticator_removed, authenticator_reset
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.text import slugify

from accounts.models import Invitation, User
from releaseflow.people.account import ACCOUNT
from releaseflow.people.invitations import INVITATION
from workflow.machine import perform

QUIET = 15 * 60
"""Seconds in which one failed sign-in of a person stands for all, so that nobody fills the trail from outside."""
METHODS = {"socialaccount": "provider", "mfa": "second factor", "invitation": "invitation"}


@receiver(user_logged_in)
def signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    used = [_method(each) for each in get_authentication_records(request, user)]
    perform(ACCOUNT, "sign_in", user, by=user, method=" and ".join(dict.fromkeys(used)) or "password")
    if waiting := Invitation.objects.filter(user=user, accepted_at=None, revoked_at=None).first():
        perform(INVITATION, "arrive", waiting, by=None)


def _method(found: dict[str, Any]) -> str:
    if found.get("passwordless"):
        return "passkey"
    method = str(found["method"])
    return METHODS.get(method, method.replace("_", " "))


def failed(address: str) -> None:
    """Somebody who is known did not get in. Nothing is kept of addresses that nobody has."""
    if user := User.objects.filter(email__iexact=address, is_active=True).first():
        _failed(user, "password")


@receiver(authentication_failed)
def factor_failed(user: User, **kwargs: Any) -> None:
    _failed(user, "second factor")


def _failed(user: User, method: str) -> None:
    if cache.add(f"sign_in_failed:{user.pk}:{slugify(method)}", 1, QUIET):
        perform(ACCOUNT, "sign_in_failed", user, by=None, method=method)


@receiver([password_changed, password_set])
def own_password(user: User, request: HttpRequest, **kwargs: Any) -> None:
    """Sessions that began with another password end by themselves: Django compares."""
    perform(ACCOUNT, "change_password", user, by=user)


@receiver(password_reset)
def forgotten_password(user: User, **kwargs: Any) -> None:
    perform(ACCOUNT, "change_password", user, by=user, how="by a link from an e-mail")


@receiver(authenticator_added)
def factor_added(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        perform(ACCOUNT, "add_factor", user, by=user, factor=str(authenticator))


@receiver(authenticator_removed)
def factor_removed(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    perform(ACCOUNT, "remove_factor", user, by=user, factor=str(authenticator))


@receiver(authenticator_reset)
def codes_renewed(user: User, **kwargs: Any) -> None:
    perform(ACCOUNT, "renew_codes", user, by=user)
