"""What another change system has of a CRQ, as people noted it. It never changes anything that is ours."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from crq.models.crq import CRQ, Document
from workflow.steps import Scope

NUMBER_THERE = r"[A-Z0-9][A-Z0-9._-]{2,38}[A-Z0-9]"
number_there_format = RegexValidator(
    rf"^{NUMBER_THERE}$",
    "A number of another change system is 4 to 40 letters, digits, dots or dashes, such as CHG0031234.",
)


class NumberThere(models.Model):
    """The number that a CRQ has in another change system, whatever its form is there; in capitals."""

    crq = models.OneToOneField(CRQ, on_delete=models.PROTECT, related_name="number_there")
    number = models.CharField(max_length=40, unique=True, validators=[number_there_format])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "number in another change system"
        ordering = ("pk",)
        constraints = (
            models.CheckConstraint(condition=Q(number__regex=rf"^{NUMBER_THERE}$"), name="number_there_format"),
        )

    def __str__(self) -> str:
        return self.number

    def scope(self) -> Scope:
        return self.crq.scope()


class AttachedThere(models.Model):
    """Somebody attached this version of a document to the change in the other system, too."""

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="attached_there")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = "file in another change system"
        verbose_name_plural = "files in another change system"
        ordering = ("pk",)

    def __str__(self) -> str:
        return str(self.document)

    def scope(self) -> Scope:
        return self.document.crq.scope()
