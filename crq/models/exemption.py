"""The request to install although a Tuesday deadline was missed."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from crq.models.crq import CRQ
from deployments.models import ReleaseWeek
from workflow.addresses import address
from workflow.steps import Scope


def _principal(help_text: str) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=help_text,
    )


class ExemptionRequest(models.Model):
    """Asked by a Dev Manager, decided by the EDMT Director; once per CRQ and week. Silence never approves."""

    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        GRANTED = "granted", "Granted"
        DENIED = "denied", "Denied"
        LAPSED = "lapsed", "No decision"
        WITHDRAWN = "withdrawn", "Withdrawn"

    crq = models.ForeignKey(CRQ, on_delete=models.PROTECT, related_name="exemptions")
    week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="exemptions")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    why = models.TextField()
    why_now = models.TextField()
    risk = models.TextField()
    approved_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="The content that the manager approved in the same form, if any.",
    )
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_for = _principal("Whose deputy asked.")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    decided_for = _principal("Whose deputy decided.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True, default="")
    condition = models.CharField(
        max_length=300, blank=True, default="", help_text="What a grant asks for, such as only if verified on core dev."
    )

    class Meta:
        ordering = ("-requested_at",)
        constraints = (
            models.UniqueConstraint(fields=["crq", "week"], name="one_exemption_request_a_week"),
            models.CheckConstraint(
                condition=~Q(decided_by=F("requested_by"))
                & ~Q(decided_by=F("requested_for"))
                & ~Q(decided_for=F("requested_by"))
                & ~Q(decided_for=F("requested_for")),
                name="asker_does_not_decide",
            ),
            models.CheckConstraint(
                condition=~Q(requested_for=F("requested_by"))
                & (Q(decided_for__isnull=True) | (Q(decided_by__isnull=False) & ~Q(decided_by=F("decided_for")))),
                name="exemption_for_someone_else",
            ),
            models.CheckConstraint(condition=Q(why__gt="", why_now__gt="", risk__gt=""), name="exemption_says_why"),
            models.CheckConstraint(
                condition=Q(condition="") | Q(status="granted"), name="only_a_grant_has_a_condition"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["granted", "denied"],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    decision_reason__gt="",
                )
                | Q(status__in=["requested", "lapsed", "withdrawn"], decided_by__isnull=True),
                name="exemption_decided_by_someone_with_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"Exemption for {self.crq}"

    def get_absolute_url(self) -> str:
        return address("exemption", self.pk)

    def scope(self) -> Scope:
        return self.crq.scope()


class ExemptionNote(models.Model):
    """A question about a request, or its answer. It decides nothing."""

    request = models.ForeignKey(ExemptionRequest, on_delete=models.CASCADE, related_name="notes")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ("at", "pk")

    def __str__(self) -> str:
        return f"{self.by} on {self.request}"
