"""Whether anybody looks at deadlines, in a sentence for the top of every page."""

from __future__ import annotations

from datetime import UTC, datetime

from accounts.prepared import Prepared
from releaseflow.condition import TICK_WITHIN
from releaseflow.models import Heartbeat
from workflow.eastern import say_span

CONSEQUENCE = "Deadlines count all the same, but holds, reminders and e-mails come late. Tell whoever runs this site."
_NEWEST = Prepared(lambda: Heartbeat.objects.filter(task="enforce_deadlines").values_list("at", flat=True))
_seen: datetime | None = None
"""The newest mark of beat that this process has read. It stays true, so it is read again only when it is old."""


def sentence(now: datetime) -> str:
    """What to tell everybody, or nothing while all is well. Costs one statement in three minutes until it is not."""
    global _seen
    now = now.astimezone(UTC)  # a page may hand over a lazy one
    if _is_recent(now):
        return ""
    _seen = next(iter(_NEWEST()), None)
    if _seen is None:
        return f"The scheduler has not run yet. {CONSEQUENCE}"
    return "" if _is_recent(now) else f"The scheduler is {say_span(now - _seen)} behind. {CONSEQUENCE}"


def _is_recent(now: datetime) -> bool:
    return _seen is not None and abs(now - _seen) <= TICK_WITHIN
