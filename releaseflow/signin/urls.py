"""Pages of the sign-in: those of allauth's that are used, under our addresses and its names, which it asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount.providers.openid_connect import views as provider
from allauth.usersessions import views as sessions
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from releaseflow.signin import views
from releaseflow.signin.provider import PROVIDER_ID

View = Callable[..., HttpResponse]


def form(view: View) -> View:
    """As everywhere here, a form with mistakes answers 422; nothing of these pages is kept by a browser."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if isinstance(response, TemplateResponse) and request.method == "POST":
            response.status_code = 422
        return response

    return never_cache(answered)


ONE = {"provider_id": PROVIDER_ID}
urlpatterns: list[URLPattern] = [
    path("sign-in/", form(account.login), name="sign-in"),
    path("sign-in/", form(account.login), name="account_login"),
    path("sign-in/passkey/", form(passkeys.login_webauthn), name="mfa_login_webauthn"),
    path("sign-in/second-factor/", form(factors.authenticate), name="mfa_authenticate"),
    path("sign-in/sso/", require_POST(provider.login), ONE, name="openid_connect_login"),
    path("sign-in/sso/back/", provider.callback, ONE, name="openid_connect_callback"),
    path("sign-in/forgotten/", form(account.password_reset), name="account_reset_password"),
    path("sign-in/forgotten/sent/", account.password_reset_done, name="account_reset_password_done"),
    path(
        "sign-in/new-password/<str:uidb36>/<str:key>/",
        form(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "sign-in/new-password/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("invitations/<str:token>/", views.accept, name="accept-invitation"),
    path("me/sign-in/", factors.index, name="mfa_index"),
    path("me/sign-in/sessions/", form(sessions.list_usersessions), name="usersessions_list"),
    path("me/sign-in/password/", form(account.password_change), name="account_change_password"),
    path("me/sign-in/password/first/", form(account.password_set), name="account_set_password"),
    path("me/sign-in/confirm/", form(account.reauthenticate), name="account_reauthenticate"),
    path("me/sign-in/confirm/code/", form(factors.reauthenticate), name="mfa_reauthenticate"),
    path("me/sign-in/confirm/passkey/", form(passkeys.reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("me/sign-in/app/", form(totp.activate_totp), name="mfa_activate_totp"),
    path("me/sign-in/app/remove/", form(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("me/sign-in/codes/", never_cache(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("me/sign-in/codes/renew/", form(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("me/sign-in/passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("me/sign-in/passkeys/add/", form(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("me/sign-in/passkeys/<key:pk>/", form(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
    path("me/sign-in/passkeys/<key:pk>/remove/", form(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
]
