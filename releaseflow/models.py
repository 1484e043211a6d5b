"""What the running installation remembers about itself."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import Token


class Heartbeat(models.Model):
    """When each of beat's tasks last came to its end; a task that fails leaves no new mark."""

    task = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task} at {self.at:%Y-%m-%d %H:%M:%S} UTC"

    @classmethod
    def mark(cls, task: str, now: datetime) -> None:
        cls.objects.update_or_create(task=task, defaults={"at": now})


class Answered(models.Model):
    """How the API answered a request that had an `Idempotency-Key`, so that the same request is done once.

    Written in the transaction of what the request did: both are there or neither.
    """

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
