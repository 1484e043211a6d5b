"""Who wants to hear of a deployment without having a part in it."""

from django.conf import settings
from django.db import models

from deployments.models import Deployment
from workflow.steps import Scope


class Follower(models.Model):
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="followers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["deployment", "user"], name="follows_once"),)

    def __str__(self) -> str:
        return f"{self.user} follows {self.deployment}"

    def scope(self) -> Scope:
        """Of no team: everybody may follow. It is no part of the deployment's story either."""
        return Scope()
