"""Code reviews: the weekly meeting and the ones teams hold on their own."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team
from deployments.models.pull_request import PullRequest
from deployments.models.week import ReleaseWeek
from workflow.addresses import address
from workflow.steps import Scope


class CodeReview(models.Model):
    class Kind(models.TextChoices):
        WEEKLY = "weekly", "Weekly"
        AD_HOC = "ad_hoc", "Ad hoc"

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        HELD = "held", "Held"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.WEEKLY)
    week = models.ForeignKey(ReleaseWeek, on_delete=models.PROTECT, related_name="code_reviews")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.SCHEDULED)
    note = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["week"], condition=Q(kind="weekly"), name="one_weekly_review_a_week"),
            models.CheckConstraint(
                condition=Q(kind="weekly", team__isnull=True) | Q(kind="ad_hoc", team__isnull=False),
                name="ad_hoc_review_has_a_team",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} code review for the {self.week}"

    def get_absolute_url(self) -> str:
        return address("review", self.pk)

    def scope(self) -> Scope:
        return Scope(team_id=self.team_id, week=self.week.thursday)


class ReviewDecision(models.Model):
    """What was decided for one pull request in one review; deciding again replaces it."""

    class Outcome(models.TextChoices):
        PLANNED = "planned", "Planned"
        NOT_THIS_WEEK = "not_this_week", "Not this week"
        NEEDS_WORK = "needs_work", "Needs work"

    code_review = models.ForeignKey(CodeReview, on_delete=models.CASCADE, related_name="decisions")
    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="decisions")
    outcome = models.CharField(max_length=20, choices=Outcome)
    note = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at",)
        constraints = (
            models.UniqueConstraint(fields=["code_review", "pull_request"], name="one_decision_for_a_pull_request"),
        )

    def __str__(self) -> str:
        return f"{self.pull_request}: {self.get_outcome_display()}"
