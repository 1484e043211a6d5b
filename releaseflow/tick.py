"""Everything that the clock decides by itself; safe to repeat, late rather than never."""

from __future__ import annotations

from datetime import datetime

from crq.coverage import warn_coverage
from crq.deadlines import Enforced, enforce
from deployments.silence import remind_silence
from workflow.sealing import seal_weekly


def tick(now: datetime) -> list[Enforced]:
    """Enforces what is due, warns where nobody could approve, reminds of silence, seals the audit trail once a week.

    Returns what was enforced.
    """
    enforced = enforce(now)
    warn_coverage(now)
    remind_silence(now)
    seal_weekly(now)
    return enforced
