"""A real mail server refuses, hangs, drops the line and asks for a password: nothing is lost, nothing doubled by us."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections

from deployments.models import Milestone
from notifications import delivery
from notifications.delivery import LEASE, MAX_ATTEMPTS, PAUSE, Tally, deliver
from notifications.models import Email
from notifications.outbox import cancel, compose
from tests.notifications.test_templates import HOSTILE, NAMED, context
from tests.outboxes import many, queued
from tests.stages import a_week
from tests.support import processes
from tests.support.ports import free_port
from tests.support.smtp import PASSWORD, Mode, SmtpServer
from tests.support.starts import environment_of_test, go, waiting
from tests.support.threads import at_once
from workflow import clock

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 12, 8, 15, tzinfo=UTC)
SENDER = Path(__file__).with_name("sender.py")
KILLED = -9
HEADERS = {
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("list-id", "auto-submitted", "x-auto-response-suppress"),
}


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


@pytest.fixture
def server(smtp_server: SmtpServer, settings: LazySettings) -> SmtpServer:
    """The application sends to it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", smtp_server.port, 60
    return smtp_server


def send(*, after: timedelta = timedelta(0), **limits: Any) -> Tally:
    return deliver(lambda: NOW + after, **limits)


def states() -> dict[str, int]:
    return dict(Counter(email.state for email in Email.objects.all()))


def attempts() -> set[int]:
    return set(Email.objects.values_list("attempts", flat=True))


# --- All is well ---------------------------------------------------------------------------------------------
def test_a_batch_leaves_on_one_line(server: SmtpServer) -> None:
    queued(*many(30))

    tally = send()

    assert (tally.sent, states()) == (30, {"sent": 30})
    assert server.to == many(30)
    assert server.lines == 1
    assert set(Email.objects.values_list("sent_at", "leased_until", "attempts")) == {(NOW, None, 1)}


def test_nothing_leaves_before_its_time(server: SmtpServer) -> None:
    queued("a@example.com", not_before=NOW + timedelta(minutes=10))

    early, late = send(after=timedelta(minutes=9)), send(after=timedelta(minutes=10))

    assert (early.sent, late.sent) == (0, 1)


# --- One message is at fault ---------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", [Mode.REFUSED, Mode.RCPT_REFUSED, Mode.TOO_LARGE])
def test_refused_for_good_is_given_up_at_once(server: SmtpServer, mode: Mode) -> None:
    queued("bad@example.com")
    server.mode = mode

    tally = send()

    [email] = Email.objects.all()
    assert (tally.parked, tally.fault) == (1, "")
    assert (email.parked_at, email.leased_until, email.last_error) == (NOW, None, mode.value[1])


@pytest.mark.parametrize("mode", [Mode.TRY_LATER, Mode.RCPT_LATER, Mode.RELAY_DENIED])
def test_refused_for_now_is_tried_again(server: SmtpServer, mode: Mode) -> None:
    queued("busy@example.com")
    server.mode = mode

    first = send()
    server.mode = Mode.OK
    too_early, second = send(after=timedelta(seconds=40)), send(after=timedelta(seconds=80))

    assert (first.retried, too_early.sent, second.sent) == (1, 0, 1)
    assert len(server.messages) == 1


@pytest.mark.parametrize("mode", [Mode.REFUSED, Mode.RCPT_REFUSED, Mode.TRY_LATER, Mode.RCPT_LATER])
def test_bad_recipients_concern_nobody_else(server: SmtpServer, mode: Mode) -> None:
    queued(*many(10))
    server.address = {"person3@example.com": mode, "person4@example.com": mode}

    tally = send()

    assert (tally.sent, tally.retried + tally.parked, tally.fault) == (8, 2, "")
    assert server.lines == 1


@pytest.mark.parametrize("mode", [Mode.HANG, Mode.DROP_AFTER_DATA, Mode.CLOSES, Mode.RCPT_CLOSES])
def test_one_that_breaks_the_line_concerns_nobody_else(server: SmtpServer, settings: LazySettings, mode: Mode) -> None:
    queued(*many(6))
    settings.EMAIL_TIMEOUT = 3
    server.address = {"person2@example.com": mode}

    tally = send()

    assert (tally.sent, tally.retried, tally.put_back, tally.fault) == (5, 1, 0, "")
    assert Email.objects.get(sent_at=None).attempts == 1
    assert server.lines == 2


