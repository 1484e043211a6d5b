"""The change request, its documents and its decisions. releaseflow is its system of record."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from deployments.models import Deployment
from workflow.addresses import address
from workflow.steps import Scope

NUMBER = r"CRQ[0-9]{12}"
number_format = RegexValidator(rf"^{NUMBER}$", "A CRQ number is CRQ followed by 12 digits, such as CRQ000000418207.")


class CRQ(models.Model):
    """The change request of exactly one deployment. `number` is ours or pasted from another change system."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        APPROVED = "approved", "Approved"
        CLOSED = "closed", "Closed"

    class Closure(models.TextChoices):
        NONE = "", "Not closed"
        SUCCESSFUL = "successful", "Successful"
        WITH_ISSUES = "with_issues", "With issues"
        BACKED_OUT = "backed_out", "Backed out"
        FAILED = "failed", "Failed"
        NOT_INSTALLED = "not_installed", "Not installed"
        WITHDRAWN = "withdrawn", "Withdrawn"

    deployment = models.OneToOneField(Deployment, on_delete=models.PROTECT, related_name="crq")
    number = models.CharField(max_length=15, unique=True, validators=[number_format])
    title = models.CharField(max_length=200)
    target_date = models.DateField()
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    closure = models.CharField(max_length=15, choices=Closure, blank=True, default=Closure.NONE)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "CRQ"
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(condition=Q(number__regex=rf"^{NUMBER}$"), name="crq_number_format"),
            models.CheckConstraint(
                condition=Q(status="closed", closure__gt="") | (~Q(status="closed") & Q(closure="")),
                name="crq_closed_says_how",
            ),
        )
        indexes = (models.Index(fields=["id"], condition=~Q(status="closed"), name="crq_not_closed"),)

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("crq", self.number)

    def scope(self) -> Scope:
        return self.deployment.scope()


FOLDER = "documents"
"""Of the storage, where every document is."""


def storage_name(document: Document, filename: str) -> str:
    """A random name: nothing of the uploaded file's name reaches the file system."""
    return f"{FOLDER}/{uuid.uuid4().hex}"


class Document(models.Model):
    """One version of one kind of evidence. A newer version supersedes an older one, and neither is changed any more,
    but for what `retention.py` notes when the file itself is deleted after years.
    """

    class Kind(models.TextChoices):
        JUSTIFICATION = "justification", "Business justification"
        TESTS = "tests", "Test results"
        PLAN = "plan", "Install and backout plan"

    crq = models.ForeignKey(CRQ, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=15, choices=Kind)
    version = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=150)
    file = models.FileField(upload_to=storage_name, max_length=100)
    size = models.PositiveIntegerField(help_text="In bytes.")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    purged_at = models.DateTimeField(null=True, blank=True, help_text="When its file was deleted; all else stays.")

    class Meta:
        ordering = ("kind", "-version")
        constraints = (
            models.UniqueConstraint(fields=["crq", "kind", "version"], name="document_version_once"),
            models.CheckConstraint(condition=Q(size__gt=0), name="document_is_not_empty"),
        )

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"

    def get_absolute_url(self) -> str:
        return address("document", self.crq.number, self.pk)


class Decision(models.Model):
    """A manager's word on the CRQ, bound by `digest` to what was looked at. An approval stands until it is voided."""

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        RETURNED = "returned", "Returned"

    crq = models.ForeignKey(CRQ, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict)
    digest = models.CharField(max_length=64)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    for_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose deputy decided.",
    )
    at = models.DateTimeField()
    reason = models.TextField(blank=True, default="")
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_because = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["crq"], condition=Q(verdict="approved", voided_at=None), name="one_standing_approval"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="approved") | ~Q(by=F("opened_by")), name="opener_does_not_approve"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="approved") | ~Q(for_user=F("opened_by")), name="nobody_approves_for_the_opener"
            ),
            models.CheckConstraint(condition=~Q(for_user=F("by")), name="decided_for_someone_else"),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_because="")
                | Q(voided_at__isnull=False, voided_because__gt=""),
                name="voided_says_why",
            ),
            models.CheckConstraint(condition=~Q(verdict="returned") | Q(reason__gt=""), name="returned_says_why"),
        )

    def __str__(self) -> str:
        return f"{self.crq}: {self.get_verdict_display()} by {self.who}"

    @property
    def who(self) -> str:
        return self.by.name_for(self.for_user)
