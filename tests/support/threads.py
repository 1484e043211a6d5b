"""Acting at once: threads with connections of their own, brought to the same point before any of them goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import QuerySet

from workflow import clock
from workflow.steps import Refused

Work = Callable[[], Any]
PATIENCE = 10.0  # seconds until a thread that does not arrive is an error
WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks
WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
"""


def at_once(
    *works: Work,
    behind: QuerySet[Any] | None = None,
    at: datetime | None = None,
    before_release: Callable[[], None] = lambda: None,
) -> list[Any]:
    """Runs the works in threads in the same instant; returns what each gave back, or the Refused that it met.

    `behind` are rows that all of them come to lock: they are held until every thread waits for them, and
    `before_release` is called. `at` holds the clock of the threads there, each a millisecond later than the one before.
    Any other exception is raised here.
    """
    gate = Barrier(len(works) + (behind is not None))
    with ThreadPoolExecutor(len(works)) as pool:
        with transaction.atomic():
            if behind is not None:
                list(behind.select_for_update(no_key=True, of=("self",)).values_list("pk"))
            runs = [
                pool.submit(_run, work, gate, at and at + timedelta(milliseconds=n)) for n, work in enumerate(works)
            ]
            if behind is not None:
                gate.wait(PATIENCE)
                wait_for_the_queue(len(works))
                before_release()
        return [run.result(PATIENCE * 3) for run in runs]


def _run(work: Work, gate: Barrier, at: datetime | None) -> Any:
    try:
        gate.wait(PATIENCE)
        if at is None:
            return work()
        with clock.frozen(at):
            return work()
    except Refused as refused:
        return refused
    finally:
        connections.close_all()


def wait_for_the_queue(length: int) -> None:
    """Until so many connections wait for a lock. SQLite does not tell: there one writer at a time is the lock."""
    if connection.vendor != "postgresql":
        return
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0] >= length:
                return
        time.sleep(0.002)
    raise TimeoutError(f"Fewer than {length} threads came to wait for the lock within {PATIENCE} seconds.")
