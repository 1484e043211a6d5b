"""What administrators type about people, and what the page of one person shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms

from accounts.models import Invitation, Nomination, Team, User
from accounts.roles import OFFICE_ROLES, TEAM_ROLES, Role
from releaseflow.people.invitations import INVITATION, Place, newcomer, state
from releaseflow.people.roles import PLACE
from workflow.acts import Act, act, worth_showing

INVITABLE = [role for role in OFFICE_ROLES if role != Role.ADMINISTRATOR]


class InviteForm(forms.Form):
    first_name = forms.CharField(max_length=150)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(label="E-mail address", help_text="The invitation goes there, and they sign in with it.")
    team = forms.ModelChoiceField(Team.objects.all(), required=False, empty_label="No team")
    team_role = forms.ChoiceField(
        label="Role in the team", choices=[(role.value, role.label) for role in TEAM_ROLES], initial=Role.DEVELOPER
    )
    offices = forms.MultipleChoiceField(
        label="Roles for the whole organisation",
        choices=[(role.value, role.label) for role in INVITABLE],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    def unsaved(self, now: datetime) -> Invitation:
        found = self.cleaned_data
        user = newcomer(first_name=found["first_name"], last_name=found["last_name"], email=found["email"])
        return Invitation(user=user, sent_at=now, expires_at=now)

    def place(self) -> Place:
        team, role = self.cleaned_data["team"], Role(self.cleaned_data["team_role"])
        return Place(((team, role),) if team else (), tuple(map(Role, self.cleaned_data["offices"])))


class OfficeForm(forms.Form):
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in OFFICE_ROLES], label="Role")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="office-%s")


@dataclass(frozen=True)
class Profile:
    """One person as administrators see them. `acts` are about the account; `offices` come with the way to take each."""

    offices: list[tuple[str, Act]]
    teams: list[tuple[str, Team]]
    acts: list[Act]
    state: tuple[str, str]
    asked_by: str


def profile(user: User, *, by: User, now: datetime) -> Profile:
    invitation = Invitation.objects.filter(user=user).select_related("user", "invited_by").first()
    nomination = Nomination.objects.filter(user=user).select_related("by").first()
    offices = [
        (str(Role(each.role).label), _act("take_role", user, by, now, label="Take away", hidden={"role": each.role}))
        for each in user.appointments.order_by("role")
    ]
    acts = [_act("confirm", user, by, now, primary=True), _act("decline", user, by, now)] if nomination else []
    if invitation:
        acts += worth_showing(
            act(INVITATION, name, invitation, by=by, now=now)
            for name in ("send_again", "revoke")
            if invitation.accepted_at is None and not (name == "revoke" and invitation.revoked_at)
        )
    acts.append(_act("switch_off" if user.is_active else "switch_on", user, by, now))
    return Profile(
        offices=offices,
        teams=[(each.get_role_display(), each.team) for each in user.memberships.select_related("team")],
        acts=acts,
        state=standing_of(user, invitation, now),
        asked_by=nomination.by.name if nomination else "",
    )


def standing_of(user: User, invitation: Invitation | None, now: datetime) -> tuple[str, str]:
    """A badge, where there is something to say."""
    found = state(invitation, now)
    return found if user.is_active or found[0] else ("idle", "Switched off")


def _act(name: str, user: User, by: User, now: datetime, **more: Any) -> Act:
    if name == "switch_off":
        more["confirm"] = f"{user.name} is signed out everywhere and cannot sign in. What they did stays on record."
    return act(PLACE, name, user, by=by, now=now, **more)
