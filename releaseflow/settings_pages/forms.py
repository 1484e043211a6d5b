"""What an administrator types. Whether a name is taken is the flow's question, asked under the lock."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import Model
from django.forms.models import model_to_dict

from accounts.models import Team, User
from accounts.roles import TEAM_ROLES, Role
from deployments.models import Application, Repository
from deployments.models.application import https_only
from notifications.models import Stakeholder


class _Row(forms.Form):
    """The values of one row of `model`: those of `row`, until something is typed."""

    model: ClassVar[type[Model]]

    def __init__(self, data: Any = None, *, row: Model | None = None) -> None:
        super().__init__(data, initial=model_to_dict(row) if row else None)

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def unsaved(self) -> Any:
        return self.model(**self.cleaned_data)


class ApplicationForm(_Row):
    model = Application
    name = forms.CharField(max_length=80, help_text="As people call it, such as Admin portal.")
    team = forms.ModelChoiceField(Team.objects.all(), label="Owned by", empty_label="Choose a team")


class RepositoryForm(_Row):
    model = Repository
    name = forms.CharField(max_length=120, help_text="Owner and name at the forge, such as acme/identity-admin.")
    url = forms.URLField(
        label="Address",
        max_length=200,
        assume_scheme="https",
        validators=[https_only],
        error_messages={"invalid": "Give the full address, beginning with https://."},
    )
    forge = forms.ChoiceField(choices=Repository.Forge.choices)
    required_approvals = forms.IntegerField(
        label="Approvals that a pull request needs",
        min_value=1,
        max_value=10,
        initial=1,
        help_text="By members of the owning team, on the newest commit. Never by the author.",
    )


class TeamForm(_Row):
    model = Team
    name = forms.CharField(max_length=80)


class RecipientForm(_Row):
    model = Stakeholder
    name = forms.CharField(max_length=120, required=False, help_text="Whose mailbox it is, such as Service desk.")
    email = forms.EmailField(label="E-mail address")


class MemberForm(forms.Form):
    user = forms.ModelChoiceField(User.objects.filter(is_active=True), label="Person", empty_label="Choose a person")
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in TEAM_ROLES], initial=Role.DEVELOPER)
