"""The agenda of the weekly review, sent the day before."""

from __future__ import annotations

from datetime import datetime

from deployments.flow import CODE_REVIEW
from deployments.guards import DAY_BEFORE, not_announced
from deployments.models import CodeReview
from workflow.machine import perform
from workflow.steps import Refused


def send_agendas(now: datetime) -> int:
    """For every weekly review that is a day ahead or less; returns how many went out. Safe to repeat."""
    near = CodeReview.objects.filter(
        kind=CodeReview.Kind.WEEKLY, status=CodeReview.Status.SCHEDULED, at__range=(now, now + DAY_BEFORE)
    )
    return sum(_send(each) for each in near.order_by("at", "pk") if not not_announced(each, None, now))


def _send(review: CodeReview) -> bool:
    """False where somebody was faster: the guard looks again under the lock."""
    try:
        perform(CODE_REVIEW, "announce", review, by=None)
    except Refused:
        return False
    return True
