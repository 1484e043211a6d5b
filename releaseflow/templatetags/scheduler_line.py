"""`{% scheduler_line now as late %}`: what everybody is told while nobody looks at deadlines."""

from __future__ import annotations

from datetime import datetime

from django import template

from releaseflow import scheduler

register = template.Library()


@register.simple_tag
def scheduler_line(now: datetime) -> str:
    return scheduler.sentence(now)
