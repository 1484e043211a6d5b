"""The release week, its deadlines as instants, and the rules and closed days they come from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.prepared import Prepared, Slot
from deployments.policy import Deadline
from workflow.addresses import address
from workflow.eastern import say_day
from workflow.steps import Scope


class Keyed(Protocol):
    """A deployment, or what is shown of it."""

    @property
    def pk(self) -> int: ...


Row = TypeVar("Row", bound=Keyed)


class SchedulePolicy(models.Model):
    """The one record of the schedule's rules. Weeks keep the instants they were opened with."""

    rules = models.JSONField(help_text="For each milestone: weeks before, weekday (0 = Monday) and Eastern wall time.")
    missed_cutoff_holds = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "schedule policy"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="one_schedule_policy"),)

    def __str__(self) -> str:
        return "Schedule policy"

    def scope(self) -> Scope:
        return Scope()


class ClosedDay(models.Model):
    """A day of the organisation's calendar on which nothing is due and nothing is installed."""

    class Kind(models.TextChoices):
        HOLIDAY = "holiday", "Holiday"
        FREEZE = "freeze", "Deploy freeze"

    day = models.DateField(unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.HOLIDAY)

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"{self.day}: {self.name}"

    def scope(self) -> Scope:
        return Scope()


class ReleaseWeek(models.Model):
    """A week of deployments, named by its nominal Thursday.

    A skipped week has no install day, and of its milestones only those that were over when it was skipped.
    """

    thursday = models.DateField(unique=True)
    install_day = models.DateField(null=True, blank=True)
    skip_reason = models.CharField(max_length=200, blank=True, default="")
    frozen = models.BooleanField(default=False, help_text="Skipped by hand, whatever the calendar says.")
    substitute = models.DateField(null=True, blank=True, help_text="The install day chosen instead of the schedule's.")
    legal_hold = models.BooleanField(default=False, db_default=False, help_text="Nothing of it is deleted.")
    warned_at = models.DateTimeField(null=True, blank=True, help_text="When people were told that the week is skipped.")
    run_order = models.JSONField(default=list, blank=True, help_text="Keys of deployments in the order DevOps set.")
    batch_completed_at = models.DateTimeField(null=True, blank=True)
    batch_completed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("thursday",)
        constraints = (
            models.CheckConstraint(
                condition=Q(install_day__isnull=True, skip_reason__gt="")
                | Q(install_day__isnull=False, skip_reason=""),
                name="week_installs_or_says_why_not",
            ),
            models.CheckConstraint(
                condition=Q(batch_completed_at__isnull=True, batch_completed_by__isnull=True)
                | Q(batch_completed_at__isnull=False, batch_completed_by__isnull=False),
                name="week_batch_has_time_and_person",
            ),
            models.CheckConstraint(
                condition=Q(frozen=False) | Q(install_day__isnull=True), name="frozen_week_is_skipped"
            ),
            models.CheckConstraint(
                condition=Q(substitute__isnull=True) | Q(install_day__isnull=False, substitute=models.F("install_day")),
                name="substitute_is_install_day",
            ),
        )

    def __str__(self) -> str:
        return f"week of {say_day(self.thursday)}"

    def get_absolute_url(self) -> str:
        return address("week", self.thursday)

    def scope(self) -> Scope:
        return Scope(week=self.thursday)

    @property
    def skipped(self) -> bool:
        return self.install_day is None

    def in_run_order(self, deployments: Iterable[Row]) -> list[Row]:
        """Those that DevOps put in order first, then the others as they were planned."""
        place = {pk: number for number, pk in enumerate(self.run_order)}
        return sorted(deployments, key=lambda each: (place.get(each.pk, len(place)), each.pk))

    def due(self, key: str) -> datetime | None:
        """The instant of a milestone (aware UTC), or None in a skipped week; from prefetched rows where there are."""
        known: dict[str, datetime] | None = self.__dict__.get("_due")
        if known is None:
            known = self.__dict__["_due"] = dict(self._deadlines())
        return known.get(key)

    def _deadlines(self) -> Iterable[tuple[str, datetime]]:
        if "milestones" in getattr(self, "_prefetched_objects_cache", ()):
            return ((row.key, row.due_at) for row in self.milestones.all())
        return _DEADLINES(week=self.pk)

    def passed(self, key: str, now: datetime) -> bool:
        """Whether the deadline is over: on time means at the instant or before."""
        due = self.due(key)
        return due is not None and now > due


class Milestone(models.Model):
    """One deadline of one week. `enforced_at` is set by whoever claims it, exactly once."""

    week = models.ForeignKey(ReleaseWeek, on_delete=models.CASCADE, related_name="milestones")
    key = models.CharField(max_length=20, choices=[(key.value, key.label) for key in Deadline])
    due_at = models.DateTimeField()
    enforced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("due_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=["week", "key"], name="milestone_once_a_week"),
            models.CheckConstraint(
                condition=Q(enforced_at__isnull=True) | Q(enforced_at__gt=models.F("due_at")),
                name="milestone_enforced_after_due",
            ),
        )
        indexes = (models.Index(fields=["due_at"], condition=Q(enforced_at=None), name="milestone_waiting"),)

    def __str__(self) -> str:
        return f"{self.get_key_display()} of {self.week}"


_DEADLINES = Prepared(lambda: Milestone.objects.filter(week=Slot("week")).order_by().values_list("key", "due_at"))
