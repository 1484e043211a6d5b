"""allauth's forms in our words. Nothing is said by a placeholder alone; browsers know what each field is for."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as factor
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest

from releaseflow.signin import letters


def _plain(form: forms.BaseForm, **labels: str) -> None:
    for name, label in labels.items():
        form.fields[name].label = label
    for each in form.fields.values():
        each.widget.attrs.pop("placeholder", None)


class SignInForm(account.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, login="E-mail address", password="Password")  # noqa: S106 (a label)
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "inputmode": "email"}
        self.fields["password"].help_text = ""


class ForgottenForm(account.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, email="E-mail address")
        self.fields["email"].widget.attrs["autocomplete"] = "username"

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """An unknown address costs the same work, so that the time taken tells nothing either."""
        if not self.users:
            letters.write_nothing()
        return str(super().save(request, **kwargs))


class _Twice(forms.Form):
    """A new password, with what it must be like."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password1="New password", password2="New password again")
        self.fields["password1"].help_text = " ".join(password_validators_help_texts())


class NewPasswordForm(_Twice, account.ResetPasswordKeyForm):
    pass


class SetPasswordForm(_Twice, account.SetPasswordForm):
    pass


class ChangePasswordForm(_Twice, account.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, oldpassword="Current password")
        self.fields["oldpassword"].help_text = ""


class PasswordForm(account.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password="Password")  # noqa: S106 (a label)
        self.fields["password"].help_text = ""


class CodeForm(factor.AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="Code from your app, or a recovery code")
        _numbers(self)


class ConfirmCodeForm(factor.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="Code from your app, or a recovery code")
        _numbers(self)


class FirstCodeForm(ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="Code that the app shows now")
        _numbers(self)


def _numbers(form: forms.BaseForm) -> None:
    form.fields["code"].widget.attrs |= {"inputmode": "numeric", "autocomplete": "one-time-code"}


class PasskeyForm(AddWebAuthnForm):
    """Every key signs in by itself where it can; there is nothing to choose but its name."""

    passwordless = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, name="Name of this passkey")
        self.fields["name"].help_text = "So that you know it later, such as “Work laptop”."
        self.fields["name"].max_length = 60
