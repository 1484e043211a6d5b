"""Which e-mails a person may do without. Whatever somebody has to act upon is no topic: it always comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import TextChoices

if TYPE_CHECKING:
    from accounts.models import User


class Topic(TextChoices):
    AGENDA = "agenda", "The agenda of the weekly code review, the day before"
    DAY_BEFORE = "day_before", "What I still owe, 24 hours before a deadline"
    MOVES = "moves", "A deployment of my team is moved to another week or withdrawn"
    WINDOW = "window", "Installs are open for a deployment of my team"
    FOLLOWED = "followed", "Changes to deployments that I follow"


def wanted(people: Iterable[User], topic: Topic) -> list[User]:
    """Those who have not muted the topic: the one place that reads what people chose. One statement."""
    from accounts.models import Muted

    asked = list(people)
    if not asked:
        return []
    deaf = set(Muted.objects.filter(topic=topic, user__in=asked).values_list("user", flat=True))
    return [person for person in asked if person.pk not in deaf]
