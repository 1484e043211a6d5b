"""Forms of the CRQ page: what people type, checked before any action begins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from crq import uploads
from crq.deliverables import repositories
from crq.models.crq import number_format
from crq.readiness import Facts
from deployments.models import Deployment, ReleaseWeek
from deployments.weeks import open_for_plans

branch_name = RegexValidator(
    r"^(?!.*(\.\.|//|@\{))[A-Za-z0-9][A-Za-z0-9._/@+-]*[A-Za-z0-9]$",
    "A branch is named like release/2026-12-10: letters, digits and . _ / - without spaces.",
)


class OpenCRQForm(forms.Form):
    number = forms.CharField(
        label="CRQ number (optional)",
        required=False,
        help_text="Paste the number from another change system, or leave it empty: releaseflow gives the next one.",
    )
    title = forms.CharField(max_length=200)

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].strip().upper()
        if number:
            number_format(number)
        return number


class AttachForm(forms.Form):
    file = forms.FileField(label="File")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = uploads.hint()
        self.fields["file"].error_messages["empty"] = "This file is empty."

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        uploads.check(upload)
        return upload


class MergeForm(forms.Form):
    """The release branch of each repository, and the result on core dev: three facts in one form."""

    result = forms.ChoiceField(
        label="Core dev",
        choices=[("", "Not deployed yet"), ("success", "Deployed successfully"), ("failed", "Deployment failed")],
        required=False,
    )
    build = forms.CharField(label="Build (for a successful deployment)", max_length=120, required=False)

    def __init__(self, *args: Any, facts: Facts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repositories = repositories(facts)
        deployment = facts.deployment
        suggestion = f"release/{deployment.week.install_day}"
        for repository in self.repositories:
            made = facts.branches.get(repository.pk)
            self.fields[f"branch_{repository.pk}"] = forms.CharField(
                label=f"Release branch in {repository.short_name}",
                max_length=200,
                validators=[branch_name],
                initial=made.name if made else suggestion,
                required=True,
            )
        self.order_fields([f"branch_{repository.pk}" for repository in self.repositories])
        self.fields["result"].initial = deployment.core_dev_result
        self.fields["build"].initial = deployment.core_dev_build

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("result") == Deployment.CoreDev.SUCCESS and not cleaned.get("build", "").strip():
            self.add_error("build", "Give the build that was deployed to core dev.")
        return cleaned

    def names(self) -> dict[int, str]:
        return {repository.pk: self.cleaned_data[f"branch_{repository.pk}"] for repository in self.repositories}


class MoveForm(forms.Form):
    week = forms.ModelChoiceField(ReleaseWeek.objects.none(), label="To the week of", empty_label=None)
    reason = forms.CharField(label="Why", widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def __init__(self, *args: Any, deployment: Deployment, now: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        weeks = open_for_plans(now).exclude(pk=deployment.week_id)
        self.fields["week"].queryset = weeks  # type: ignore[attr-defined]
        self.fields["week"].label_from_instance = lambda week: f"{week.install_day:%a %b} {week.install_day.day}"  # type: ignore[attr-defined]
