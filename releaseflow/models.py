"""What the running installation remembers about itself."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class Heartbeat(models.Model):
    """When each of beat's tasks last came to its end; a task that fails leaves no new mark."""

    task = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task} at {self.at:%Y-%m-%d %H:%M:%S} UTC"

    @classmethod
    def mark(cls, task: str, now: datetime) -> None:
        cls.objects.update_or_create(task=task, defaults={"at": now})
