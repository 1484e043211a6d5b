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
        indexes = (models.Index(fields=["thread"], condition=~Q(thread=""), name="letter_thread"),)

    def __str__(self) -> str:
        return self.subject


class Email(models.Model):
    """One letter to one recipient: a row of the outbox.

    Written in the transaction of the change that causes it. `key` is unique, so the same cause never queues twice;
    `message_id` is fixed here, so that a repeated delivery is recognisable as the same message. It ends sent, parked or
    cancelled; until then it waits, leased to one process while that tries to send it.
    """

    WAITING = Q(sent_at=None, parked_at=None, cancelled_at=None)

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="emails")
    to = models.EmailField()
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    key = models.CharField(max_length=200, unique=True)
    message_id = models.CharField(max_length=255)
    in_reply_to = models.CharField(
        max_length=255, blank=True, default="", help_text="The first message of the letter's thread to this recipient."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="The next attempt is not made earlier.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="Until then one process has it in its hands.")
    sent_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Given up: shown, and sent again by hand only.")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="Taken back before it left.")
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("pk",)
        verbose_name = "e-mail"
        constraints = (
            models.CheckConstraint(
                condition=Q(sent_at=None, parked_at=None)
                | Q(sent_at=None, cancelled_at=None)
                | Q(parked_at=None, cancelled_at=None),
                name="email_ends_one_way",
            ),
            models.CheckConstraint(
                condition=Q(leased_until=None) | Q(sent_at=None, parked_at=None, cancelled_at=None),
                name="email_leased_only_while_it_waits",
            ),
        )
        indexes = (
            models.Index(
                fields=["not_before", "id"],
                condition=Q(sent_at=None, parked_at=None, cancelled_at=None),
                name="email_waiting",
            ),
            models.Index(fields=["parked_at"], condition=Q(parked_at__isnull=False), name="email_parked"),
        )

    def __str__(self) -> str:
        return f"{self.letter} to {self.to}"

    @property
    def state(self) -> str:
        """One word for people: sent, parked, cancelled, retrying or waiting."""
        for word in ("sent", "parked", "cancelled"):
            if getattr(self, f"{word}_at"):
                return word
        return "retrying" if self.attempts else "waiting"


class Stakeholder(models.Model):
    """Someone outside the teams who receives the week's two e-mails."""

    name = models.CharField(max_length=120, blank=True, default="")
    email = models.EmailField(unique=True)

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.name or self.email
