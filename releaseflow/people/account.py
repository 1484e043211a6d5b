"""What people change about their own account, and the e-mail with which they try whether e-mail works."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from accounts.models import Appointment, User
from accounts.roles import Role, people
from notifications.outbox import enqueue
from workflow.steps import Actor, Call, Flow, Refused, Step

FIELDS = ("first_name", "last_name", "time_zone")
SIGN_IN = ("sign_in", "sign_in_failed", "change_password", "add_factor", "remove_factor", "renew_codes")
"""Events that are between a person and the administrators."""
# Shown first; any other zone of the database is understood as well.
NEAR = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"),
    *("Europe/London", "Europe/Berlin", "Europe/Bucharest", "Asia/Kolkata", "Asia/Manila", "Asia/Tokyo", "UTC"),
)


def _own(user: User, by: Actor, now: datetime) -> str:
    if by is None or by.pk == user.pk:
        return ""
    return f"Only {user.name} changes this."


def _change(call: Call) -> None:
    """Given values of FIELDS."""
    for name in FIELDS:
        before, value = getattr(call.obj, name), call.given[name]
        if before != value:
            setattr(call.obj, name, value)
            call.note[name] = f"{before} → {value}"
    if not call.note:
        raise Refused.because("Nothing differs from what is saved.", "done")


def _note_given(call: Call) -> None:
    """Notes how, never with what: nothing that is given here is a secret."""
    call.note |= call.given


def _write_test(call: Call) -> None:
    context = {"person": call.person.name, "url": f"{settings.SITE_URL}/settings/"}
    enqueue("test_email", context, to=[call.person], key=f"test_email:{call.now.isoformat()}", now=call.now)


def _nobody_yet(user: User, by: Actor, now: datetime) -> str:
    holders = people(Role.ADMINISTRATOR)
    return f"{holders[0].name} is administrator already, and adds others on the pages." if holders else ""


def _appoint(call: Call) -> None:
    Appointment.objects.create(user=call.obj, role=Role.ADMINISTRATOR)


def _lock(pk: int) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=pk)


ACCOUNT = Flow(
    "account",
    User,
    _lock,
    [
        Step("first_administrator", "Make the first administrator", guards=(_nobody_yet,), plain=False),
        Step("change", "Change account", anyone=True, guards=(_own,), effect=_change, plain=False),
        Step(
            "test_email",
            "Send a test to me",
            roles=(Role.ADMINISTRATOR,),
            guards=(_own,),
            done="Queued. It leaves within seconds; look into your mailbox.",
        ),
        Step("sign_in", "Sign in", anyone=True, guards=(_own,), effect=_note_given, plain=False),
        Step("sign_in_failed", "Fail to sign in", effect=_note_given),
        Step("change_password", "Change password", anyone=True, guards=(_own,), effect=_note_given, plain=False),
        Step("add_factor", "Add a way to sign in", anyone=True, guards=(_own,), effect=_note_given, plain=False),
        Step("remove_factor", "Remove a way to sign in", anyone=True, guards=(_own,), effect=_note_given, plain=False),
        Step("renew_codes", "Renew recovery codes", anyone=True, guards=(_own,), effect=_note_given, plain=False),
    ],
)
ACCOUNT.complete(consequences={"first_administrator": _appoint, "test_email": _write_test})


class AccountForm(forms.Form):
    first_name = forms.CharField(max_length=150)
    last_name = forms.CharField(max_length=150, required=False)
    time_zone = forms.ChoiceField(help_text="Times are Eastern everywhere; yours stands beside them where it differs.")

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={name: getattr(user, name) for name in FIELDS}, auto_id="account-%s")
        near = list(dict.fromkeys((user.time_zone, *NEAR)))
        others = sorted(zone for zone in available_timezones() if "/" in zone and zone not in near)
        field = cast(forms.ChoiceField, self.fields["time_zone"])
        field.choices = [
            ("Near", [(zone, _say(zone)) for zone in near]),
            ("All", [(zone, _say(zone)) for zone in others]),
        ]
        field.error_messages["invalid_choice"] = "Choose a time zone of the list."


def _say(zone: str) -> str:
    """ "America: New York"."""
    return zone.replace("_", " ").replace("/", ": ", 1)
