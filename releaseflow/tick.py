"""Everything that the clock decides by itself; safe to repeat, late rather than never."""

from __future__ import annotations

from datetime import datetime

from crq.announcing_clock import send_chosen, send_updates
from crq.coverage import warn_coverage
from crq.deadlines import Enforced, enforce
from crq.reminders import remind
from deployments.hooks.receiving import take_again
from deployments.invitations import send_agendas
from deployments.silence import remind_silence
from releaseflow.models import Answered
from workflow.sealing import seal_weekly


def tick(now: datetime) -> list[Enforced]:
    """Enforces what is due and returns it; sends what waited for its time; warns, reminds; takes again
    what failed of the forges' deliveries; seals the audit trail; forgets the API's answers of yesterday."""
    enforced = enforce(now)
    send_chosen(now)
    send_updates(now)
    warn_coverage(now)
    remind_silence(now)
    send_agendas(now)
    remind(now)
    take_again(now)
    seal_weekly(now)
    Answered.forget(now)
    return enforced
