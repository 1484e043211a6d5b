"""A new deployment that somebody has begun and not finished: their own note of how far they are, not a fact."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from deployments.models.application import Application
from deployments.models.deployment import Deployment
from deployments.models.week import ReleaseWeek


class Draft(models.Model):
    """Step 1 until step 2 plans the deployment, and from then on the step to go on with; gone with the last step.

    `key` comes from the form, so that pressing its button twice begins one draft. Nobody but `by` sees it.
    """

    class Step(models.IntegerChoices):
        WHAT = 1, "What and when"
        PULL_REQUESTS = 2, "Pull requests"
        CRQ = 3, "CRQ"
        DOCUMENTS = 4, "Documents"

    key = models.UUIDField(unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    begun_at = models.DateTimeField()
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    week = models.ForeignKey(ReleaseWeek, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=200)
    wished = models.JSONField(default=list, blank=True, help_text="Keys of pull requests to tick in step 2.")
    step = models.PositiveSmallIntegerField(choices=Step, default=Step.PULL_REQUESTS, help_text="Where to go on.")
    deployment = models.OneToOneField(Deployment, null=True, blank=True, on_delete=models.CASCADE, related_name="draft")

    class Meta:
        ordering = ("begun_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(step__lte=2) | Q(deployment__isnull=False), name="draft_beyond_step_2_is_planned"
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The page of the step to go on with."""
        return self.url(self.step)

    def url(self, step: int) -> str:
        names = (
            "new-deployment-what",
            "new-deployment-pull-requests",
            "new-deployment-crq",
            "new-deployment-documents",
        )
        return reverse(names[step - 1], args=[self.pk])
