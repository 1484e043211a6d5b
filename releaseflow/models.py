"""What the running installation remembers about itself."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team


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
