"""What is installed, and the repositories it is built from."""

from django.core.validators import MinValueValidator, URLValidator
from django.db import models
from django.db.models import Q

from accounts.models import Team

https_only = URLValidator(schemes=["https"], message="Give the full address, beginning with https://.")


class Application(models.Model):
    name = models.CharField(max_length=80, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="applications")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Repository(models.Model):
    class Forge(models.TextChoices):
        GITHUB = "github", "GitHub"
        GITLAB = "gitlab", "GitLab"
        GITEA = "gitea", "Gitea"
        BITBUCKET = "bitbucket", "Bitbucket"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="repositories")
    name = models.CharField(max_length=120, help_text="Owner and name at the forge, such as acme/identity-admin.")
    forge = models.CharField(max_length=20, choices=Forge, default=Forge.GITHUB)
    url = models.URLField(unique=True, validators=[https_only])
    required_approvals = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(condition=Q(required_approvals__gte=1), name="repository_needs_an_approval"),
            models.CheckConstraint(condition=Q(url__startswith="https://"), name="repository_url_is_https"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def short_name(self) -> str:
        return self.name.rsplit("/", 1)[-1]
