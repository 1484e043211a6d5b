"""What was ready when a deadline passed, so that "missed or not" cannot be argued."""

from django.db import models

from deployments.models import Deployment, Milestone


class Snapshot(models.Model):
    """One deployment at one deadline. Written once, by whatever looked first after the instant; never changed.

    No fact of a deployment is recorded between the instant and this row (every action settles first), so it shows the
    state at `due_at` even when it was taken later.
    """

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="snapshots")
    deployment = models.ForeignKey(Deployment, on_delete=models.PROTECT, related_name="snapshots")
    status = models.CharField(max_length=12, help_text="Of the deployment at the deadline.")
    missing = models.JSONField(default=list, help_text="Keys of the deliverables that were due and missing.")
    readiness = models.JSONField(default=dict, help_text="For every deliverable: done, of how many, by whom and when.")
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ("milestone", "deployment")
        constraints = (models.UniqueConstraint(fields=["milestone", "deployment"], name="one_snapshot_a_deadline"),)

    def __str__(self) -> str:
        return f"{self.deployment} at {self.milestone}"

    @property
    def ready(self) -> bool:
        return not self.missing
