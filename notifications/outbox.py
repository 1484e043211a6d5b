"""Writing to the outbox. Delivery is in `delivery.py`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from html import escape
from typing import Any

import css_inline
from django.conf import settings
from django.db.models import CharField, Q
from django.template.loader import render_to_string
from django.utils.text import wrap

from accounts.models import User
from accounts.prepared import Prepared, among
from notifications.models import Email, Letter, Outgoing

WHY = "\ue000"  # stands for the sentence until it is known: a character that is in no text
TEXT_WIDTH = 72  # as in emails/base.txt
BLANK_LINES = re.compile(r"\n{3,}")
_heard: ContextVar[list[Email] | None] = ContextVar("heard", default=None)
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)


def compose(kind: str, context: Mapping[str, Any], *, now: datetime, thread: str = "") -> Letter:
    """Renders the templates `emails/<kind>.*` into a letter that is not saved. `now` is an aware UTC instant."""
    values = {**context, "now": now, "site_url": settings.SITE_URL}
    return Letter(
        kind=kind,
        subject=one_line(render_to_string(f"emails/{kind}.subject.txt", values))[:200],
        text=BLANK_LINES.sub("\n\n", render_to_string(f"emails/{kind}.txt", values)).strip() + "\n",
        html=_inliner.inline(render_to_string(f"emails/{kind}.html", values)),
        thread=thread,
        written_at=now,
    )


def _composed(kind: str, contexts: Mapping[int, Mapping[str, Any]], *, now: datetime, thread: str) -> dict[int, Letter]:
    """A letter for each context. Those that differ in nothing but `why` are rendered once."""
    rendered: dict[frozenset[tuple[str, int]], Letter] = {}
    letters = {}
    for key, context in contexts.items():
        rest = frozenset((name, id(value)) for name, value in context.items() if name != "why")
        if rest not in rendered:
            rendered[rest] = compose(kind, {**context, "why": WHY}, now=now, thread=thread)
        letters[key] = _because(rendered[rest], str(context.get("why", "")))
    return letters


def _because(letter: Letter, why: str) -> Letter:
    """The letter with why it was got, which stands in a line of its own."""
    return Letter(
        kind=letter.kind,
        subject=letter.subject,
        text=letter.text.replace(WHY, wrap(why, TEXT_WIDTH)),
        html=letter.html.replace(WHY, escape(why, quote=False)),
        thread=letter.thread,
        written_at=letter.written_at,
    )


def enqueue(
    kind: str,
    context: Mapping[str, Any],
    *,
    to: Iterable[User | str],
    key: str,
    now: datetime,
    thread: str = "",
    not_before: datetime | None = None,
) -> Letter | None:
    """Writes one letter and a row per recipient; returns None when nobody is (still) to receive it.

    Call it inside the transaction of the change that causes it. `key` names the cause: the same key and recipient are
    queued once, whatever happens, also after `cancel`. Two entries for one address fold into one. Nothing leaves before
    `not_before` (aware UTC; `now` when it is not given), and until then `cancel` takes it back.
    """
    parts = [(context, to)]
    return next(iter(enqueue_each(kind, parts, key=key, now=now, thread=thread, not_before=not_before)), None)


def enqueue_each(
    kind: str,
    parts: Iterable[tuple[Mapping[str, Any], Iterable[User | str]]],
    *,
    key: str,
    now: datetime,
    thread: str = "",
    not_before: datetime | None = None,
) -> list[Letter]:
    """As `enqueue`, with a letter of its own for each part's recipients; whoever is in two parts gets the first one.

    Three statements, however many parts there are.
    """
    wanted = _not_queued(_rows(parts, key, not_before or now))
    contexts = {id(context): context for context, _ in wanted}
    letters = _composed(kind, contexts, now=now, thread=thread)
    Letter.objects.bulk_create(letters.values(), batch_size=200)
    roots = _roots(thread)
    for context, row in wanted:
        row.letter, row.in_reply_to = letters[id(context)], roots.get(row.to, "")
    rows = [row for _, row in wanted]
    Email.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    if (heard := _heard.get()) is not None:
        heard += rows
    return list(letters.values())


def _not_queued(wanted: list[tuple[Mapping[str, Any], Email]]) -> list[tuple[Mapping[str, Any], Email]]:
    keys = [row.key for _, row in wanted]
    known = set(_KNOWN(keys=keys)) if keys else set()
    return [(context, row) for context, row in wanted if row.key not in known]


_KNOWN = Prepared(
    lambda: Email.objects.filter(among("key", "keys", CharField())).order_by().values_list("key", flat=True)
)


def _rows(
    parts: Iterable[tuple[Mapping[str, Any], Iterable[User | str]]], key: str, not_before: datetime
) -> list[tuple[Mapping[str, Any], Email]]:
    """Each address once, with the context of the letter that it gets."""
    found: dict[str, tuple[Mapping[str, Any], User | str]] = {}
    for context, people in parts:
        for person in people:
            found.setdefault((person if isinstance(person, str) else person.email).lower(), (context, person))
    return [(context, _row(address, person, key, not_before)) for address, (context, person) in found.items()]


def cancel(letter: Letter, *, now: datetime) -> int:
    """Takes back every copy that has not left, and says how many; those that a process is just sending do leave.

    One statement, so that a process which claims rows at the same moment gets all of a row or nothing of it.
    """
    free = Q(leased_until=None) | Q(leased_until__lte=now)
    return letter.emails.filter(free, Email.WAITING).update(cancelled_at=now, leased_until=None)


def resend(email: Outgoing, *, now: datetime) -> None:
    """Lets one that was given up, or that was sent and did not arrive, go again as the same message with new attempts.

    The caller holds the row's lock, keeps the audit, and has made sure that it is not waiting: then it leaves anyway.
    """
    email.parked_at = email.sent_at = email.cancelled_at = None
    email.attempts, email.not_before, email.last_error = 0, now, ""
    email.save()


def _roots(thread: str) -> dict[str, str]:
    """For each address the first message of the thread that it was sent: what mail programs gather the others under."""
    if not thread:
        return {}
    earlier = Email.objects.filter(letter__thread=thread, cancelled_at=None).order_by("-pk")
    return dict(earlier.values_list("to", "message_id"))


@contextmanager
def listening() -> Iterator[list[Email]]:
    """Collects what is queued meanwhile, so that whoever acts can be told who is e-mailed."""
    heard: list[Email] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def _row(address: str, person: User | str, key: str, not_before: datetime) -> Email:
    unique = hashlib.sha256(f"{key}|{address}".encode()).hexdigest()[:32]
    return Email(
        to=address,
        recipient=None if isinstance(person, str) else person,
        key=f"{key[:160]}|{unique}",
        message_id=f"<{unique}@{settings.MAIL_DOMAIN}>",
        not_before=not_before,
    )


def one_line(text: str) -> str:
    """The text without line breaks and control characters, safe as a mail header."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
