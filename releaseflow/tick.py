"""Everything that the clock decides by itself; safe to repeat, late rather than never."""

from __future__ import annotations

from datetime import datetime

from crq.coverage import warn_coverage
from crq.deadlines import Enforced, enforce
from deployments.silence import remind_silence


def tick(now: datetime) -> list[Enforced]:
    """Enforces what is due, warns where nobody could approve, reminds of silence; returns what was enforced."""
    enforced = enforce(now)
    warn_coverage(now)
    remind_silence(now)
    return enforced
