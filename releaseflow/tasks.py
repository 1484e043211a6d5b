"""What beat does. Each task reads the clock and calls; repeating or losing a run changes nothing."""

from celery import shared_task

from deployments.weeks import open_weeks, warn_ahead
from notifications.delivery import deliver
from releaseflow.models import Heartbeat
from releaseflow.tick import tick
from workflow import clock


@shared_task(name="releaseflow.enforce_deadlines")
def enforce_deadlines() -> None:
    now = clock.now()
    tick(now)
    Heartbeat.mark("enforce_deadlines", now)


@shared_task(name="releaseflow.deliver_emails")
def deliver_emails() -> None:
    deliver(clock.now)
    Heartbeat.mark("deliver_emails", clock.now())


@shared_task(name="releaseflow.open_weeks")
def open_next_weeks() -> None:
    now = clock.now()
    open_weeks(now)
    warn_ahead(now)
    Heartbeat.mark("open_weeks", now)
