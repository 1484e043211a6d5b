"""Telling another change system, on real HTTP: what it is told, once each, and what becomes of what fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection

from crq.change_system import line, queue, telling
from crq.change_system.access import access
from crq.change_system.by_hand import NUMBER
from crq.change_system.differences import CHANGE
from crq.change_system.queue import LEASE, Tally
from crq.change_system.telling import READ_EVERY, file_name, tell
from crq.models import CRQ, AttachedThere, ChangeThere, Document, NumberThere
from deployments.flow import DEPLOYMENT, WEEK
from notifications.delivery import MAX_ATTEMPTS, PAUSE
from releaseflow import metrics, tasks
from releaseflow.doctor import change_system
from releaseflow.models import Heartbeat
from tests.stages import EARLY, Stage
from tests.support.change_server import DROP, HANG, PASSWORD, USER, ChangeServer, change_server
from workflow import clock
from workflow.machine import begin, perform

KINDS = ("servicenow", "helix")
FILES = ["justification v1 justification.pdf", "plan v1 plan.pdf", "tests v1 tests.pdf"]


@pytest.fixture(scope="module")
def _running() -> Iterator[ChangeServer]:
    with change_server() as box:
        yield box


@pytest.fixture
def server(_running: ChangeServer, settings: LazySettings, stage: Stage) -> ChangeServer:
    """An empty ServiceNow that kindly answers; the application tells it."""
    ChangeServer.__init__(_running, port=_running.port)
    use(settings, _running, "servicenow")
    return _running


def use(settings: LazySettings, server: ChangeServer, kind: str, **more: str) -> None:
    given = {"password": PASSWORD, "sign_in": "basic", "file": "", **more}
    settings.CHANGE_SYSTEM = access(kind=kind, url=server.url, user=USER, **given)


def told(*, after: timedelta = timedelta(0)) -> Tally:
    with clock.frozen(EARLY + after):
        return tell(clock.now)


def row() -> ChangeThere:
    return ChangeThere.objects.get()


# --- What it is told -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_a_crq_is_there_with_its_documents_and_its_number_is_here(
    server: ChangeServer, settings: LazySettings, stage: Stage, kind: str
) -> None:
    use(settings, server, kind)
    crq = stage.ready().crq

    tally = told()

    [change] = server.changes
    [number] = NumberThere.objects.all()
    assert (tally.told, tally.fault) == (1, "")
    assert (
        f"Number in releaseflow: {crq.number}"
        in change["description" if kind == "servicenow" else "Detailed Description"]
    )
    assert (number.crq, number.number, number.who) == (crq, change["number"], "releaseflow")
    assert sorted(name for _, name, _ in server.files) == FILES
    assert AttachedThere.objects.filter(by=None, document__crq=crq).count() == 3
    assert (row().state, row().differing, row().last_error, row().leased_until) == ("New", 0, "", None)


def test_oauth_signs_in_once_for_a_pass(server: ChangeServer, settings: LazySettings, stage: Stage) -> None:
    use(settings, server, "servicenow", sign_in="oauth")
    stage.with_crq()
    stage.beside().with_crq()

    assert (told().told, server.signed_in, len(server.changes)) == (2, 1, 2)


def test_by_hand_nothing_is_noted_and_nobody_is_called(settings: LazySettings, stage: Stage) -> None:
    settings.CHANGE_SYSTEM = None
    stage.cleared()

    assert not ChangeThere.objects.exists()
    assert tell(clock.now) == Tally()


def test_what_follows_is_told_alone(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.ready()
    told()
    server.calls.clear()
    stage.approve(deployment.crq)

    tally = told()

    assert (tally.told, len(server.asked("PATCH")), server.asked("POST")) == (1, 1, [])
    assert "Approved by: Anita Desai" in server.changes[0]["description"]


def test_what_changes_nothing_there_is_not_sent(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.with_crq()
    told()
    perform(DEPLOYMENT, "comment", deployment, by=stage.cast.developer, text="Looks good", mentioned=[], reason="Fine")

    assert (told().told, server.asked("PATCH")) == (1, [])


def test_a_new_version_of_a_document_is_attached(server: ChangeServer, stage: Stage) -> None:
    crq = stage.ready().crq
    told()
    stage.attach(crq, "plan", b"%PDF-1.4 second ")

    told()

    assert sorted(name for _, name, _ in server.files) == sorted([*FILES, "plan v2 plan.pdf"])


def test_a_long_name_keeps_what_tells_it_apart() -> None:
    name = file_name(Document(kind="justification", version=12, name=f"{'x' * 146}.pdf"))

    assert (name[:18], name[-4:], len(name) <= 100) == ("justification v12 ", ".pdf", True)


def test_a_week_that_moves_is_told_for_its_crqs(server: ChangeServer, stage: Stage) -> None:
    for place in (stage, stage.beside()):
        place.with_crq()
    told()

    perform(WEEK, "skip", stage.week, by=stage.cast.scrum_master, reason="Code freeze")

    assert ChangeThere.objects.filter(ChangeThere.WAITING).count() == 2


def test_what_people_changed_there_stays_until_ours_is_sent(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.ready()
    told()
    server.changes[0]["short_description"] = "Their words"
    stage.approve(deployment.crq)
    told()
    assert (server.changes[0]["short_description"], row().differing) == ("Their words", 1)

    perform(CHANGE, "send", row(), by=stage.cast.developer)
    told()

    assert (server.changes[0]["short_description"], row().differing) == (deployment.crq.title, 0)


def test_what_is_there_is_read_each_hour_until_the_crq_is_closed(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.with_crq()
    told()
    server.changes[0]["state"] = "Scheduled"
    early, late = told(after=READ_EVERY - timedelta(seconds=1)), told(after=READ_EVERY)
    assert (early.read, late.read, row().state) == (0, 1, "Scheduled")

    perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
    told(after=2 * READ_EVERY)

    assert (row().crq.status, row().not_before) == (CRQ.Status.CLOSED, None)


def test_what_was_closed_before_is_not_made_there(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.with_crq()
    perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")

    assert (told().told, server.changes, row().told) == (1, [], row().revision)


# --- Numbers -------------------------------------------------------------------------------------------------
def test_a_change_that_somebody_noted_is_taken_up(server: ChangeServer, stage: Stage) -> None:
    server.make("CHG0000042", {})
    crq = stage.with_crq().crq
    begin(NUMBER, "note", NumberThere(crq=crq, number="CHG0000042"), by=stage.cast.developer)

    told()

    assert [each["correlation_id"] for each in server.changes] == [crq.number]
    assert NumberThere.objects.get().who == "Hannah Cole"


def test_a_number_that_is_not_there_makes_no_second_change(server: ChangeServer, stage: Stage) -> None:
    crq = stage.with_crq().crq
    begin(NUMBER, "note", NumberThere(crq=crq, number="CHG0000042"), by=stage.cast.developer)

    assert (told().parked, server.changes) == (1, [])
    assert row().last_error == "ServiceNow has no CHG0000042: is the number right?"


def test_a_number_that_was_removed_stays_removed(server: ChangeServer, stage: Stage) -> None:
    deployment = stage.ready()
    told()
    perform(NUMBER, "forget", NumberThere.objects.get(), by=stage.cast.developer)
    stage.approve(deployment.crq)

    told()

    assert not NumberThere.objects.exists()


@pytest.mark.parametrize("number", ["<b>", "x" * 50, "CHG1^ORnumber=2"])
def test_what_is_no_number_is_not_noted(server: ChangeServer, stage: Stage, number: str) -> None:
    crq = stage.with_crq().crq
    server.make(number, {"correlation_id": crq.number})

    assert told().parked == 1
    assert "has a form that cannot be noted here" in row().last_error
    assert (row().number, NumberThere.objects.exists()) == ("", False)


def test_the_number_of_another_crq_here_is_shown_and_not_noted(server: ChangeServer, stage: Stage) -> None:
    first = stage.with_crq().crq
    second = stage.beside().with_crq().crq
    server.make(first.number, {"correlation_id": second.number})

    assert told().told == 2
    assert (second.change_there.number, second.change_there.differing) == (first.number, 1)
    assert not NumberThere.objects.filter(crq=second).exists()


# --- When it fails -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_taken_without_an_answer_is_not_made_twice(
    server: ChangeServer, settings: LazySettings, stage: Stage, kind: str
) -> None:
    """The connection breaks after each call that writes: the change, then each of three documents."""
    use(settings, server, kind)
    stage.ready()
    server.next = {"POST": [DROP, DROP, DROP, DROP]}

    faults = [told(after=timedelta(hours=hours)).fault for hours in range(5)]

    assert [bool(each) for each in faults] == [True] * 4 + [False]
    assert (len(server.changes), sorted(name for _, name, _ in server.files)) == (1, FILES)
    assert (row().told, row().attempts) == (row().revision, 0)


class Killed(BaseException):
    """Nothing of the application's catches it, as nothing does when the process is killed."""


