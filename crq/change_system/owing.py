"""What another change system has to be told: noted in the transaction that caused it, told later (`telling.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import F, Q

from crq.models import CRQ, ChangeThere
from workflow.steps import Call, scope_of


def owe(calls: Sequence[Call]) -> None:
    """The CRQs that these acts concern are told anew: two statements, and none where CRQs are carried over by hand.

    A CRQ is told from the first act on that follows after this was set up; one that is closed stays as it was told.
    """
    if not settings.CHANGE_SYSTEM:
        return
    scopes = [scope for call in calls for scope in (scope_of(call.obj), call.came_from) if scope]
    deployments = {scope.deployment_id for scope in scopes if scope.deployment_id}
    weeks = {scope.week for scope in scopes if scope.week and not scope.deployment_id}
    where = Q(deployment__in=deployments) | Q(deployment__week__thursday__in=weeks)
    _owe(where, calls[0].now)


def recount(calls: Sequence[Call]) -> None:
    """Another number is noted here, or none: whether theirs differs is counted anew."""
    for call in calls if settings.CHANGE_SYSTEM else ():
        if row := ChangeThere.objects.filter(crq=call.obj.crq_id).first():
            noted = "" if call.obj.pk is None else call.obj.number
            ChangeThere.objects.filter(pk=row.pk).update(differing=row.count(noted))


def _owe(where: Q, now: datetime) -> None:
    concerned = CRQ.objects.filter(where).exclude(status=CRQ.Status.CLOSED).order_by()
    again = ChangeThere.objects.filter(crq__in=concerned.values("pk"))
    again.update(revision=F("revision") + 1, not_before=now, attempts=0, parked_at=None)
    new = concerned.filter(change_there=None).values_list("pk", flat=True)
    ChangeThere.objects.bulk_create([ChangeThere(crq_id=pk, not_before=now) for pk in new], ignore_conflicts=True)