def test_one_that_always_fails_is_given_up_in_the_end(server: SmtpServer) -> None:
    queued("busy@example.com")
    server.mode = Mode.TRY_LATER

    passes = [send(after=timedelta(hours=2 * number)) for number in range(10)]

    assert sum(tally.retried for tally in passes) == MAX_ATTEMPTS - 1
    assert sum(tally.parked for tally in passes) == 1
    assert server.attempts == MAX_ATTEMPTS
    assert Email.objects.get().last_error == "451 Try again later"


def test_pauses_grow_and_are_not_in_step(server: SmtpServer) -> None:
    queued(*many(5))
    server.mode = Mode.TRY_LATER

    send()
    first = set(Email.objects.values_list("not_before", flat=True))
    send(after=timedelta(hours=1))
    second = set(Email.objects.values_list("not_before", flat=True))

    assert len(first) == len(second) == 5
    assert timedelta(seconds=48) <= min(first) - NOW <= max(first) - NOW <= timedelta(seconds=72)
    again = NOW + timedelta(hours=1)
    assert timedelta(seconds=96) <= min(second) - again <= max(second) - again <= timedelta(seconds=144)


def test_a_dropped_line_repeats_the_same_message(server: SmtpServer) -> None:
    queued("a@example.com")
    server.once = [Mode.DROP_AFTER_DATA]

    send()
    send(after=timedelta(minutes=2))

    assert len(server.ids) == 2
    assert len(set(server.ids)) == 1
    assert server.raw[0] == server.raw[1]
    assert states() == {"sent": 1}


def test_a_server_that_always_drops_is_not_fed_without_end(server: SmtpServer) -> None:
    queued("a@example.com")
    server.mode = Mode.DROP_AFTER_DATA

    for number in range(20):
        send(after=timedelta(hours=2 * number))

    assert len(server.messages) == MAX_ATTEMPTS
    assert states() == {"parked": 1}


def test_a_line_closed_after_some_messages_is_opened_again(server: SmtpServer) -> None:
    queued(*many(4))
    server.once = [Mode.OK, Mode.OK, Mode.RCPT_CLOSES]

    first, second = send(), send(after=timedelta(minutes=3))

    assert (first.sent, first.retried, second.sent) == (3, 1, 1)
    assert sorted(server.to) == sorted(many(4))


