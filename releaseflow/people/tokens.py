"""The tokens of a person: made and revoked by themselves; an administrator may revoke anybody's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from accounts.models import Token, User
from accounts.roles import Role, standing
from workflow.eastern import say_near
from workflow.steps import Actor, Call, Flow, Refused, Step

DAYS = (("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "one year"))
ANYBODY = tuple(Role)


def own_roles(user: User) -> list[Role]:
    """Those held in one's own right: what is lent for some days is not passed on to a program."""
    held = standing(user)
    return [role for role in Role if held.holds_own(role)]


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=80,
        help_text="What will use it, such as “Identity pipeline”.",
        error_messages={"required": "Say what will use it."},
    )
    roles = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What it may act as. With none ticked it can only read.",
    )
    days = forms.ChoiceField(choices=DAYS, initial="90", label="Good for")

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.fields["roles"].choices = [(role.value, role.label) for role in own_roles(user)]  # type: ignore[attr-defined]

    def unsaved(self, user: User, digest: str, *, now: datetime) -> Token:
        given = self.cleaned_data
        until = now + timedelta(days=int(given["days"]))
        return Token(user=user, name=given["name"], roles=given["roles"], digest=digest, expires_at=until)


def _own(token: Token, by: Actor, now: datetime) -> str:
    return "" if by and by.pk == token.user_id else f"Only {token.user.name} makes this."


def _own_or_administrators(token: Token, by: Actor, now: datetime) -> str:
    if by is None or by.pk == token.user_id or standing(by).holds_own(Role.ADMINISTRATOR):
        return ""
    return f"Only {token.user.name} or an administrator revokes this."


def _create(call: Call) -> None:
    token: Token = call.obj
    if strange := [role for role in token.roles if role not in own_roles(call.person)]:
        raise Refused.because(f"You do not hold the role {Role(strange[0]).label}, so a token cannot have it.")
    token.created_at = call.now
    call.note |= {"roles": token.roles, "until": token.expires_at.isoformat()}


def _revoke(call: Call) -> None:
    call.obj.revoked_at = call.now


def _revoked(token: Token, by: Actor, now: datetime) -> str:
    return f"It was revoked {say_near(token.revoked_at, now)}." if token.revoked_at else ""


TOKEN = Flow(
    "token",
    Token,
    lambda pk: Token.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=pk),
    [
        Step("create", "Make a token", roles=ANYBODY, guards=(_own,), effect=_create, plain=False),
        Step(
            "revoke",
            "Revoke",
            roles=ANYBODY,
            guards=(_own_or_administrators,),
            effect=_revoke,
            already=_revoked,
            done="Revoked. It opens nothing any more.",
        ),
    ],
)
