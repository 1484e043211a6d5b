"""Delivering the outbox: lease in a short transaction, send outside any, confirm each message before the next.

At least once: a message is repeated only if the sender dies between the server's acceptance and the confirmation, or
the server never answered; then all copies carry one id. E-mails and posts go the same way, on lines of their own; the
mail server is one server, and so is each channel. See docs/adr/0011 and 0035.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db import connection, transaction
from django.db.models import F, Min, Q, QuerySet

from notifications import posts
from notifications.faults import Fault, NotTaken, fault, in_words
from notifications.http import HttpLine
from notifications.line import Line
from notifications.models import Channel, Outgoing, Post

logger = logging.getLogger(__name__)

BATCH = 100
LEASE = timedelta(minutes=10)  # longer than a pass can last: see the limits in settings and tasks
MAX_ATTEMPTS = 8
PAUSE = timedelta(minutes=1)
MOST_PAUSED = 10_000
IN_A_ROW = 2  # so many messages in a row that break the line: it is the server, not the messages
Clock = Callable[[], datetime]


class Carrier(Protocol):
    """Takes rows of the outbox to one server. What `open` raises concerns no row; `send` returns when it is taken."""

    noun: str
    refuses: str

    def rows(self) -> QuerySet[Any]: ...
    def open(self) -> None: ...
    def send(self, row: Any, /) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


@dataclass
class Tally:
    """What one pass did, in e-mails and posts. `fault` says why it ended early, when the mail server was the reason."""

    sent: int = 0
    retried: int = 0
    parked: int = 0
    put_back: int = 0
    fault: str = ""

    def add(self, other: Tally) -> None:
        self.sent += other.sent
        self.retried += other.retried
        self.parked += other.parked
        self.put_back += other.put_back


def deliver(clock: Clock, *, seconds: float = float("inf"), monotonic: Callable[[], float] = time.monotonic) -> Tally:
    """Sends everything that is due, e-mails first, then channel by channel; `clock` gives the instant (aware UTC).

    No message is begun after `seconds`, as `monotonic` counts them. When a server does not answer, or refuses us, its
    pass ends: what is due there waits for PAUSE and its attempts are not counted.
    """
    ends = monotonic() + seconds
    tally = _Pass(Line(), clock, lambda: monotonic() >= ends).run()
    for channel in _channels(clock()):
        if not channel.active:  # queued in the moment in which it was turned off
            posts.stop(channel, now=clock())
            continue
        tally.add(_Pass(HttpLine(channel, clock), clock, lambda: monotonic() >= ends).run())
    return tally


def _channels(now: datetime) -> QuerySet[Channel]:
    """Those with something due, the one that waits longest first."""
    due = Channel.objects.filter(posts__in=_due(Post.objects.all(), now))
    return due.annotate(since=Min("posts__not_before")).order_by("since", "pk")


class _Pass:
    def __init__(self, line: Carrier, clock: Clock, time_is_up: Callable[[], bool]) -> None:
        self.line, self.clock, self.time_is_up = line, clock, time_is_up
        self.tally, self.pause = Tally(), PAUSE
        self.broken = 0  # lines broken since the server answered last
        self.suspects: list[Any] = []  # turned away by a server that closed the line: theirs or its fault is open

    def run(self) -> Tally:
        while not self._over() and (batch := _lease(self.clock(), self.line.rows())):
            try:
                self._send(batch)
            finally:
                self.line.close()
                self._settle(batch)
        return self.tally

    def _over(self) -> bool:
        return bool(self.tally.fault) or self.time_is_up()

    def _send(self, left: list[Any]) -> None:
        """Sends from the front of `left`, until it is empty or the pass is over."""
        while left and not self._over():
            try:
                self.line.open()
            except Exception as error:  # noqa: BLE001 (whatever it is, no message was touched)
                return self._stop(error)
            row = left.pop(0)
            try:
                self.line.send(row)
            except Exception as error:  # noqa: BLE001 (mail server, network, or a message that cannot be built)
                self._failed(row, error)
            else:
                _confirm(row, self.clock())
                self.tally.sent += 1
                self._answered()
        return None

    def _failed(self, row: Outgoing, error: Exception) -> None:
        row.last_error = in_words(error)
        match fault(error):
            case Fault.FINAL:
                self._park(row)
                self._answered()
                self.line.reset()
            case Fault.LATER:
                asked = error.wait if isinstance(error, NotTaken) else timedelta(0)
                self._retry(row, asked)
                self._answered()
                self.line.reset()
                if asked:
                    self._stop(error, asked)
            case Fault.SERVER:
                self.suspects.append(row)
                self._stop(error)
            case Fault.LOST:
                self._retry(row)  # counted: it may have been taken, and is not to be repeated without end
                self._broke(error)
            case Fault.BUSY:
                self.suspects.append(row)
                self._broke(error)

    def _answered(self) -> None:
        """The server is well, so those at which it closed the line have themselves to blame."""
        self.broken = 0
        while self.suspects:
            self._retry(self.suspects.pop())

    def _broke(self, error: Exception) -> None:
        self.line.close()
        self.broken += 1
        if self.broken >= IN_A_ROW:
            self._stop(error)

    def _stop(self, error: Exception, pause: timedelta = PAUSE) -> None:
        self.tally.fault, self.pause = in_words(error), pause
        logger.error("%s; all wait and are tried again. %s", self.line.refuses, self.tally.fault)

    def _retry(self, row: Outgoing, at_least: timedelta = timedelta(0)) -> None:
        """Puts the message off, longer each time, or gives it up when it was tried too often."""
        if row.attempts >= MAX_ATTEMPTS:
            return self._park(row)
        logger.warning("%s %s not delivered, attempt %s: %s", self.line.noun, row.pk, row.attempts, row.last_error)
        _conclude(row, not_before=self.clock() + max(pause(row.attempts), at_least))
        self.tally.retried += 1
        return None

    def _park(self, row: Outgoing) -> None:
        logger.warning("%s %s given up, attempt %s: %s", self.line.noun, row.pk, row.attempts, row.last_error)
        _conclude(row, parked_at=self.clock())
        self.tally.parked += 1

    def _settle(self, left: list[Any]) -> None:
        """Ends the leases of what was not tried, without counting it. The suspects wait longer than the others, so
        that they do not come first again.
        """
        now = self.clock()
        for row in left:
            _give_back(row)
        for row in self.suspects:
            _give_back(row, not_before=now + 2 * PAUSE, last_error=row.last_error)
        self.tally.put_back += len(left) + len(self.suspects)
        self.suspects = []
        if self.tally.fault:
            _pause_all(self.line.rows(), now, self.pause, f"{self.line.refuses}: {self.tally.fault}")


# --- Lease and confirm ---------------------------------------------------------------------------------------
def _lease(now: datetime, rows: QuerySet[Any]) -> list[Any]:
    """Claims a batch for this process: nobody else touches it until the lease ends.

    An attempt is counted here, so that one which ends with the process counts too.
    """
    with transaction.atomic():
        batch = list(skipping_locked(_due(rows, now))[:BATCH])
        for row in batch:
            row.attempts, row.leased_until = row.attempts + 1, now + LEASE
        leased = rows.model._default_manager.filter(pk__in=[row.pk for row in batch])
        leased.update(attempts=F("attempts") + 1, leased_until=now + LEASE)
    return batch


def _due(rows: QuerySet[Any], now: datetime) -> QuerySet[Any]:
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return rows.filter(free, Outgoing.WAITING, not_before__lte=now).order_by("not_before", "pk")


def skipping_locked(rows: QuerySet[Any]) -> QuerySet[Any]:
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))
    return rows


def _confirm(row: Outgoing, now: datetime) -> None:
    """It has left, whatever was decided about it since the lease, should that have ended meanwhile."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # outlives this process at once; only its disk need not be waited for
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        _same(row).update(
            sent_at=now, parked_at=None, cancelled_at=None, leased_until=None, last_error="", **_noted(row)
        )


