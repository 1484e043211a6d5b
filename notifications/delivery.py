"""Delivering the outbox: lease in a short transaction, SMTP outside any, confirm each message before the next.

At least once: a message is repeated only if the sender dies between the mail server's acceptance and the confirmation,
or the server never answered; then all copies carry one Message-ID. See docs/adr/0011.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from notifications.faults import Fault, fault, in_words
from notifications.line import Line
from notifications.models import Email, Letter

logger = logging.getLogger(__name__)

BATCH = 100
LEASE = timedelta(minutes=10)  # longer than a pass can last: see the limits in settings and tasks
MAX_ATTEMPTS = 8
PAUSE = timedelta(minutes=1)
MOST_PAUSED = 10_000
IN_A_ROW = 2  # so many messages in a row that break the line: it is the server, not the messages
Clock = Callable[[], datetime]


@dataclass
class Tally:
    """What one pass did, in messages. `fault` says why it ended early, when the mail server was the reason."""

    sent: int = 0
    retried: int = 0
    parked: int = 0
    put_back: int = 0
    fault: str = ""


def deliver(clock: Clock, *, seconds: float = float("inf"), monotonic: Callable[[], float] = time.monotonic) -> Tally:
    """Sends everything that is due, on one kept connection per batch; `clock` gives the instant (aware UTC).

    No message is begun after `seconds`, as `monotonic` counts them. When the mail server does not answer, or refuses
    us, the pass ends: what is due waits for PAUSE and no message's attempts are counted.
    """
    ends = monotonic() + seconds
    return _Pass(clock, lambda: monotonic() >= ends).run()


class _Pass:
    def __init__(self, clock: Clock, time_is_up: Callable[[], bool]) -> None:
        self.clock, self.time_is_up = clock, time_is_up
        self.tally, self.line = Tally(), Line()
        self.broken = 0  # lines broken since the server answered last
        self.suspects: list[Email] = []  # turned away by a server that closed the line: theirs or its fault is open

    def run(self) -> Tally:
        while not self._over() and (batch := _lease(self.clock())):
            try:
                self._send(batch)
            finally:
                self.line.close()
                self._settle(batch)
        return self.tally

    def _over(self) -> bool:
        return bool(self.tally.fault) or self.time_is_up()

    def _send(self, left: list[Email]) -> None:
        """Sends from the front of `left`, until it is empty or the pass is over."""
        while left and not self._over():
            try:
                self.line.open()
            except Exception as error:  # noqa: BLE001 (whatever it is, no message was touched)
                return self._stop(error)
            email = left.pop(0)
            try:
                self.line.send(email)
            except Exception as error:  # noqa: BLE001 (mail server, network, or a message that cannot be built)
                self._failed(email, error)
            else:
                _confirm(email, self.clock())
                self.tally.sent += 1
                self._answered()
        return None

    def _failed(self, email: Email, error: Exception) -> None:
        email.last_error = in_words(error)
        match fault(error):
            case Fault.FINAL:
                self._park(email)
                self._answered()
                self.line.reset()
            case Fault.LATER:
                self._retry(email)
                self._answered()
                self.line.reset()
            case Fault.SERVER:
                self.suspects.append(email)
                self._stop(error)
            case Fault.LOST:
                self._retry(email)  # counted: it may have been taken, and is not to be repeated without end
                self._broke(error)
            case Fault.BUSY:
                self.suspects.append(email)
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

    def _stop(self, error: Exception) -> None:
        self.tally.fault = in_words(error)
        logger.error("The mail server does not take e-mails; all wait and are tried again. %s", self.tally.fault)

    def _retry(self, email: Email) -> None:
        """Puts the message off, longer each time, or gives it up when it was tried too often."""
        if email.attempts >= MAX_ATTEMPTS:
            return self._park(email)
        logger.warning("E-mail %s not delivered, attempt %s: %s", email.pk, email.attempts, email.last_error)
        _conclude(email, not_before=self.clock() + _pause(email.attempts))
        self.tally.retried += 1
        return None

    def _park(self, email: Email) -> None:
        logger.warning("E-mail %s given up, attempt %s: %s", email.pk, email.attempts, email.last_error)
        _conclude(email, parked_at=self.clock())
        self.tally.parked += 1

    def _settle(self, left: list[Email]) -> None:
        """Ends the leases of what was not tried, without counting it. The suspects wait longer than the others, so
        that they do not come first again.
        """
        now = self.clock()
        for email in left:
            _give_back(email)
        for email in self.suspects:
            _give_back(email, not_before=now + 2 * PAUSE, last_error=email.last_error)
        self.tally.put_back += len(left) + len(self.suspects)
        self.suspects = []
        if self.tally.fault:
            _pause_all(now, self.tally.fault)


# --- Lease and confirm ---------------------------------------------------------------------------------------
def _lease(now: datetime) -> list[Email]:
    """Claims a batch for this process: nobody else touches it until the lease ends.

    An attempt is counted here, so that one which ends with the process counts too.
    """
    with transaction.atomic():
        batch = list(_skipping_locked(_due(now))[:BATCH])
        for email in batch:
            email.attempts, email.leased_until = email.attempts + 1, now + LEASE
        rows = Email.objects.filter(pk__in=[email.pk for email in batch])
        rows.update(attempts=F("attempts") + 1, leased_until=now + LEASE)
    letters = Letter.objects.in_bulk({email.letter_id for email in batch})
    for email in batch:
        email.letter = letters[email.letter_id]
    return batch


def _due(now: datetime) -> QuerySet[Email]:
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return Email.objects.filter(free, Email.WAITING, not_before__lte=now).order_by("not_before", "pk")


def _skipping_locked(rows: QuerySet[Email]) -> QuerySet[Email]:
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",))
    return rows


def _confirm(email: Email, now: datetime) -> None:
    """It has left, whatever was decided about it since the lease, should that have ended meanwhile."""
    with transaction.atomic():
        if connection.vendor == "postgresql":  # outlives this process at once; only its disk need not be waited for
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit TO off")
        Email.objects.filter(pk=email.pk).update(
            sent_at=now, parked_at=None, cancelled_at=None, leased_until=None, last_error=""
        )


def _conclude(email: Email, **became: Any) -> None:
    """Ends the lease with what became of the message, unless it is no longer this process's."""
    _ours(email).update(last_error=email.last_error, leased_until=None, **became)


def _give_back(email: Email, **became: Any) -> None:
    """Ends the lease as if it had not been."""
    _ours(email).update(attempts=F("attempts") - 1, leased_until=None, **became)


def _ours(email: Email) -> QuerySet[Email]:
    return Email.objects.filter(Email.WAITING, pk=email.pk, leased_until=email.leased_until)


def _pause_all(now: datetime, why: str) -> None:
    """All that is due waits, so that the passes of the next minute do not find the same out batch by batch."""
    with transaction.atomic():
        due = list(_skipping_locked(_due(now)).values_list("pk", flat=True)[:MOST_PAUSED])
        Email.objects.filter(pk__in=due).update(
            not_before=now + PAUSE, last_error=f"The mail server does not take e-mails: {why}"[:500]
        )


def _pause(attempts: int) -> timedelta:
    """1, 2, 4 … at most 60 minutes, a fifth more or less so that retries do not come in step."""
    return timedelta(minutes=min(2 ** (attempts - 1), 60)) * random.uniform(0.8, 1.2)  # noqa: S311 (not a secret)