def test_killed_before_the_confirmation_it_is_told_once_more_and_made_once(
    server: ChangeServer, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.ready()
    with monkeypatch.context() as patched:
        patched.setattr(telling, "confirm", _die)
        with pytest.raises(Killed):
            told()

    while_leased, afterwards = told(after=LEASE - timedelta(seconds=1)), told(after=LEASE)

    assert (while_leased.told, afterwards.told) == (0, 1)
    assert (len(server.changes), len(server.files), NumberThere.objects.count()) == (1, 3, 1)


def _die(*_: object) -> None:
    raise Killed


def test_what_comes_in_while_it_is_told_is_told_after(server: ChangeServer, stage: Stage, monkeypatch: Any) -> None:
    deployment = stage.ready()
    real = queue.confirm

    def slowly(*arguments: Any) -> None:
        monkeypatch.setattr(telling, "confirm", real)
        stage.approve(deployment.crq)
        real(*arguments)

    monkeypatch.setattr(telling, "confirm", slowly)

    assert told().told == 2
    assert "Approved by: Anita Desai" in server.changes[0]["description"]


def test_nothing_is_asked_in_a_transaction(server: ChangeServer, stage: Stage, monkeypatch: Any) -> None:
    stage.ready()
    inside, depths = line.Line.text, []

    def watched(*arguments: Any, **more: Any) -> str:
        depths.append(len(connection.savepoint_ids))  # the test's own transaction has none
        return inside(*arguments, **more)

    monkeypatch.setattr(line.Line, "text", watched)
    told()

    assert (len(depths), set(depths)) == (6, {0})


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        ((401, {}, b""), PAUSE),
        ((429, {"Retry-After": "300"}, b""), timedelta(minutes=5)),
        ((503, {"Retry-After": "9999999"}, b""), timedelta(hours=1)),
        ((302, {"Location": "https://elsewhere"}, b""), PAUSE),
    ],
    ids=["401", "429", "503", "302"],
)
def test_a_system_that_does_not_let_us_in_makes_all_wait(
    server: ChangeServer, stage: Stage, answer: Any, wait: timedelta
) -> None:
    stage.with_crq()
    stage.beside().with_crq()
    server.next = {"GET": [answer]}

    tally = told()

    assert (bool(tally.fault), len(server.calls)) == (True, 1)
    assert set(ChangeThere.objects.values_list("attempts", "not_before", "parked_at")) == {(0, EARLY + wait, None)}
    assert told(after=wait).told == 2


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        ((500, {}, b"oops"), False),
        ((200, {}, b"{not json"), False),
        ((200, {}, b"x" * 2000), True),
        ((200, {"Content-Length": "99"}, b"{}"), True),
        (HANG, True),
    ],
    ids=["500", "not JSON", "too long", "broken off", "hang"],
)
def test_what_fails_for_one_is_tried_again(
    server: ChangeServer, stage: Stage, monkeypatch: Any, answer: Any, ends: bool
) -> None:
    """Where nobody knows what was done, the pass ends as well."""
    stage.with_crq()
    server.next = {"GET": [answer]}

    with monkeypatch.context() as patched:
        patched.setattr(line, "LARGEST", 1000)
        patched.setattr(line, "TIMEOUT", (1, 0.1))
        first = told()
    early, late = told(after=PAUSE * 0.7), told(after=PAUSE * 1.3)

    assert (first.retried, bool(first.fault)) == (1, ends)
    assert (early.told, late.told, row().last_error) == (0, 1, "")


