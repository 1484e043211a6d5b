"""The outbox: what was written, and for each recipient or channel whether it has left."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


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


class Outgoing(models.Model):
    """A row of the outbox: an e-mail to one recipient, or a post to one channel.

    Written in the transaction of the change that causes it. `key` is unique, so the same cause never queues twice;
    `message_id` is fixed here, so that a repeated delivery is recognisable as the same message. It ends sent, parked or
    cancelled; until then it waits, leased to one process while that tries to send it.
    """

    WAITING = Q(sent_at=None, parked_at=None, cancelled_at=None)
    NOTED: tuple[str, ...] = ()  # fields that the line sets when it sends

    key = models.CharField(max_length=200, unique=True)
    message_id = models.CharField(max_length=255)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(help_text="The next attempt is not made earlier.")
    leased_until = models.DateTimeField(null=True, blank=True, help_text="Until then one process has it in its hands.")
    sent_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True, help_text="Given up: shown, and sent again by hand only.")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="Taken back before it left.")
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        abstract = True
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(
                condition=Q(sent_at=None, parked_at=None)
                | Q(sent_at=None, cancelled_at=None)
                | Q(parked_at=None, cancelled_at=None),
                name="%(class)s_ends_one_way",
            ),
            models.CheckConstraint(
                condition=Q(leased_until=None) | Q(sent_at=None, parked_at=None, cancelled_at=None),
                name="%(class)s_leased_only_while_it_waits",
            ),
        )
        indexes = (
            models.Index(
                fields=["not_before", "id"],
                condition=Q(sent_at=None, parked_at=None, cancelled_at=None),
                name="%(class)s_waiting",
            ),
            models.Index(fields=["parked_at"], condition=Q(parked_at__isnull=False), name="%(class)s_parked"),
        )

    @property
    def state(self) -> str:
        """One word for people: sent, parked, cancelled, retrying or waiting."""
        for word in ("sent", "parked", "cancelled"):
            if getattr(self, f"{word}_at"):
                return word
        return "retrying" if self.attempts else "waiting"


class Email(Outgoing):
    """One letter to one recipient."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="emails")
    to = models.EmailField()
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    in_reply_to = models.CharField(
        max_length=255, blank=True, default="", help_text="The first message of the letter's thread to this recipient."
    )

    class Meta(Outgoing.Meta):
        verbose_name = "e-mail"

    def __str__(self) -> str:
        return f"{self.letter} to {self.to}"


class Channel(models.Model):
    """Where posts go: a program that takes signed webhooks, or a chat.

    Address and signing secret are kept sealed (`accounts/secrets.py`): whoever has a chat's address can write there.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Signed webhook"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        MATTERMOST = "mattermost", "Mattermost"

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    address = models.TextField(help_text="Sealed.")
    host = models.CharField(max_length=255, help_text="The part of the address that may be shown.")
    secret = models.TextField(blank=True, default="", help_text="Sealed; chats have none.")
    events = models.JSONField(default=list, help_text="Kinds of letters that are posted here, too.")
    team = models.ForeignKey("accounts.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("setting-channel", args=[self.pk])


class Post(Outgoing):
    """One event to one channel. `content` is what a signed webhook receives; a chat gets it in its own shape."""

    NOTED = ("answer",)

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="posts")
    kind = models.CharField(max_length=40)
    content = models.JSONField()
    written_at = models.DateTimeField()
    answer = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status of the last attempt.")

    class Meta(Outgoing.Meta):
        indexes = (*Outgoing.Meta.indexes, models.Index(fields=["channel", "-id"], name="post_list"))  # type: ignore[assignment]

    def __str__(self) -> str:
        title: str = self.content["data"]["title"]
        return title

    def get_absolute_url(self) -> str:
        return reverse("setting-channel-post", args=[self.pk])


class Stakeholder(models.Model):
    """Someone outside the teams who receives the week's two e-mails."""

    name = models.CharField(max_length=120, blank=True, default="")
    email = models.EmailField(unique=True)

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.name or self.email
