"""The two e-mails that the Scrum Master owes everyone each week."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from deployments.models import Deployment, ReleaseWeek
from notifications.models import Letter
from workflow.addresses import address
from workflow.steps import Scope


class Announcement(models.Model):
    """A planned-deployments or completion-status e-mail: a live draft until it is sent, then kept as sent.

    `record` is what it says, as data: of a saved draft as the Scrum Master last looked at it (`data_at`), of a sent one
    as sent. A draft without a record shows the data of the moment.
    """

    class Kind(models.TextChoices):
        PLANNED = "planned_deployments", "Planned deployments"
        COMPLETION = "completion_status", "Completion status"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SENT = "sent", "Sent"

    class Edition(models.TextChoices):
        FIRST = "first", "First"
        REVISION = "revision", "Revision"
        FINAL = "final", "Final"
        UPDATE = "update", "Update"

    kind = models.CharField(max_length=20, choices=Kind)
    week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="announcements")
    edition = models.CharField(max_length=10, choices=Edition, default=Edition.FIRST)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    subject = models.CharField(max_length=200, blank=True, default="", help_text="Empty: written from the data.")
    introduction = models.TextField(blank=True, default="", max_length=4000)
    recipients = models.JSONField(blank=True, default=dict, help_text="Chosen groups, and who is added or left out.")
    record = models.JSONField(blank=True, default=dict, help_text="What it says, as data.")
    data_at = models.DateTimeField(null=True, blank=True, help_text="When the record was read.")
    send_at = models.DateTimeField(null=True, blank=True, help_text="The chosen time, instead of its own.")
    sent_at = models.DateTimeField(null=True, blank=True)
    leaves_at = models.DateTimeField(null=True, blank=True, help_text="Until then it can be taken back.")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    letter = models.ForeignKey(Letter, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-week__thursday", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["week", "kind"], condition=Q(status="draft"), name="one_draft_a_kind"),
            models.UniqueConstraint(
                fields=["week", "kind"], condition=Q(status="sent", edition="first"), name="one_first_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(status="draft", sent_at__isnull=True) | Q(status="sent", sent_at__isnull=False),
                name="announcement_sent_says_when",
            ),
            models.CheckConstraint(
                condition=Q(status="draft", leaves_at__isnull=True) | Q(status="sent", send_at__isnull=True),
                name="announcement_waits_or_was_sent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.week}"

    def get_absolute_url(self) -> str:
        return address("announcement", self.pk)

    def scope(self) -> Scope:
        return Scope(week=self.week.thursday)

    def on_hold(self, now: datetime) -> bool:
        """Whether it was sent but nothing of it has left yet."""
        return self.leaves_at is not None and now < self.leaves_at


class AnnouncementNote(models.Model):
    """What the Scrum Master wrote beside one deployment. It stays when the draft is refreshed or the week changes."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=20, choices=Announcement.Kind)
    text = models.CharField(max_length=500)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["deployment", "kind"], name="one_note_a_kind"),)

    def __str__(self) -> str:
        return self.text
