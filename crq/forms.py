"""Forms of the CRQ page: what people type, checked before any action begins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator

from crq import uploads
from crq.deliverables import repositories
from crq.models import Document
from crq.models.crq import number_format
from crq.readiness import Facts
from deployments.models import Deployment, ReleaseWeek
from deployments.weeks import open_for_plans
from workflow.machine import LONGEST_REASON

branch_name = RegexValidator(
    r"^(?!.*(\.\.|//|@\{))[A-Za-z0-9][A-Za-z0-9._/@+-]*[A-Za-z0-9]$",
    "A branch is named like release/2026-12-10: letters, digits and . _ / - without spaces.",
)


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name)


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


class ManyFiles(forms.FileField):
    """Several files of one input, each checked; what is wrong is said with the file's name."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = [each for each in data or () if each]
        if not files:
            raise forms.ValidationError("Choose a file first.")
        wrong = [sentence for each in files if (sentence := _wrong(each))]
        if wrong:
            raise forms.ValidationError(wrong)
        return files


def _wrong(upload: UploadedFile[Any]) -> str:
    try:
        uploads.check(upload)
    except forms.ValidationError as error:
        return f"{uploads.safe_name(upload.name or '')}: {error.message}"
    return ""


class AttachFilesForm(forms.Form):
    """Files and what they are: one kind for all, or for each what its name says."""

    files = ManyFiles(label="Files")
    kind = forms.ChoiceField(
        label="Kind", choices=[("", "As each file's name says"), *Document.Kind.choices], required=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for upload in cleaned.get("files", ()):
            if not self.kind_of(upload):
                self.add_error("kind", f"The name of {uploads.safe_name(upload.name)} does not say. Choose its kind.")
        return cleaned

    def kind_of(self, upload: UploadedFile[Any]) -> str:
        return self.cleaned_data.get("kind") or uploads.guess_kind(upload.name or "")


class NoteForm(forms.Form):
    """The manager's words beside a decision."""

    reason = forms.CharField(
        label="Note", required=False, strip=False, widget=forms.Textarea(attrs={"id": "note", "rows": 2})
    )


class CommentForm(forms.Form):
    text = forms.CharField(
        label="Comment",
        max_length=LONGEST_REASON,
        error_messages={"required": "Write something first."},
        widget=forms.Textarea(attrs={"id": "comment", "rows": 3}),
    )


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
