"""Pull requests and the reviews of their code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from deployments.models.application import Repository, https_only
from workflow.addresses import address
from workflow.steps import Scope

sha = RegexValidator(r"^[0-9a-f]{7,64}$", "A commit is named by 7 to 64 of the characters 0-9 and a-f.")


class PullRequest(models.Model):
    """A change proposed for production. It is in at most one deployment at a time."""

    class Status(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        PLANNED = "planned", "Planned"
        SHIPPED = "shipped", "Shipped"
        WITHDRAWN = "withdrawn", "Withdrawn"

    LIVE = (Status.SUBMITTED, Status.PLANNED)

    class Forge(models.TextChoices):
        OPEN = "open", "Open"
        DRAFT = "draft", "Draft"
        MERGED = "merged", "Merged"
        CLOSED = "closed", "Closed"

    class Checks(models.TextChoices):
        UNKNOWN = "unknown", "Unknown"
        PENDING = "pending", "Running"
        PASSING = "passing", "Passing"
        FAILING = "failing", "Failing"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="pull_requests")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    url = models.URLField(validators=[https_only])
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="pull_requests"
    )
    author_login = models.CharField(max_length=100, blank=True, default="")
    head_sha = models.CharField(max_length=64, validators=[sha])
    forge_state = models.CharField(max_length=10, choices=Forge, default=Forge.OPEN)
    checks = models.CharField(max_length=10, choices=Checks, default=Checks.UNKNOWN)
    head_branch = models.CharField(max_length=200, blank=True, default="", help_text="Where its commits are pushed.")
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When the forge last changed it: nothing older replaces what is known."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.SUBMITTED)
    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, blank=True, on_delete=models.PROTECT, related_name="pull_requests"
    )
    submitted_at = models.DateTimeField()
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(fields=["repository", "number"], name="pull_request_once"),
            models.CheckConstraint(condition=Q(url__startswith="https://"), name="pull_request_url_is_https"),
            models.CheckConstraint(
                condition=Q(status__in=["planned", "shipped"], deployment__isnull=False)
                | Q(status__in=["submitted", "withdrawn"], deployment__isnull=True),
                name="pull_request_in_a_deployment_when_planned",
            ),
        )
        indexes = (models.Index(fields=["status", "submitted_at", "id"], name="pull_request_order"),)

    def __str__(self) -> str:
        return f"{self.repository.short_name} #{self.number}"

    def get_absolute_url(self) -> str:
        return address("pull-request", self.pk)

    def scope(self) -> Scope:
        week = self.deployment.week.thursday if self.deployment else None
        return Scope(self.repository.application.team_id, self.deployment_id, week)

    @property
    def author_name(self) -> str:
        return self.author.name if self.author else self.author_login or "unknown author"

    @property
    def said(self) -> Iterable[Review]:
        """Its reviews, from memory where they were read before; making a manager for each would cost a page dearly."""
        known = self.__dict__.get("_prefetched_objects_cache", {})
        return known["reviews"] if "reviews" in known else self.reviews.all()

    @property
    def standing(self) -> Standing:
        """How its review stands, from prefetched reviews (`reviews`) and its repository."""
        return Standing.of(self)


class Review(models.Model):
    """What one person said about one commit. Rows are added; what was said never changes.

    Whether it counts changes when the forge dismisses it, or when its writer becomes known here.
    """

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        COMMENTED = "commented", "Commented"
        WITHDRAWN = "withdrawn", "Verdict taken back"

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reviewer_login = models.CharField(max_length=100, blank=True, default="")
    verdict = models.CharField(max_length=20, choices=Verdict)
    sha = models.CharField(max_length=64, validators=[sha])
    note = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    counts = models.BooleanField(
        help_text="The reviewer belonged to the owning team and was not the author when this was recorded."
    )
    forge_id = models.CharField(
        max_length=40, blank=True, default="", help_text="The forge's own number, so that it is taken once."
    )

    class Meta:
        ordering = ("at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["pull_request", "forge_id"], condition=~Q(forge_id=""), name="forge_review_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.who} {self.get_verdict_display().lower()} {self.pull_request}"

    @property
    def who(self) -> str:
        return self.reviewer.name if self.reviewer else self.reviewer_login


@dataclass(frozen=True)
class Standing:
    """Whether a pull request is fully approved (product rule), and what is missing.

    Each reviewer's newest verdict on the current head counts; a comment does not change an earlier verdict, one that
    was taken back is none.
    """

    approvals: int
    required: int
    blockers: tuple[str, ...]
    stale: int

    @classmethod
    def of(cls, pull_request: PullRequest) -> Standing:
        newest: dict[str, Review] = {}
        stale = 0
        for review in pull_request.said:
            if review.verdict == Review.Verdict.COMMENTED or not review.counts:
                continue
            if review.sha != pull_request.head_sha:
                stale += review.verdict == Review.Verdict.APPROVED
                continue
            newest[f"{review.reviewer_id}/{review.reviewer_login}"] = review
        verdicts = [review.verdict for review in newest.values()]
        blockers = tuple(
            f"{review.who} asked for changes"
            for review in newest.values()
            if review.verdict == Review.Verdict.CHANGES_REQUESTED
        )
        if pull_request.checks == PullRequest.Checks.FAILING:
            blockers += ("checks are failing",)
        required = pull_request.repository.required_approvals
        return cls(verdicts.count(Review.Verdict.APPROVED), required, blockers, stale)

    @property
    def full(self) -> bool:
        return self.approvals >= self.required and not self.blockers

    @property
    def sentence(self) -> str:
        """How it stands, in words that follow "#482": "needs one more approval"."""
        if self.blockers:
            return "is blocked: " + ", ".join(self.blockers)
        missing = self.required - self.approvals
        if missing <= 0:
            return "is fully approved"
        count = "one more approval" if missing == 1 else f"{missing} more approvals"
        return f"needs {count}" + (" on the new commit" if self.stale else "")
