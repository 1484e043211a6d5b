"""What beat does. Each task reads the clock and calls; repeating or losing a run changes nothing."""

from django.conf import settings

from crq.change_system import queue
from crq.change_system.telling import tell
from deployments.hooks.receiving import forget_bodies
from deployments.weeks import open_weeks, warn_ahead
from notifications.delivery import LEASE, deliver
from releaseflow.celery import TELL_EVERY, app
from releaseflow.models import Heartbeat
from releaseflow.tick import tick
from workflow import clock

# Longer than any pass: a limit that struck between acceptance and confirmation would send a message twice.
DELIVERY_LIMIT = int(LEASE.total_seconds())
TELLING_LIMIT = int(queue.LEASE.total_seconds())


@app.task(name="releaseflow.enforce_deadlines")
def enforce_deadlines() -> None:
    now = clock.now()
    tick(now)
    Heartbeat.mark("enforce_deadlines", now)


@app.task(name="releaseflow.deliver_emails", soft_time_limit=DELIVERY_LIMIT, time_limit=DELIVERY_LIMIT)
def deliver_emails() -> None:
    """A pass is over when beat asks for the next one, so that deadlines never wait long behind the mail server."""
    deliver(clock.now, seconds=settings.DELIVER_EVERY)
    Heartbeat.mark("deliver_emails", clock.now())


@app.task(name="releaseflow.tell_change_system", soft_time_limit=TELLING_LIMIT, time_limit=TELLING_LIMIT)
def tell_change_system() -> None:
    """A pass begins no CRQ after as long as beat waits, so that deadlines never wait long behind the other system."""
    tell(clock.now, seconds=TELL_EVERY)
    Heartbeat.mark("tell_change_system", clock.now())


@app.task(name="releaseflow.open_weeks")
def open_next_weeks() -> None:
    now = clock.now()
    open_weeks(now)
    warn_ahead(now)
    forget_bodies(now)
    Heartbeat.mark("open_weeks", now)