def _conclude(row: Outgoing, **became: Any) -> None:
    """Ends the lease with what became of the message, unless it is no longer this process's."""
    _ours(row).update(last_error=row.last_error, leased_until=None, **_noted(row), **became)


def _give_back(row: Outgoing, **became: Any) -> None:
    """Ends the lease as if it had not been."""
    _ours(row).update(attempts=F("attempts") - 1, leased_until=None, **became)


def _ours(row: Outgoing) -> QuerySet[Any]:
    return _same(row).filter(Outgoing.WAITING, leased_until=row.leased_until)


def _same(row: Outgoing) -> QuerySet[Any]:
    return type(row)._default_manager.filter(pk=row.pk)


def _noted(row: Outgoing) -> dict[str, Any]:
    """What the line noted on the row."""
    return {name: getattr(row, name) for name in row.NOTED}


def _pause_all(rows: QuerySet[Any], now: datetime, pause: timedelta, why: str) -> None:
    """All that is due waits, so that the passes of the next minute do not find the same out batch by batch."""
    with transaction.atomic():
        due = list(skipping_locked(_due(rows.prefetch_related(None), now)).values_list("pk", flat=True)[:MOST_PAUSED])
        rows.model._default_manager.filter(pk__in=due).update(not_before=now + pause, last_error=why[:500])


def pause(attempts: int) -> timedelta:
    """1, 2, 4 … at most 60 minutes, a fifth more or less so that retries do not come in step."""
    return timedelta(minutes=min(2 ** (attempts - 1), 60)) * random.uniform(0.8, 1.2)  # noqa: S311 (not a secret)
