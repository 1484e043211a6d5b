"""Letters in the outbox, without anything that caused them."""

from __future__ import annotations

from datetime import datetime

from notifications import outbox
from notifications.models import Email, Letter
from workflow import clock

HTML = "<!doctype html><title>Moved</title><p>Sign-in moves to Thu Dec 17 – on time.</p>\n" * 40
TEXT = "Sign-in moves to Thu Dec 17 – on time.\n" * 20


def queued(
    *to: str, subject: str = "Moved", key: str = "moved", thread: str = "", not_before: datetime | None = None
) -> list[Email]:
    """One letter to these addresses, in their order; due at once by the clock."""
    now = clock.now()
    letter = Letter.objects.create(kind="moved", subject=subject, text=TEXT, html=HTML, thread=thread, written_at=now)
    rows = [outbox._row(address, address, key, not_before or now) for address in to]
    for row in rows:
        row.letter = letter
    Email.objects.bulk_create(rows)
    return list(letter.emails.all())


def many(count: int) -> list[str]:
    return [f"person{number}@example.com" for number in range(count)]
