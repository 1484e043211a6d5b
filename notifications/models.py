"""The outbox: what was written, and for each recipient whether it has left."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Letter(models.Model):
    """The content of one e-mail as rendered, kept as sent."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    html = models.TextField()
    thread = models.CharField(
        max_length=120,
        blank=True,
        default="",
        help_text="Letters of one thread answer each other, e.g. one week's plan.",
    )
    written_at = models.DateTimeField()

    class Meta:
        ordering = ("-written_at", "-pk")

    def __str__(self) -> str:
        return self.subject


class Email(models.Model):
    """One letter to one recipient: a row of the outbox.

    Written in the transaction of the change that causes it. `key` is unique, so the same cause never queues twice;
    `message_id` is fixed here, so that a repeated delivery is recognisable as the same message.
    """

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="emails")
    to = models.EmailField()
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    key = models.CharField(max_length=200, unique=True)
    message_id = models.CharField(max_length=255)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="The next attempt is not made earlier; also the lease while one runs.")
    sent_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Given up: shown, and sent again by hand only.")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="Taken back before it left.")
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(parked_at__isnull=True), name="email_sent_or_parked_not_both"
            ),
        )
        indexes = (
            models.Index(fields=["not_before", "id"], condition=Q(sent_at=None, parked_at=None), name="email_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.letter} to {self.to}"

    @property
    def state(self) -> str:
        """One word for people: sent, cancelled, parked, retrying or waiting."""
        if self.sent_at:
            return "sent"
        if self.cancelled_at:
            return "cancelled"
        if self.parked_at:
            return "parked"
        return "retrying" if self.attempts else "waiting"


class Stakeholder(models.Model):
    """Someone outside the teams who receives the week's two e-mails."""

    name = models.CharField(max_length=120, blank=True, default="")
    email = models.EmailField(unique=True)

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.name or self.email
