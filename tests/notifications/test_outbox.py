"""Writing to the outbox, taking back, sending again; and what the database itself refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from notifications import outbox
from notifications.models import Email, Letter
from notifications.outbox import cancel, enqueue, enqueue_each, resend
from tests.outboxes import queued
from workflow import clock

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 8, 15, tzinfo=UTC)
Write = Callable[..., Letter | None]


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Write:
    """`enqueue` without templates."""

    def compose(kind: str, context: Any, *, now: datetime, thread: str = "") -> Letter:
        return Letter(kind=kind, subject="Moved", text="-", html="-", thread=thread, written_at=now)

    monkeypatch.setattr(outbox, "compose", compose)
    return lambda key, *to, **given: enqueue("moved", {}, to=to, key=key, **{"now": NOW, **given})


def replies(letter: Letter | None) -> dict[str, str]:
    assert letter is not None
    return dict(letter.emails.values_list("to", "in_reply_to"))


def ids(letter: Letter | None) -> dict[str, str]:
    assert letter is not None
    return dict(letter.emails.values_list("to", "message_id"))


# --- Why somebody gets it ------------------------------------------------------------------------------------
def test_each_part_says_why_in_a_letter_that_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []

    def render(name: str, values: dict[str, Any]) -> str:
        rendered.append(name)
        return f"<p>{values['why']}</p>" if name.endswith("html") else f"Moved\n{values['why']}"

    monkeypatch.setattr(outbox, "render_to_string", render)
    long, short = "You get this because you work in R&D, which owns it. " * 2, "You follow it."

    parts = [({"why": why}, [to]) for why, to in ((long, "a@example.com"), (short, "b@example.com"))]
    one, other = enqueue_each("moved", parts, key="one", now=NOW)

    assert len(rendered) == 3  # subject, text and HTML
    assert " ".join(one.text.split()) == f"Moved {long}".strip()
    assert max(map(len, one.text.splitlines())) <= outbox.TEXT_WIDTH
    assert "R&amp;D, which" in one.html
    assert (other.text, "<p>You follow it.</p>" in other.html) == ("Moved\nYou follow it.\n", True)


# --- Threads -------------------------------------------------------------------------------------------------
def test_revisions_gather_under_the_first_that_each_recipient_got(write: Write) -> None:
    first = write("one", "a@example.com", "b@example.com", thread="plan")
    second = write("two", "A@example.com", "c@example.com", thread="plan")
    third = write("three", "a@example.com", "b@example.com", "c@example.com", thread="plan")

    assert replies(first) == {"a@example.com": "", "b@example.com": ""}
    assert replies(second) == {"a@example.com": ids(first)["a@example.com"], "c@example.com": ""}
    assert replies(third) == ids(first) | {"c@example.com": ids(second)["c@example.com"]}


def test_other_threads_and_none_are_apart(write: Write) -> None:
    write("one", "a@example.com", thread="plan")

    assert replies(write("two", "a@example.com", thread="completion")) == {"a@example.com": ""}
    assert replies(write("three", "a@example.com")) == {"a@example.com": ""}


def test_what_was_taken_back_begins_no_thread(write: Write) -> None:
    first = write("one", "a@example.com", thread="plan")
    assert first is not None
    cancel(first, now=NOW)

    assert replies(write("two", "a@example.com", thread="plan")) == {"a@example.com": ""}


# --- Holding and taking back ---------------------------------------------------------------------------------
def test_held_until_its_time(write: Write) -> None:
    letter = write("one", "a@example.com", not_before=NOW + timedelta(minutes=10))

    assert letter is not None
    assert letter.written_at == NOW
    assert letter.emails.get().not_before == NOW + timedelta(minutes=10)


def test_what_has_not_left_is_taken_back() -> None:
    with clock.frozen(NOW):
        sent, parked, leased, abandoned, waiting, retried = emails = queued(
            *(f"{name}@example.com" for name in "abcdef")
        )
    Email.objects.filter(pk=sent.pk).update(sent_at=NOW)
    Email.objects.filter(pk=parked.pk).update(parked_at=NOW)
    Email.objects.filter(pk=leased.pk).update(leased_until=NOW + timedelta(seconds=1))
    Email.objects.filter(pk=abandoned.pk).update(leased_until=NOW)
    Email.objects.filter(pk=retried.pk).update(attempts=2)

    assert cancel(sent.letter, now=NOW) == 3
    assert cancel(sent.letter, now=NOW) == 0

    for email in emails:
        email.refresh_from_db()
    assert [email.state for email in emails] == ["sent", "parked", "waiting", "cancelled", "cancelled", "cancelled"]
    assert leased.leased_until
    assert waiting.cancelled_at == NOW


def test_another_letter_is_left_alone() -> None:
    with clock.frozen(NOW):
        [one], [other] = queued("a@example.com", key="one"), queued("a@example.com", key="other")

    cancel(one.letter, now=NOW)

    other.refresh_from_db()
    assert other.state == "waiting"


# --- Sending again -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ended", ["parked_at", "sent_at"])
def test_sent_again_as_the_same_message_with_new_attempts(ended: str) -> None:
    with clock.frozen(NOW):
        [email] = queued("a@example.com")
    Email.objects.update(**{ended: NOW}, attempts=8, last_error="550 No such user")
    email.refresh_from_db()
    was = email.message_id

    resend(email, now=NOW + timedelta(hours=1))

    email.refresh_from_db()
    assert (email.state, email.attempts, email.last_error) == ("waiting", 0, "")
    assert (email.not_before, email.message_id) == (NOW + timedelta(hours=1), was)


# --- Constraints ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [
        ("sent_at", "parked_at"),
        ("sent_at", "cancelled_at"),
        ("parked_at", "cancelled_at"),
        ("sent_at", "leased_until"),
        ("parked_at", "leased_until"),
        ("cancelled_at", "leased_until"),
    ],
)
def test_an_e_mail_ends_one_way_and_has_no_lease_then(fields: tuple[str, str]) -> None:
    with clock.frozen(NOW):
        queued("a@example.com")

    with pytest.raises(IntegrityError), transaction.atomic():
        Email.objects.update(**dict.fromkeys(fields, NOW))
