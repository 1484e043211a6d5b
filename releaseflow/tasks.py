"""What beat does. Each task reads the clock and calls; repeating or losing a run changes nothing."""

from celery import shared_task

from crq.coverage import warn_coverage
from crq.deadlines import enforce
from deployments.silence import remind_silence
from deployments.weeks import open_weeks, warn_ahead
from notifications.delivery import deliver
from workflow import clock


@shared_task(name="releaseflow.enforce_deadlines")
def enforce_deadlines() -> None:
    now = clock.now()
    enforce(now)
    warn_coverage(now)
    remind_silence(now)


@shared_task(name="releaseflow.deliver_emails")
def deliver_emails() -> None:
    deliver(clock.now)


@shared_task(name="releaseflow.open_weeks")
def open_next_weeks() -> None:
    now = clock.now()
    open_weeks(now)
    warn_ahead(now)
