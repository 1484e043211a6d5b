"""Everything that the clock decides by itself; safe to repeat, late rather than never."""

from __future__ import annotations

from datetime import datetime

from crq.coverage import warn_coverage
from crq.deadlines import Enforced, enforce
from crq.reminders import remind
from deployments.invitations import send_agendas
from deployments.silence import remind_silence


def tick(now: datetime) -> list[Enforced]:
    """Enforces what is due, sends agendas and reminders, warns of gaps and of silence; returns what was enforced."""
    enforced = enforce(now)
    warn_coverage(now)
    remind_silence(now)
    send_agendas(now)
    remind(now)
    return enforced
