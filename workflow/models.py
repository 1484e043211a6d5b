"""The audit trail, and the movable clock of a demonstration."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models


class Event(models.Model):
    """One thing that happened, written in the transaction that made it happen. Rows are only ever added.

    `object_type`/`object_id` name what was acted on; `deployment_id` and `week` gather the events of one deployment and
    week. They are plain values, not foreign keys, so that the trail outlives and never blocks what it speaks of.
    `audit.record` makes each event the next link of its chain; the database refuses to change or delete one.
    """

    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="events"
    )
    for_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    action = models.CharField(max_length=40)
    object_type = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    subject = models.CharField(max_length=300, help_text="The object's name at the time.")
    deployment_id = models.BigIntegerField(null=True, blank=True)
    week = models.DateField(null=True, blank=True, help_text="The nominal Thursday of the release week concerned.")
    before = models.CharField(max_length=20, blank=True, default="")
    after = models.CharField(max_length=20, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    data = models.JSONField(default=dict, blank=True)
    shard = models.CharField(max_length=60, help_text="The chain that this event is a link of.")
    sequence = models.PositiveIntegerField(help_text="Its place in the chain, from 1.")
    previous = models.CharField(max_length=64, help_text="The hash of the event before it in the chain.")
    hash = models.CharField(max_length=64, help_text="SHA-256 of all facts above, see `chain.py`.")

    class Meta:
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(fields=["shard", "sequence"], name="one_event_at_each_place_of_a_chain"),
            models.CheckConstraint(condition=models.Q(sequence__gt=0), name="chains_begin_at_one"),
            models.UniqueConstraint(fields=["week"], condition=models.Q(action="seal"), name="one_seal_a_week"),
        )
        indexes = (
            models.Index(fields=["object_type", "object_id"], name="event_object"),
            models.Index(fields=["deployment_id", "at"], name="event_deployment"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject}"

    @property
    def actor_name(self) -> str:
        """Who did it: a name, "A for B" for a deputy, or the system itself."""
        if self.actor is None:
            return "releaseflow"
        return f"{self.actor.name} for {self.for_user.name}" if self.for_user else self.actor.name


class DemoClock(models.Model):
    """How far the clock of a demonstration runs ahead of real time (one row; unused outside DEMO=1)."""

    ahead = models.DurationField(default=timedelta(0))

    def __str__(self) -> str:
        return f"{self.ahead} ahead"

    @classmethod
    def shift(cls) -> timedelta:
        row = cls.objects.first()
        return row.ahead if row else timedelta(0)
