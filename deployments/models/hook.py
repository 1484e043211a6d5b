"""What forges send: the connections they send through, each delivery, and what their checks say of commits."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from deployments.models.application import Repository, https_only


class Connection(models.Model):
    """A forge, or a part of one, that tells what happens there. Its secrets are kept sealed (`accounts/secrets.py`)."""

    name = models.CharField(max_length=80, unique=True)
    forge = models.CharField(max_length=20, choices=Repository.Forge)
    speaks_for = models.URLField(
        validators=[https_only], help_text="It is heard about repositories whose address begins so."
    )
    key = models.CharField(max_length=32, unique=True, help_text="Names it in the address that it sends to.")
    secret = models.TextField(help_text="Sealed; signs each delivery.")
    former_secret = models.TextField(blank=True, default="", help_text="Sealed; accepted until it expires.")
    former_until = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    token = models.TextField(blank=True, default="", help_text="Sealed; shown to its API. Empty: it is not asked.")
    api_url = models.CharField(max_length=200, blank=True, default="", help_text="Where its API is, if not as usual.")

    class Meta:
        ordering = ("name",)
        verbose_name = "forge connection"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("setting-forge", args=[self.pk])

    def speaks_of(self, repository_url: str) -> bool:
        """Whether a repository is one of those it was made for: its secret and its token open no others."""
        return f"{repository_url}/".lower().startswith(f"{self.speaks_for.rstrip('/')}/".lower())

    @property
    def hook_path(self) -> str:
        return reverse("hook", args=[self.key])


class Delivery(models.Model):
    """One message of a forge and what became of it. The body goes after some weeks, the line stays."""

    class Outcome(models.TextChoices):
        TAKEN = "taken", "Taken"
        UNCHANGED = "unchanged", "Nothing new"
        SKIPPED = "skipped", "Not needed"
        MALFORMED = "malformed", "Not understood"
        FAILED = "failed", "Failed"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="deliveries")
    forge_id = models.CharField(max_length=100, help_text="The forge's own number, or the digest of the body.")
    event = models.CharField(max_length=80)
    received_at = models.DateTimeField()
    body = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=10, choices=Outcome)
    subject = models.CharField(max_length=300, blank=True, default="")
    why = models.TextField(blank=True, default="")
    replayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "deliveries"
        constraints = (models.UniqueConstraint(fields=["connection", "forge_id"], name="delivery_once"),)
        indexes = (
            models.Index(fields=["connection", "-received_at", "-id"], name="delivery_list"),
            models.Index(fields=["received_at"], condition=~models.Q(body=""), name="delivery_with_body"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.forge_id}"

    def get_absolute_url(self) -> str:
        return reverse("setting-forge-delivery", args=[self.pk])


class Check(models.Model):
    """What one check of a forge says about one commit, which may be told before the commit itself."""

    class State(models.TextChoices):
        PENDING = "pending", "Running"
        PASSING = "passing", "Passing"
        FAILING = "failing", "Failing"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="checks")
    sha = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State)
    at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["repository", "sha", "name"], name="check_once"),)

    def __str__(self) -> str:
        return f"{self.name}: {self.get_state_display()}"
