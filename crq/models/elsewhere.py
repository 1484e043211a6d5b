"""What another change system has of a CRQ: as people noted it, or as it answered. It never changes what is ours."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from crq.models.crq import CRQ, Document
from workflow.steps import Scope

NUMBER_THERE = r"[A-Z0-9][A-Z0-9._-]{2,38}[A-Z0-9]"
number_there_format = RegexValidator(
    rf"^{NUMBER_THERE}$",
    "A number of another change system is 4 to 40 letters, digits, dots or dashes, such as CHG0031234.",
)


class NumberThere(models.Model):
    """The number that a CRQ has in another change system, whatever its form is there; in capitals.

    Noted by nobody where the other system gave it itself.
    """

    crq = models.OneToOneField(CRQ, on_delete=models.PROTECT, related_name="number_there")
    number = models.CharField(max_length=40, unique=True, validators=[number_there_format])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "number in another change system"
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(condition=Q(number__regex=rf"^{NUMBER_THERE}$"), name="number_there_format"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def who(self) -> str:
        return self.by.name if self.by else "releaseflow"

    def scope(self) -> Scope:
        return self.crq.scope()


class AttachedThere(models.Model):
    """This version of a document is attached to the change in the other system, too: by nobody where we sent it."""

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="attached_there")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "file in another change system"
        verbose_name_plural = "files in another change system"
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(self.document)

    @property
    def who(self) -> str:
        return self.by.name if self.by else "releaseflow"

    def scope(self) -> Scope:
        return self.document.crq.scope()


class ChangeThere(models.Model):
    """A CRQ that another change system is told of by itself (`crq/change_system/`): what is still to be told, what was
    told last, and what was read there.

    Whatever changes the CRQ raises `revision`; telling it sets `told`. `ours` and `theirs` are texts by the other
    system's name of their field; `seen` are those of theirs that somebody looked at and left as they are.
    """

    crq = models.OneToOneField(CRQ, on_delete=models.PROTECT, related_name="change_there")
    revision = models.PositiveIntegerField(default=1)
    told = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True, help_text="When it is looked at again; empty: never.")
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="When it was given up, until sent again.")
    last_error = models.CharField(max_length=500, blank=True, default="")
    number = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=80, blank=True, default="", help_text="In the other system's words.")
    ours = models.JSONField(default=dict, blank=True)
    theirs = models.JSONField(default=dict, blank=True)
    seen = models.JSONField(default=dict, blank=True)
    differing = models.PositiveSmallIntegerField(default=0, help_text="Texts and number that differ and were not seen.")
    read_at = models.DateTimeField(null=True, blank=True)

    OWED = Q(revision__gt=F("told"))
    WAITING = Q(parked_at=None) & OWED
    GIVEN_UP = Q(parked_at__isnull=False)
    DIFFERS = Q(differing__gt=0)

    class Meta:
        verbose_name = "change in another system"
        verbose_name_plural = "changes in another system"
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(condition=Q(told__lte=F("revision")), name="told_what_there_was"),
            models.CheckConstraint(condition=Q(parked_at=None) | Q(last_error__gt=""), name="given_up_says_why"),
        )
        indexes = (
            models.Index(fields=["not_before"], condition=Q(parked_at=None), name="change_there_due"),
            models.Index(fields=["crq"], condition=Q(differing__gt=0), name="change_there_differs"),
            models.Index(fields=["not_before"], condition=Q(revision__gt=F("told")), name="change_there_owed"),
            models.Index(fields=["parked_at"], condition=Q(parked_at__isnull=False), name="change_there_given_up"),
        )

    def __str__(self) -> str:
        return self.number or str(self.crq)

    def scope(self) -> Scope:
        return self.crq.scope()

    def differences(self) -> dict[str, tuple[str, str]]:
        """Ours and theirs by their field, where they differ and nobody has seen that."""
        return {
            name: (ours, self.theirs[name])
            for name, ours in self.ours.items()
            if name in self.theirs and self.theirs[name] not in (ours, self.seen.get(name))
        }

    def count(self, noted: str) -> int:
        """What `differing` is where this number is noted here."""
        return len(self.differences()) + (self.number not in {"", noted})