def test_a_server_that_is_gone_is_waited_for(server: ChangeServer, settings: LazySettings, stage: Stage) -> None:
    stage.with_crq()
    right, settings.CHANGE_SYSTEM = settings.CHANGE_SYSTEM, access(
        kind="servicenow", url="http://127.0.0.1:9", user=USER, password=PASSWORD, sign_in="basic", file=""
    )  # fmt: skip

    assert told().fault == "ServiceNow cannot be reached."
    settings.CHANGE_SYSTEM = right
    assert told(after=PAUSE).told == 1


def test_what_fails_again_and_again_is_given_up_and_sent_again(server: ChangeServer, stage: Stage) -> None:
    stage.with_crq()
    server.next = {"GET": [(500, {}, b'{"error": {"message": "Script error"}}')] * MAX_ATTEMPTS}

    tallies = [told(after=timedelta(hours=2 * number)) for number in range(MAX_ATTEMPTS)]

    assert [each.parked for each in tallies] == [0] * (MAX_ATTEMPTS - 1) + [1]
    assert (told(after=timedelta(days=2)).told, row().last_error) == (0, "ServiceNow answered 500: Script error.")
    perform(CHANGE, "send", row(), by=stage.cast.developer)
    assert (told().told, row().parked_at) == (1, None)


