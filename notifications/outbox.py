"""Writing to the outbox. Delivery is in `delivery.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import css_inline
from django.conf import settings
from django.template.loader import render_to_string

from accounts.models import User
from notifications.models import Email, Letter

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


def enqueue(
    kind: str, context: Mapping[str, Any], *, to: Iterable[User | str], key: str, now: datetime, thread: str = ""
) -> Letter | None:
    """Writes one letter and a row per recipient; returns None when nobody is (still) to receive it.

    Call it inside the transaction of the change that causes it. `key` names the cause: the same key and recipient are
    queued once, whatever happens. Two entries for one address fold into one.
    """
    return next(iter(enqueue_each(kind, [(context, to)], key=key, now=now, thread=thread)), None)


def enqueue_each(
    kind: str,
    parts: Iterable[tuple[Mapping[str, Any], Iterable[User | str]]],
    *,
    key: str,
    now: datetime,
    thread: str = "",
) -> list[Letter]:
    """As `enqueue`, with a letter of its own for each part's recipients; whoever is in two parts gets the first one.

    Three statements, however many parts there are.
    """
    wanted = _not_queued(_rows(parts, key, now))
    contexts = {id(context): context for context, _ in wanted}
    letters = {each: compose(kind, context, now=now, thread=thread) for each, context in contexts.items()}
    Letter.objects.bulk_create(letters.values(), batch_size=200)
    for context, row in wanted:
        row.letter = letters[id(context)]
    Email.objects.bulk_create([row for _, row in wanted], ignore_conflicts=True, batch_size=500)
    return list(letters.values())


def _not_queued(wanted: list[tuple[Mapping[str, Any], Email]]) -> list[tuple[Mapping[str, Any], Email]]:
    keys = [row.key for _, row in wanted]
    known = set(Email.objects.filter(key__in=keys).values_list("key", flat=True)) if keys else set()
    return [(context, row) for context, row in wanted if row.key not in known]


def _rows(
    parts: Iterable[tuple[Mapping[str, Any], Iterable[User | str]]], key: str, now: datetime
) -> list[tuple[Mapping[str, Any], Email]]:
    """Each address once, with the context of the letter that it gets."""
    found: dict[str, tuple[Mapping[str, Any], User | str]] = {}
    for context, people in parts:
        for person in people:
            found.setdefault((person if isinstance(person, str) else person.email).lower(), (context, person))
    return [(context, _row(address, person, key, now)) for address, (context, person) in found.items()]


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
