"""Letters and posts in the outbox, without anything that caused them."""

from __future__ import annotations

from datetime import datetime

from notifications import outbox, posts
from notifications.models import Channel, Email, Letter, Post
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


def posted(*weeks: str) -> list[Post]:
    """One post of each week to a channel that nobody could send to; due at once by the clock."""
    channel = Channel.objects.create(name="Builds", kind="slack", address="sealed", host="chat.test")
    for week in weeks:
        news = posts.News(url="https://releases.test/", week=week)
        posts.tell([channel], "withdrawn", "Withdrawn", news, key=f"withdrawn:{week}", now=clock.now())
    return list(channel.posts.all())


def many(count: int) -> list[str]:
    return [f"person{number}@example.com" for number in range(count)]
