"""The installation of one application in one release week."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from deployments.models.application import Application, Repository
from deployments.models.week import ReleaseWeek
from workflow.addresses import address
from workflow.eastern import say_day
from workflow.steps import Scope


def _person(related_name: str = "+") -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name=related_name
    )


def _together(at: str, by: str) -> Q:
    """A fact's time and person are both known or both not."""
    return Q(**{f"{at}__isnull": True, f"{by}__isnull": True}) | Q(**{f"{at}__isnull": False, f"{by}__isnull": False})


class Deployment(models.Model):
    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        CLEARED = "cleared", "Cleared"
        HELD = "held", "Held"
        INSTALLING = "installing", "Installing"
        INSTALLED = "installed", "Installed"
        VERIFIED = "verified", "Verified"
        FAILED = "failed", "Failed"
        BACKED_OUT = "backed_out", "Backed out"
        WITHDRAWN = "withdrawn", "Withdrawn"

    class CoreDev(models.TextChoices):
        NONE = "", "Not deployed"
        SUCCESS = "success", "Success"
        FAILED = "failed", "Failed"

    SCOPE_CAN_CHANGE = (Status.PLANNED, Status.CLEARED)
    BEFORE_INSTALL = (*SCOPE_CAN_CHANGE, Status.HELD)
    NO_LONGER_LIVE = (Status.BACKED_OUT, Status.WITHDRAWN)
    IN_THE_RUN = (
        Status.CLEARED,
        Status.INSTALLING,
        Status.INSTALLED,
        Status.VERIFIED,
        Status.FAILED,
        Status.BACKED_OUT,
    )
    IMPOSED_FIELDS = ("status", "held_reason", "held_at")

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="deployments")
    week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="deployments")
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=12, choices=Status, default=Status.PLANNED)
    planned_at = models.DateTimeField()
    planned_by = _person()
    held_at = models.DateTimeField(null=True, blank=True)
    held_reason = models.CharField(max_length=500, blank=True, default="")
    core_dev_result = models.CharField(max_length=10, choices=CoreDev, blank=True, default=CoreDev.NONE)
    core_dev_build = models.CharField(max_length=120, blank=True, default="")
    core_dev_at = models.DateTimeField(null=True, blank=True)
    core_dev_by = _person()
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = _person()
    installed_at = models.DateTimeField(null=True, blank=True)
    installed_by = _person()
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_by = _person()
    verified_for = _person()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["application", "week"],
                condition=~Q(status__in=["backed_out", "withdrawn"]),
                name="one_live_deployment_a_week",
            ),
            models.CheckConstraint(condition=_together("core_dev_at", "core_dev_by"), name="core_dev_time_and_person"),
            models.CheckConstraint(condition=_together("started_at", "started_by"), name="start_time_and_person"),
            models.CheckConstraint(condition=_together("installed_at", "installed_by"), name="install_time_and_person"),
            models.CheckConstraint(condition=_together("verified_at", "verified_by"), name="verify_time_and_person"),
            models.CheckConstraint(
                condition=~Q(verified_by=F("started_by"))
                & ~Q(verified_by=F("installed_by"))
                & ~Q(verified_for=F("started_by"))
                & ~Q(verified_for=F("installed_by")),
                name="installer_does_not_verify",
            ),
            models.CheckConstraint(
                condition=Q(verified_for__isnull=True)
                | (Q(verified_by__isnull=False) & ~Q(verified_by=F("verified_for"))),
                name="verified_for_someone_else",
            ),
            models.CheckConstraint(
                condition=~Q(core_dev_result="success") | Q(core_dev_build__gt=""),
                name="core_dev_success_names_a_build",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["installed", "verified"]) | Q(installed_at__isnull=False),
                name="installed_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(status="verified") | Q(verified_at__isnull=False), name="verified_says_when"
            ),
            models.CheckConstraint(condition=~Q(status="held") | Q(held_reason__gt=""), name="held_says_why"),
        )

    def __str__(self) -> str:
        return f"{self.title} ({self.application})"

    def get_absolute_url(self) -> str:
        return address("deployment", self.pk)

    def scope(self) -> Scope:
        return Scope(self.application.team_id, self.pk, self.week.thursday)


class ReleaseBranch(models.Model):
    """The release branch made for a deployment in one repository."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="branches")
    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "release branches"
        ordering = ("repository__name",)
        constraints = (models.UniqueConstraint(fields=["deployment", "repository"], name="one_branch_a_repository"),)

    def __str__(self) -> str:
        return self.name


class Contained(models.Model):
    """A pull request that a deployment contained when it ended without being installed for good.

    The pull request itself is in the queue again, and goes on: `head_sha` is its head commit as it was then.
    """

    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="contained")
    pull_request = models.ForeignKey("deployments.PullRequest", on_delete=models.PROTECT, related_name="was_in")
    head_sha = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ("pull_request",)
        constraints = (models.UniqueConstraint(fields=["deployment", "pull_request"], name="contained_once"),)

    def __str__(self) -> str:
        return f"{self.pull_request} in {self.deployment}"


class Deferral(models.Model):
    """A deployment left one week for another. The old week still shows it from here."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="deferrals")
    from_week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="left")
    to_week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="arrived")
    why = models.TextField()
    by = _person()
    at = models.DateTimeField()

    class Meta:
        ordering = ("at", "pk")
        constraints = (models.CheckConstraint(condition=~Q(from_week=F("to_week")), name="deferral_changes_the_week"),)

    def __str__(self) -> str:
        return f"{self.deployment}: {say_day(self.from_week.thursday)} to {say_day(self.to_week.thursday)}"
