"""Where allauth asks us: what it would e-mail, who may come in from the provider, how secrets are kept."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from accounts.roles import Role, people
from accounts.secrets import box
from releaseflow.signin import letters, record

WAYS = {
    "reauthenticate": "your password",
    "mfa_reauthenticate": "a code from your app, or a recovery code",
    "mfa_reauthenticate:webauthn": "a passkey",
}
"""How somebody may confirm that it is them, by allauth's names."""


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "That address and password do not belong together. Check both, or set a new one.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, or sign in with a passkey.",
        "rate_limited": "Too many tries. Wait five minutes.",
        "incorrect_password": "That is not your password.",
        "enter_current_password": "That is not your current password.",
        "incorrect_code": "That code is not right, or it is over. Type the newest one.",
    }

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """In the words of our pages, which know passkeys."""
        ways: list[dict[str, str]] = super().get_reauthentication_methods(user)
        return [way | {"description": WAYS.get(way["id"], way["description"])} for way in ways]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Addresses of this very host only, however many names are answered."""
        return url_has_allowed_host_and_scheme(url, {self.request.get_host()}, self.request.is_secure())

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Tries count for an account and an address together, so that nobody can lock somebody else out."""
        return f"{self.get_client_ip(request)}:{credentials.get('email', '').lower()}"

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        record.failed(credentials.get("email", ""))

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """The same answer as for a wrong password, in the words that everybody gets."""
        messages.error(request, self.error_messages["email_password_mismatch"])
        return redirect("sign-in")

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """`context` holds a link that works, which is not kept: the copy that leaves gets its own."""
        letters.password_reset(cast(User, user))

    def send_notification_mail(
        self, template_prefix: str, user: Any, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        letters.notice(cast(User, user), template_prefix.rpartition("/")[2])


class FactorAdapter(DefaultMFAAdapter):
    """What second factors need to know stands in the database encrypted, so that a backup alone opens nothing."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": AccountAdapter.error_messages["incorrect_code"],
        "cannot_delete_authenticator": "Everybody in your place needs a second factor. Add another one first.",
    }

    def encrypt(self, text: str) -> str:
        return box("factors").encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return box("factors").decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002 (allauth's name)
        return f"Passkey {user.authenticator_set.filter(type=type).count() + 1}"


class ProviderAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Lets in whom the provider names by verified e-mail and an administrator knows; says why not otherwise."""
        brought = sociallogin.account.extra_data
        claims: dict[str, Any] = (brought.get("id_token") or {}) | (brought.get("userinfo") or {})
        address = str(claims.get("email") or "").lower()
        user = User.objects.filter(email__iexact=address).first() if address else None
        sentence = _wrong(claims, address, user)
        if not sentence and sociallogin.is_existing and sociallogin.user != user:
            sentence = f"{_provider()} knows you by an address that belongs to somebody else here. {_ask()}"
        if sociallogin.state.get("process") != AuthProcess.LOGIN:
            sentence = f"{_provider()} is for signing in. Sign out first."
        if sentence:
            messages.error(request, sentence)
            raise ImmediateHttpResponse(redirect("sign-in"))
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)

    def on_authentication_error(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        messages.error(request, f"{_provider()} did not sign you in. Try again, or use your password.")
        raise ImmediateHttpResponse(redirect("sign-in"))


def _wrong(claims: dict[str, Any], address: str, user: User | None) -> str:
    domain = address.rpartition("@")[2]
    if not address or claims.get("email_verified") is not True:
        return f"{_provider()} did not name a verified e-mail address of yours. {_ask()}"
    if settings.OIDC_EMAIL_DOMAINS and domain not in settings.OIDC_EMAIL_DOMAINS:
        return f"Addresses at {domain} do not sign in here with {_provider()}. {_ask()}"
    if lacking := settings.OIDC and settings.OIDC.lacks(claims):
        return f"{_provider()} does not count you among those who may come in ({lacking}). {_ask()}"
    if user is None or not user.is_active:
        return f"{address} is not known here. {_ask()}"
    return ""


def _provider() -> str:
    return str(settings.OIDC.name) if settings.OIDC else "The provider"


def _ask() -> str:
    """Who can invite somebody, by name."""
    names = " or ".join(person.name for person in people(Role.ADMINISTRATOR))
    return f"Ask {names or 'whoever runs this site'} to invite you."
