"""The one clock. Views, tasks and commands read it once and pass `now` down; `perform` reads it under the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """The present instant, aware UTC: the database server's clock where there is one, so that all processes agree.

    Django's `Now()` and SQL's `now()` give the start of the statement or transaction: before a lock was waited for.
    """
    frozen = _frozen.get()
    if frozen is not None:
        return frozen
    read = _read()
    return read + _demo_shift() if settings.DEMO else read


def skew() -> timedelta:
    """How far the clock that counts is ahead of this machine's (negative: behind)."""
    return _read() - datetime.now(UTC)


def machine() -> float:
    """This machine's own seconds since 1970, for what no frozen or moved clock concerns: how old a session is."""
    return datetime.now(UTC).timestamp()


def _read() -> datetime:
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        read: datetime = cursor.fetchone()[0]
    return read.astimezone(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Holds the clock at an instant (aware UTC), for tests and for making demonstration data."""
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield at
    finally:
        _frozen.reset(token)


def _demo_shift() -> timedelta:
    from workflow.models import DemoClock

    return DemoClock.shift()
