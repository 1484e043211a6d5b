"""Writing to the outbox. Delivery is in `delivery.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string

from accounts.models import User
from notifications.models import Email, Letter

_heard: ContextVar[list[Email] | None] = ContextVar("heard", default=None)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


def compose(kind: str, context: Mapping[str, Any], *, now: datetime, thread: str = "") -> Letter:
    """Renders the templates `emails/<kind>.*` into a letter that is not saved. `now` is an aware UTC instant."""
    values = {**context, "now": now, "site_url": settings.SITE_URL}
    return Letter(
        kind=kind,
        subject=one_line(render_to_string(f"emails/{kind}.subject.txt", values))[:200],
        text=render_to_string(f"emails/{kind}.txt", values).strip() + "\n",
        html=_inliner.inline(render_to_string(f"emails/{kind}.html", values)),
        thread=thread,
        written_at=now,
    )


def write(kind: str, context: Mapping[str, Any], *, now: datetime, thread: str = "") -> Letter:
    """The letter of `compose`, saved."""
    letter = compose(kind, context, now=now, thread=thread)
    letter.save()
    return letter


def enqueue(
    kind: str, context: Mapping[str, Any], *, to: Iterable[User | str], key: str, now: datetime, thread: str = ""
) -> Letter | None:
    """Writes one letter and a row per recipient; returns None when nobody is (still) to receive it.

    Call it inside the transaction of the change that causes it. `key` names the cause: the same key and recipient are
    queued once, whatever happens. Two entries for one address fold into one.
    """
    recipients = {(person if isinstance(person, str) else person.email).lower(): person for person in to}
    rows = [_row(address, person, key, now) for address, person in recipients.items()]
    known = (
        set(Email.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True)) if rows else set()
    )
    rows = [row for row in rows if row.key not in known]
    if not rows:
        return None
    letter = write(kind, context, now=now, thread=thread)
    for row in rows:
        row.letter = letter
    Email.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    if (heard := _heard.get()) is not None:
        heard += rows
    return letter


@contextmanager
def listening() -> Iterator[list[Email]]:
    """Collects what is queued meanwhile, so that whoever acts can be told who is e-mailed."""
    heard: list[Email] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def _row(address: str, person: User | str, key: str, now: datetime) -> Email:
    unique = hashlib.sha256(f"{key}|{address}".encode()).hexdigest()[:32]
    return Email(
        to=address,
        recipient=None if isinstance(person, str) else person,
        key=f"{key[:160]}|{unique}",
        message_id=f"<{unique}@{settings.MAIL_DOMAIN}>",
        not_before=now,
    )


def one_line(text: str) -> str:
    """The text without line breaks and control characters, safe as a mail header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
