"""The two e-mails that the Scrum Master owes everyone each week."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.models import ReleaseWeek
from notifications.models import Letter
from workflow.steps import Scope


class Announcement(models.Model):
    """A planned-deployments or completion-status e-mail: a live draft until it is sent, then kept as sent."""

    class Kind(models.TextChoices):
        PLANNED = "planned_deployments", "Planned deployments"
        COMPLETION = "completion_status", "Completion status"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"

    kind = models.CharField(max_length=20, choices=Kind)
    week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="announcements")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    subject = models.CharField(max_length=200, blank=True, default="", help_text="Empty: written from the data.")
    introduction = models.TextField(blank=True, default="", max_length=4000)
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    letter = models.ForeignKey(Letter, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-week__thursday", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["week", "kind"], condition=Q(status="draft"), name="one_draft_a_kind"),
            models.CheckConstraint(
                condition=Q(status="draft", sent_at__isnull=True) | Q(status="sent", sent_at__isnull=False),
                name="announcement_sent_says_when",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.week}"

    def get_absolute_url(self) -> str:
        return reverse("announcement", args=[self.pk])

    def scope(self) -> Scope:
        return Scope(week=self.week.thursday)
