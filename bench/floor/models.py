from django.db import models


class Item(models.Model):
    """As many columns as a list shows."""

    number = models.CharField(max_length=15, unique=True)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10)
    due = models.DateField()
    week = models.IntegerField(db_index=True)

    class Meta:
        app_label = "floor"
