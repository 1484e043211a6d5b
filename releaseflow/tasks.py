"""What beat does. Each task reads the clock and calls; repeating or losing a run changes nothing."""

from celery import shared_task

from crq.deadlines import enforce
from deployments.weeks import open_weeks
from notifications.delivery import deliver
from workflow import clock


@shared_task(name="releaseflow.enforce_deadlines")
def enforce_deadlines() -> None:
    enforce(clock.now())


@shared_task(name="releaseflow.deliver_emails")
def deliver_emails() -> None:
    deliver(clock.now)


@shared_task(name="releaseflow.open_weeks")
def open_next_weeks() -> None:
    open_weeks(clock.now())
