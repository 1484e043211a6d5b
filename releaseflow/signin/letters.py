"""E-mails about somebody's sign-in. They go to the outbox like all others; a link that opens the account does not."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.urls import reverse

from accounts.models import User
from notifications import sealed
from notifications.models import Email
from notifications.outbox import compose, enqueue
from workflow import clock
from workflow.transactions import whole

CHANGES = {
    "password_changed": ("Your password was changed", "the password of your account was changed"),
    "password_set": ("Your account has a password now", "a password was set for your account"),
    "password_reset": (
        "Your password was changed",
        "the password of your account was changed by a link from an e-mail",
    ),
    "totp_activated": ("An authenticator app was added", "an authenticator app was added to your account"),
    "totp_deactivated": ("The authenticator app was removed", "the authenticator app was removed from your account"),
    "webauthn_added": ("A passkey was added", "a passkey was added to your account"),
    "webauthn_removed": ("A passkey was removed", "a passkey was removed from your account"),
    "recovery_codes_generated": ("You have new recovery codes", "new recovery codes were made for your account"),
}
"""allauth's names of what it tells people: the subject, and what happened, as it follows "On Tuesday"."""


@whole
def password_reset(user: User) -> None:
    """Asked for twice in a minute, one e-mail is enough."""
    now = clock.now()
    minute = now.replace(second=0, microsecond=0)
    enqueue("password_reset", {"url": sealed.PLACE}, to=[user], key=f"password_reset:{user.pk}:{minute}", now=now)


def write_nothing() -> None:
    """As much work as `password_reset`, for an address that nobody has."""
    compose("password_reset", {"url": sealed.PLACE}, now=clock.now())


@whole
def notice(user: User, change: str) -> None:
    if change not in CHANGES:
        return
    now = clock.now()
    subject, sentence = CHANGES[change]
    context = {"subject": subject, "sentence": sentence, "at": now, "url": settings.SITE_URL + reverse("mfa_index")}
    enqueue("account_changed", context, to=[user], key=f"{change}:{user.pk}:{now.isoformat()}", now=now)


def _reset_path(email: Email) -> str:
    user = email.recipient
    if not isinstance(user, User):
        raise TypeError("A link to a new password goes to somebody who is known.")
    key = default_token_generator.make_token(user)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})


sealed.MAKERS["password_reset"] = _reset_path
