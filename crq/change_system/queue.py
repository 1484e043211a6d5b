"""The queue of what another change system is to be told: one row for each CRQ, so that no two processes tell the same.

A row is leased in a short transaction and confirmed in another one; what lies between is outside any.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When

from crq.change_system.line import Trouble
from crq.models import CRQ, ChangeThere
from notifications.delivery import MAX_ATTEMPTS, MOST_PAUSED, PAUSE, pause, skipping_locked
from notifications.faults import Fault

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=30)
"""Longer than one CRQ takes: ten calls, each within `line.SLOWEST` and its timeouts, and three large files."""


@dataclass
class Tally:
    """What one pass did, in CRQs. `fault` says why it ended early, when the other system was the reason."""

    told: int = 0
    read: int = 0
    retried: int = 0
    parked: int = 0
    fault: str = ""


def lease(now: datetime) -> ChangeThere | None:
    """Claims one for this process. The attempt is counted here, so that one which ends with the process counts too."""
    with transaction.atomic():
        row: ChangeThere | None = skipping_locked(_due(now)).first()
        if row is None:
            return None
        row.attempts, row.leased_until = row.attempts + 1, now + LEASE
        row.save(update_fields=["attempts", "leased_until"])
    row.crq = CRQ.objects.get(pk=row.crq_id)
    return row


def _due(now: datetime) -> QuerySet[ChangeThere]:
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return ChangeThere.objects.filter(free, parked_at=None, not_before__lte=now).order_by("not_before", "pk")


def still_ours(row: ChangeThere) -> QuerySet[ChangeThere]:
    """Unless the lease ended and it is another process's."""
    return ChangeThere.objects.filter(pk=row.pk, leased_until=row.leased_until)


def confirm(row: ChangeThere, again: datetime | None) -> None:
    """What was told is what there was when the lease began: if more is owed since, that is due as it was noted."""
    still_ours(row).update(
        told=row.revision,
        not_before=Case(When(revision=row.revision, then=Value(again)), default=F("not_before")),
        leased_until=None,
        attempts=0,
        last_error="",
        ours=row.ours,
        theirs=row.theirs,
        differing=row.differing,
        state=row.state,
        read_at=row.read_at,
    )


def troubled(row: ChangeThere, trouble: Trouble, now: datetime, tally: Tally) -> None:
    why = str(trouble)[:500]
    if trouble.fault in {Fault.SERVER, Fault.LOST}:
        tally.fault = why
        logger.error("The change system does not take changes; all wait and are tried again. %s", why)
    if trouble.fault == Fault.SERVER:
        still_ours(row).update(attempts=F("attempts") - 1, leased_until=None)
    elif trouble.fault == Fault.FINAL or row.attempts >= MAX_ATTEMPTS:
        logger.warning("The change of %s given up, attempt %s: %s", row.crq, row.attempts, why)
        tally.parked += still_ours(row).filter(revision=row.revision).update(parked_at=now, last_error=why)
        still_ours(row).update(leased_until=None)
    else:
        logger.warning("The change of %s not told, attempt %s: %s", row.crq, row.attempts, why)
        coming = now + pause(row.attempts)
        tally.retried += still_ours(row).update(not_before=coming, last_error=why, leased_until=None)
    if tally.fault:
        _pause_all(now, max(trouble.wait, PAUSE), why)


def _pause_all(now: datetime, wait: timedelta, why: str) -> None:
    """All that is due waits, so that the next passes do not find the same out one by one."""
    with transaction.atomic():
        due = list(skipping_locked(_due(now)).values_list("pk", flat=True)[:MOST_PAUSED])
        ChangeThere.objects.filter(pk__in=due).update(not_before=now + wait, last_error=why)
