"""Delivering the outbox: lease in a short transaction, SMTP outside any, confirm.

At least once: a message is repeated only if the sender dies between the mail server's acceptance and the confirmation,
and then both copies carry one Message-ID.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import F

from notifications.models import Email

logger = logging.getLogger(__name__)

BATCH = 20  # with EMAIL_TIMEOUT's 10 seconds each, a batch ends before its lease does
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 8


@dataclass
class Tally:
    """What one pass did, in messages."""

    sent: int = 0
    retried: int = 0
    parked: int = 0


def deliver(clock: Callable[[], datetime]) -> Tally:
    """Sends everything that is due, on one kept connection per batch; `clock` gives the instant (aware UTC)."""
    tally = Tally()
    while batch := _lease(clock()):
        mailer = get_connection()
        try:
            for email in batch:
                _attempt(email, mailer, clock, tally)
        finally:
            mailer.close()
    return tally


def _lease(now: datetime) -> list[Email]:
    """Claims a batch for this process: nobody else touches it until the lease ends."""
    with transaction.atomic():
        due = Email.objects.filter(sent_at=None, parked_at=None, cancelled_at=None, not_before__lte=now)
        due = due.order_by("not_before", "pk")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        batch = list(due.select_related("letter")[:BATCH])
        Email.objects.filter(pk__in=[email.pk for email in batch]).update(
            attempts=F("attempts") + 1, not_before=now + LEASE
        )
    for email in batch:
        email.attempts += 1
    return batch


def _attempt(email: Email, mailer: BaseEmailBackend, clock: Callable[[], datetime], tally: Tally) -> None:
    try:
        _message(email, mailer).send()
    except Exception as error:  # noqa: BLE001 (whatever the mail server or network does concerns this row alone)
        mailer.close()
        _failed(email, error, clock(), tally)
    else:
        Email.objects.filter(pk=email.pk).update(sent_at=clock(), last_error="")
        tally.sent += 1


def _message(email: Email, mailer: BaseEmailBackend) -> EmailMultiAlternatives:
    letter = email.letter
    headers = {
        "Message-ID": email.message_id,
        "Auto-Submitted": "auto-generated",
        "List-Id": f"releaseflow <releaseflow.{settings.MAIL_DOMAIN}>",
    }
    if letter.thread:
        headers["References"] = f"<{letter.thread}@{settings.MAIL_DOMAIN}>"
    message = EmailMultiAlternatives(letter.subject, letter.text, to=[email.to], headers=headers, connection=mailer)
    message.attach_alternative(letter.html, "text/html")
    return message


def _failed(email: Email, error: Exception, now: datetime, tally: Tally) -> None:
    """Puts the message off, longer each time, or parks it: refused for good, or tried too often."""
    words = f"{type(error).__name__}: {error}"[:500]
    logger.warning("E-mail %s not delivered (attempt %s): %s", email.pk, email.attempts, words)
    if _permanent(error) or email.attempts >= MAX_ATTEMPTS:
        Email.objects.filter(pk=email.pk).update(parked_at=now, last_error=words)
        tally.parked += 1
    else:
        Email.objects.filter(pk=email.pk).update(not_before=now + _pause(email.attempts), last_error=words)
        tally.retried += 1


def _permanent(error: Exception) -> bool:
    """Whether the mail server said a final no (5xx) to this message, rather than "later"."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, SMTPResponseException) and error.smtp_code >= 500


def _pause(attempts: int) -> timedelta:
    """1, 2, 4 … at most 60 minutes, a fifth more or less so that retries do not come in step."""
    return timedelta(minutes=min(2 ** (attempts - 1), 60)) * random.uniform(0.8, 1.2)  # noqa: S311 (not a secret)