def test_a_refusal_of_the_words_is_given_up_at_once_and_leaves_the_others(server: ChangeServer, stage: Stage) -> None:
    stage.with_crq()
    stage.beside().with_crq()
    server.next = {"POST": [(400, {}, b'{"error": {"message": "Bad category", "detail": null}}')]}

    tally = told()

    assert (tally.parked, tally.told, len(server.changes)) == (1, 1, 1)
    assert ChangeThere.objects.get(ChangeThere.GIVEN_UP).last_error == "ServiceNow answered 400: Bad category."


def test_a_mistake_of_ours_concerns_one_crq_alone(server: ChangeServer, stage: Stage, monkeypatch: Any) -> None:
    stage.with_crq()
    monkeypatch.setattr(telling, "change_fields", lambda *_, **__: 1 / 0)

    assert told().retried == 1
    assert row().last_error == "releaseflow could not make it: ZeroDivisionError."


def test_no_secret_is_logged(
    server: ChangeServer, settings: LazySettings, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, server, "helix")
    stage.with_crq()
    server.next = {"GET": [(500, {}, b"")]}

    with caplog.at_level("DEBUG"):
        told()

    assert "answered 500" in caplog.text
    assert PASSWORD not in caplog.text


def test_a_pass_begins_nothing_after_its_time(server: ChangeServer, stage: Stage) -> None:
    stage.with_crq()
    ticks: Iterator[float] = iter([0.0, 11.0])

    assert tell(clock.now, seconds=10, monotonic=lambda: next(ticks)).told == 0
    assert server.calls == []


def test_an_old_crq_is_told_from_the_next_act_on(server: ChangeServer, settings: LazySettings, stage: Stage) -> None:
    new, settings.CHANGE_SYSTEM = settings.CHANGE_SYSTEM, None
    deployment = stage.ready()
    settings.CHANGE_SYSTEM = new
    assert told().told == 0

    stage.approve(deployment.crq)

    assert (told().told, len(server.changes)) == (1, 1)


# --- Seen from outside ---------------------------------------------------------------------------------------
def test_the_doctor_signs_in_and_writes_nothing(server: ChangeServer, settings: LazySettings) -> None:
    well = change_system()
    use(settings, server, "servicenow", password="wrong")
    ill = change_system()

    assert (well.ok, well.sentence) == (True, "ServiceNow answers and lets us in.")
    assert (ill.ok, ill.sentence) == (
        False,
        "ServiceNow does not accept our sign-in (401). CRQs wait; nothing is lost.",
    )
    assert server.changes == []


def test_the_numbers_tell_what_waits_was_given_up_and_differs(server: ChangeServer, stage: Stage) -> None:
    stage.with_crq()
    told()
    ChangeThere.objects.update(differing=1)
    ChangeThere.objects.filter(crq=stage.beside().with_crq().crq).update(parked_at=EARLY, last_error="500")
    stage.beside().with_crq()

    numbers = metrics.text(EARLY).decode()

    for what in ("differing", "given_up", "waiting"):
        assert f'releaseflow_change_system{{what="{what}"}} 1.0' in numbers


def test_beat_tells_and_leaves_a_mark(server: ChangeServer, stage: Stage) -> None:
    stage.with_crq()

    tasks.tell_change_system()

    assert len(server.changes) == 1
    assert Heartbeat.objects.get(task="tell_change_system").at == EARLY