# --- The server is at fault ----------------------------------------------------------------------------------
@contextmanager
def silent_port() -> Iterator[int]:
    """Somebody accepts the connection and says nothing."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", free_port()))
        listening.listen(50)
        yield listening.getsockname()[1]


def nothing_happened(tally: Tally, number: int) -> None:
    """One look was enough; all rows wait for the pause, and no attempt is counted."""
    assert tally.fault
    assert (tally.sent, tally.retried, tally.parked) == (0, 0, 0)
    assert attempts() == {0}
    waiting = Email.objects.filter(Email.WAITING, leased_until=None, not_before__gte=NOW + PAUSE)
    assert waiting.count() == number


@pytest.mark.parametrize("host", ["127.0.0.1", "mail.invalid"])
def test_without_a_server_everything_waits(server: SmtpServer, settings: LazySettings, host: str) -> None:
    queued(*many(250))
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, free_port()

    nothing_happened(send(), 250)

    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    assert send(after=PAUSE - timedelta(seconds=1)).sent == 0
    assert send(after=PAUSE).sent == 250


def test_a_server_that_does_not_greet_is_waited_for_once(
    server: SmtpServer, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    queued(*many(250))
    began = time.monotonic()

    with silent_port() as port:
        settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = port, 1
        nothing_happened(send(), 250)

    assert time.monotonic() - began < 5
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert Email.objects.exclude(last_error__startswith="The mail server does not take e-mails").count() == 0


@pytest.mark.parametrize(
    "mode", [Mode.SENDER_REFUSED, Mode.SENDER_LATER, Mode.WANTS_SIGN_IN, Mode.CLOSES, Mode.RCPT_CLOSES]
)
def test_a_server_that_refuses_us_is_not_asked_for_each_message(server: SmtpServer, mode: Mode) -> None:
    queued(*many(120))
    server.mode = mode

    nothing_happened(send(), 120)

    assert server.lines <= 2
    server.mode = Mode.OK
    assert send(after=3 * PAUSE).sent == 120


def test_a_wrong_password_is_loud_and_nothing_is_given_up(
    server: SmtpServer, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    queued(*many(3))
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "releaseflow", "wrong"

    for number in range(MAX_ATTEMPTS + 2):
        assert send(after=number * PAUSE).fault.startswith("535")

    assert attempts() == {0}
    assert states() == {"waiting": 3}
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    settings.EMAIL_HOST_PASSWORD = PASSWORD
    assert send(after=timedelta(hours=1)).sent == 3


def test_one_that_meets_the_fault_does_not_stand_in_the_way(server: SmtpServer) -> None:
    """A sender refused could be about one message only: the next pass begins with another."""
    queued(*many(3))
    server.once = [Mode.SENDER_REFUSED]

    send()
    server.once = []
    send(after=PAUSE)
    others = server.to
    send(after=2 * PAUSE)

    assert others == ["person1@example.com", "person2@example.com"]
    assert server.to[2:] == ["person0@example.com"]


def test_a_server_that_hangs_with_every_message_stops_the_pass(server: SmtpServer, settings: LazySettings) -> None:
    queued(*many(50))
    server.mode, settings.EMAIL_TIMEOUT = Mode.HANG, 1

    tally = send()

    assert (tally.retried, tally.put_back, server.attempts) == (2, 48, 2)
    assert Counter(Email.objects.values_list("attempts", flat=True)) == {0: 48, 1: 2}


# --- Time ----------------------------------------------------------------------------------------------------
def test_a_pass_ends_when_its_time_is_up(server: SmtpServer) -> None:
    queued(*many(20))
    ticks = count()

    first = send(seconds=10, monotonic=lambda: next(ticks))
    second = send()

    assert 0 < first.sent < 10
    assert (first.put_back, second.sent) == (20 - first.sent, 20 - first.sent)
    assert attempts() == {1}
    assert server.to == many(20)


def test_a_pass_outlasts_its_time_by_one_silence_at_the_most(server: SmtpServer, settings: LazySettings) -> None:
    queued(*many(20))
    server.mode, settings.EMAIL_TIMEOUT = Mode.HANG, 1
    began = time.monotonic()

    tally = send(seconds=0.5)

    assert time.monotonic() - began < 4
    assert (tally.retried, tally.put_back) == (1, 19)


# --- Two at once, and death ----------------------------------------------------------------------------------
@pytest.fixture
def environment(server: SmtpServer, settings: LazySettings) -> dict[str, str]:
    """In which a process works on this test's database and mail server, by the real clock."""
    return environment_of_test(EMAIL_URL=server.url, EMAIL_TIMEOUT="30")


def due_by_the_real_clock() -> None:
    Email.objects.update(not_before=datetime(2020, 1, 1, tzinfo=UTC))


def test_killed_between_acceptance_and_confirmation_repeats_that_one(
    server: SmtpServer, environment: dict[str, str]
) -> None:
    queued(*many(10))
    due_by_the_real_clock()

    with waiting(SENDER, environment, "4") as process:
        go(process)
    assert process.returncode == KILLED
    assert (len(server.messages), states()) == (4, {"sent": 3, "retrying": 7})
    leased_until = Email.objects.exclude(leased_until=None)[0].leased_until
    assert leased_until is not None
    until: datetime = leased_until
    while_leased = deliver(lambda: until - timedelta(seconds=1))
    afterwards = deliver(lambda: until)

    assert (while_leased.sent, afterwards.sent) == (0, 7)
    times = Counter(server.ids)
    assert sorted(times.values()) == [1] * 9 + [2]
    assert times[server.ids[3]] == 2
    assert server.raw[3] == server.raw[4]
    assert states() == {"sent": 10}


def test_two_processes_send_each_once(server: SmtpServer, environment: dict[str, str]) -> None:
    queued(*many(400))
    due_by_the_real_clock()

    with waiting(SENDER, environment) as one, waiting(SENDER, environment) as other:
        written = go(one, other)

    assert set(Counter(server.ids).values()) == {1}
    assert len(server.ids) == 400
    assert sum(int(text) for text in written) == 400
    assert all(int(text) > 0 for text in written)


