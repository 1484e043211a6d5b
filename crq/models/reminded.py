"""That people were reminded of a deadline: what makes it happen once."""

from django.db import models
from django.db.models import F, Q

from deployments.models import Milestone


class Reminded(models.Model):
    """Everybody who still owed something was reminded `hours` before the deadline as it then was.

    A deadline that moves is reminded of again.
    """

    milestone = models.ForeignKey(Milestone, on_delete=models.CASCADE, related_name="reminded")
    due_at = models.DateTimeField()
    hours = models.PositiveSmallIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "reminded"
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(fields=["milestone", "due_at", "hours"], name="reminded_once"),
            models.CheckConstraint(condition=Q(at__lte=F("due_at")), name="reminded_before_it_is_due"),
        )

    def __str__(self) -> str:
        return f"{self.milestone}, {self.hours} h before"
