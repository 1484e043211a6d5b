"""Forms of the CRQ page: what people type, checked before any action begins."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator

from crq import uploads
from crq.deliverables import repositories
from crq.models import Document
from crq.models.crq import number_format
from crq.models.elsewhere import number_there_format
from crq.readiness import Facts
from deployments.models import Deployment, ReleaseWeek
from deployments.weeks import open_for_plans
from workflow.clash import Clash, Difference
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
        label="CRQ number",
        required=False,
        help_text="Paste the number from another change system, or leave it empty: releaseflow gives the next one.",
    )
    title = forms.CharField(max_length=200, error_messages={"required": "Give the CRQ a title."})

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].strip().upper()
        if number:
            number_format(number)
        return number


class NumberThereForm(forms.Form):
    number = forms.CharField(
        label="Its number there",
        max_length=40,
        help_text="As the other change system shows it, such as CHG0031234.",
        error_messages={"required": "Type the number that the other change system shows."},
    )

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].upper()
        number_there_format(number)
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

    documents = ManyFiles(label="Files")
    kind = forms.ChoiceField(
        label="Kind", choices=[("", "As each file's name says"), *Document.Kind.choices], required=False
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for upload in cleaned.get("documents", ()):
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
    """The release branch of each repository, and the result on core dev: three facts in one form.

    `seen` is what was recorded when the page was opened, so that two people do not overwrite each other unseen.
    """

    result = forms.ChoiceField(
        label="Core dev",
        choices=[("", "Not deployed yet"), ("success", "Deployed successfully"), ("failed", "Deployment failed")],
        required=False,
    )
    build = forms.CharField(label="Build (for a successful deployment)", max_length=120, required=False)
    seen = forms.CharField(required=False, max_length=20_000, widget=forms.HiddenInput)

    def __init__(self, *args: Any, facts: Facts, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repositories = repositories(facts)
        deployment = facts.deployment
        self.recorded = {f"branch_{pk}": branch.name for pk, branch in facts.branches.items()}
        self.recorded |= {"result": deployment.core_dev_result, "build": deployment.core_dev_build}
        suggestion = f"release/{deployment.week.install_day}"
        for repository in self.repositories:
            self.fields[f"branch_{repository.pk}"] = forms.CharField(
                label=f"Release branch in {repository.short_name}",
                max_length=200,
                validators=[branch_name],
                initial=self.recorded.get(f"branch_{repository.pk}", suggestion),
                error_messages={"required": "Give the release branch."},
            )
        self.order_fields([f"branch_{repository.pk}" for repository in self.repositories])
        self.initial = {
            **self.initial,
            "result": self.recorded["result"],
            "build": self.recorded["build"],
            "seen": self.token(),
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("result") == Deployment.CoreDev.SUCCESS and not cleaned.get("build", "").strip():
            self.add_error("build", "Give the build that was deployed to core dev.")
        return cleaned

    def names(self) -> dict[int, str]:
        return {repository.pk: self.cleaned_data[f"branch_{repository.pk}"] for repository in self.repositories}

    def token(self) -> str:
        """What is recorded now, as the hidden field carries it."""
        return json.dumps(self.recorded, sort_keys=True)

    def typed(self) -> dict[str, str]:
        return {name: str(value).strip() for name, value in self.cleaned_data.items() if name != "seen"}

    @property
    def nothing_new(self) -> bool:
        """Whether exactly this is recorded already, as after a second press."""
        return self.typed() == {name: self.recorded.get(name, "") for name in self.typed()}

    def changed_meanwhile(self) -> bool:
        """Whether somebody else recorded something after the page was opened. A form without `seen` does not know."""
        return bool(self.cleaned_data["seen"]) and self.cleaned_data["seen"] != self.token()

    def clash(self, *, remark: str) -> Clash:
        """What was typed beside what is recorded now; `remark` says by whom and when."""
        labels = dict(self.fields["result"].choices)  # type: ignore[attr-defined]
        rows = []
        for name, value in self.typed().items():
            now = self.recorded.get(name, "")
            before, after = (labels[value], labels[now]) if name == "result" else (value, now)
            rows.append(Difference(str(self.fields[name].label), before, after, remark))
        sentence = "Nothing of yours is saved yet, and what you typed is kept below. Record it again to replace theirs."
        return Clash("Somebody else recorded this meanwhile", sentence, "What you typed", "What is recorded now", rows)


class MoveForm(forms.Form):
    week = forms.ModelChoiceField(ReleaseWeek.objects.none(), label="To the week of", empty_label=None)
    reason = forms.CharField(
        label="Why",
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        error_messages={"required": "Say why in a few words: the reason is kept with the move."},
    )

    def __init__(self, *args: Any, deployment: Deployment, now: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        weeks = open_for_plans(now).exclude(pk=deployment.week_id)
        self.fields["week"].queryset = weeks  # type: ignore[attr-defined]
        self.fields["week"].label_from_instance = lambda week: f"{week.install_day:%a %b} {week.install_day.day}"  # type: ignore[attr-defined]
