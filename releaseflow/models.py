"""What the running installation remembers about itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team, Token


class Heartbeat(models.Model):
    """When each of beat's tasks last came to its end; a task that fails leaves no new mark."""

    task = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task} at {self.at:%Y-%m-%d %H:%M:%S} UTC"

    @classmethod
    def mark(cls, task: str, now: datetime) -> None:
        cls.objects.update_or_create(task=task, defaults={"at": now})


class Feed(models.Model):
    """An address from which a calendar application reads dates without signing in. Only the key's digest is kept."""

    class Kind(models.TextChoices):
        MINE = "mine", "What concerns me"
        TEAM = "team", "A team"
        WEEK = "week", "The release weeks"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="feeds")
    kind = models.CharField(max_length=10, choices=Kind)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("pk",)
        verbose_name = "calendar address"
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="team", team__isnull=False) | (~Q(kind="team") & Q(team__isnull=True)),
                name="feed_of_a_team_has_a_team",
            ),
        )

    def __str__(self) -> str:
        return f"{self.team}" if self.team_id else self.get_kind_display()


class Answered(models.Model):
    """How the API answered a request that had an `Idempotency-Key`, so that the same request is done once.

    Written in the transaction of what the request did: both are there or neither.
    """

    KEPT = timedelta(hours=24)

    token = models.ForeignKey(Token, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, help_text="Of the request: SHA-256 of its address and content.")
    at = models.DateTimeField(db_index=True)
    code = models.PositiveSmallIntegerField(default=0, help_text="The HTTP status of the answer.")
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, default="")

    class Meta:
        verbose_name_plural = "answered"
        constraints = (models.UniqueConstraint(fields=["token", "key"], name="answered_once"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.code}"

    @classmethod
    def forget(cls, now: datetime) -> None:
        """Deletes what is too old to be asked for again."""
        cls.objects.filter(at__lte=now - cls.KEPT).delete()