def test_cancelling_against_a_running_pass(server: SmtpServer) -> None:
    """Each copy is either taken back or sent, and both sides agree which."""
    letter = queued(*many(150))[0].letter
    cancelled: list[int] = []

    def take_back(number: int) -> None:
        if number == 20:
            cancelled.append(cancel(letter, now=NOW))
            connections.close_all()

    server.during = take_back
    tally = send()

    assert cancelled == [50]  # what the pass had not leased yet
    assert (tally.sent, states()) == (100, {"sent": 100, "cancelled": 50})
    assert len(server.messages) == 100


def test_cancelling_and_leasing_in_the_same_moment(server: SmtpServer) -> None:
    for number in range(20):
        letter = queued(*many(5), key=f"letter{number}")[0].letter

        leased, taken_back = at_once(
            lambda: len(delivery._lease(NOW, Email.objects.all())), partial(cancel, letter, now=NOW)
        )

        assert leased + taken_back == 5
        assert Email.objects.filter(letter=letter, cancelled_at=NOW).count() == taken_back
        assert Email.objects.filter(letter=letter, leased_until=NOW + LEASE).count() == leased


# --- Many ----------------------------------------------------------------------------------------------------
def open_transactions() -> list[str]:
    """What other connections hold open at this moment, as the database itself tells."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT state || ': ' || query FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
                " AND backend_type = 'client backend'"
            )
            return [row[0] for row in cursor.fetchall()]
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            return [str(error)]
    return []


def test_two_thousand_leave_in_one_pass_without_a_transaction_held(server: SmtpServer) -> None:
    queued(*many(2000))
    held: list[str] = []

    def look(number: int) -> None:
        if number % 25 == 1:
            held.extend(open_transactions())
            connections.close_all()

    server.during = look
    tally = send()

    assert held == []
    assert (tally.sent, states()) == (2000, {"sent": 2000})
    assert server.to == many(2000)


def test_a_transaction_held_would_be_seen(server: SmtpServer) -> None:
    from django.db import transaction

    held: list[str] = []

    def look(number: int) -> None:
        held.extend(open_transactions())
        connections.close_all()

    server.during = look
    queued("a@example.com")
    with transaction.atomic():
        send()

    assert held


# --- What people type ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", NAMED)
def test_hostile_words_arrive_harmless(server: SmtpServer, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queued("a@example.com")
    letter = compose(kind, context(kind, HOSTILE, monkeypatch), now=NOW)
    letter.save()
    Email.objects.update(letter=letter)

    assert send().sent == 1

    [message], [raw] = server.messages, server.raw
    text, html = message.iter_parts()
    assert message.get_all("Subject") == [letter.subject]
    assert str(message["Subject"]).isprintable()
    assert {name.lower() for name in message.keys()} == HEADERS  # noqa: SIM118 (a message is no dictionary)
    assert "<script" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()
    assert "<script>" in text.get_content()
    assert [part["Content-Transfer-Encoding"] for part in (text, html)] == ["quoted-printable"] * 2
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.isascii()


# --- Beat alone ----------------------------------------------------------------------------------------------
def test_a_hanging_server_does_not_hold_up_the_deadlines(
    server: SmtpServer, environment: dict[str, str], start: Callable[[processes.Process], processes.Process]
) -> None:
    week = a_week()
    queued(*many(50))
    due_by_the_real_clock()
    server.mode = Mode.HANG
    Milestone.objects.update(due_at=datetime(2999, 1, 1, tzinfo=UTC))
    quick = {"ENFORCE_EVERY": "1", "DELIVER_EVERY": "1", "EMAIL_TIMEOUT": "2", "REDIS_URL": ""}
    beat = start(processes.beat({**environment, **quick, "LOG_LEVEL": "INFO"}))
    beat.wait_until(server.reached.is_set)

    Milestone.objects.filter(week=week, key="code_review").update(due_at=datetime(2020, 1, 1, tzinfo=UTC))
    began = time.monotonic()
    beat.wait_until(lambda: Milestone.objects.filter(week=week, key="code_review").exclude(enforced_at=None).exists())

    assert time.monotonic() - began < 10
    assert not Email.objects.exclude(sent_at=None).exists()
