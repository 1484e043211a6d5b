"""What machines ask: alive, ready, numbers; and the doctor, who asks for a person."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from notifications.models import Post
from releaseflow import condition, tasks
from releaseflow.models import Heartbeat
from tests.outboxes import posted
from tests.stages import EARLY, Stage, moment
from tests.support import smtp
from workflow import clock

Said = pytest.CaptureFixture[str]


def parts(client: Client) -> dict[str, bool]:
    return {name: part["ok"] for name, part in client.get("/readyz").json()["parts"].items()}


@pytest.fixture
def well(db: None) -> Iterator[datetime]:
    """The clock stands still, and everything that beat does was done just now."""
    with clock.frozen(EARLY) as now:
        tasks.enforce_deadlines()
        yield now


# --- Alive ---------------------------------------------------------------------------------------------------
def test_the_process_answers_anybody_and_asks_nothing(client: Client, db: None, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        response = client.get("/healthz", headers={"host": "whatever.example.com"})

    assert (response.status_code, response.content) == (200, b"ok")
    assert response.headers["Content-Type"] == "text/plain"
    assert client.post("/healthz").status_code == 405


# --- Ready ---------------------------------------------------------------------------------------------------
def test_ready_when_everything_works(client: Client, well: datetime) -> None:
    response = client.get("/readyz", headers={"host": "10.0.0.7"})

    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert set(response.json()["parts"]) == {"database", "migrations", "tick", "mail", "disk"}
    assert response.headers["Cache-Control"] == "no-store"


def test_not_ready_before_the_first_tick(client: Client, db: None) -> None:
    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["parts"]["tick"]["sentence"].startswith("Deadlines were never looked at")


@pytest.mark.parametrize(("late", "ok"), [(180, True), (181, False)])
def test_a_late_tick_is_seen(client: Client, well: datetime, late: int, ok: bool) -> None:
    with clock.frozen(well + timedelta(seconds=late)):
        assert parts(client)["tick"] is ok


def test_a_tick_that_fails_leaves_no_mark(well: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(now: datetime) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(tasks, "tick", fail)
    with clock.frozen(well + timedelta(hours=1)), pytest.raises(DatabaseError):
        tasks.enforce_deadlines()

    assert Heartbeat.objects.get(task="enforce_deadlines").at == well


@pytest.mark.parametrize(("waits", "ok"), [(600, True), (601, False)])
def test_mail_that_nobody_sends_is_seen(client: Client, stage: Stage, waits: int, ok: bool) -> None:
    stage.ready()  # asks for the approval
    with clock.frozen(EARLY + timedelta(seconds=waits)):
        tasks.enforce_deadlines()

        assert parts(client)["mail"] is ok


@pytest.mark.parametrize(("waits", "ok"), [(600, True), (601, False)])
def test_posts_that_nobody_sends_are_seen(client: Client, well: datetime, waits: int, ok: bool) -> None:
    posted("2026-12-10")
    with clock.frozen(well + timedelta(seconds=waits)):
        tasks.enforce_deadlines()

        assert parts(client)["mail"] is ok


def test_a_missing_migration_is_seen(client: Client, well: datetime) -> None:
    MigrationRecorder(connection).record_unapplied("releaseflow", "0005_number_there_is_indexed")

    found = client.get("/readyz").json()["parts"]["migrations"]

    assert found == {
        "ok": False,
        "sentence": "1 not applied (releaseflow.0005_number_there_is_indexed): run manage.py migrate.",
    }


def test_a_dead_database_is_told_and_nothing_behind_it(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(now: datetime) -> condition.Finding:
        raise DatabaseError("connection refused\nIs the server running?")

    monkeypatch.setattr(condition, "BEHIND_DATABASE", (dead,))

    response = client.get("/readyz")

    assert response.status_code == 503
    assert parts(client) == {"database": False, "disk": True}
    assert response.json()["parts"]["database"]["sentence"] == "Does not answer: connection refused"


def test_a_full_disk_is_seen(client: Client, well: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "LEAST_FREE", 1 << 60)

    assert parts(client)["disk"] is False


# --- Numbers -------------------------------------------------------------------------------------------------
def numbers(client: Client) -> dict[str, float]:
    text = client.get("/metrics", headers={"authorization": "Bearer open sesame"}).content.decode()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name.removeprefix("releaseflow_"): float(value) for name, value in lines}


def test_numbers_only_for_who_shows_the_token(client: Client, db: None, settings: LazySettings) -> None:
    assert client.get("/metrics").status_code == 404

    settings.METRICS_TOKEN = "open sesame"

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer open"}).status_code == 401
    assert client.get("/metrics", headers={"authorization": "Bearer open sesame"}).status_code == 200


def test_the_numbers_tell_what_is_late(
    client: Client, stage: Stage, settings: LazySettings, django_assert_num_queries
) -> None:
    settings.METRICS_TOKEN = "open sesame"
    stage.ready()
    with clock.frozen(moment(stage.week, "cutoff", minutes=1)):
        before = numbers(client)
        tasks.enforce_deadlines()
    with clock.frozen(moment(stage.week, "approval", minutes=1)):
        tasks.enforce_deadlines()
        with django_assert_num_queries(8):
            after = numbers(client)

    assert (before["overdue_deadlines"], after["overdue_deadlines"]) == (3, 0)
    assert (before['deployments{status="planned"}'], after['deployments{status="planned"}']) == (1, 0)
    assert after['held_deployments{week="2026-12-10"}'] == 1
    assert after['tick_age_seconds{task="enforce_deadlines"}'] == 0
    assert after["outbox_waiting"] > before["outbox_waiting"] > 0
    assert after["outbox_overdue_seconds"] > 0


def test_the_numbers_tell_of_posts(client: Client, well: datetime, settings: LazySettings) -> None:
    settings.METRICS_TOKEN = "open sesame"
    given_up, *_ = posted("2026-12-10", "2026-12-17", "2026-12-24")
    Post.objects.filter(pk=given_up.pk).update(parked_at=well)

    with clock.frozen(well + timedelta(seconds=90)):
        found = numbers(client)

    assert [found[f"posts_{name}"] for name in ("waiting", "parked", "overdue_seconds")] == [2, 1, 90]


# --- The doctor ----------------------------------------------------------------------------------------------
def doctor(said: Said) -> dict[str, dict[str, object]]:
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    assert ended.value.code == 1
    return {each["name"]: each for each in json.loads(said.readouterr().out)}


def test_the_doctor_names_what_is_missing(well: datetime, capsys: Said) -> None:
    found = doctor(capsys)

    assert found["people"]["sentence"] == (
        "Nobody is Dev Team or Dev Manager or Scrum Master or DevOps or EDMT Director or Administrator yet."
    )
    assert found["weeks"]["ok"] is False
    assert found["mail server"]["sentence"] == "EMAIL_URL names no mail server: nothing leaves."
    assert found["clock"]["ok"]
    assert found["time zone"]["ok"]


def test_the_doctor_finds_people_and_weeks(stage: Stage, capsys: Said) -> None:
    found = doctor(capsys)

    assert found["people"]["sentence"] == "Somebody holds each role."
    assert found["weeks"]["sentence"] == "1 week open for plans."


def test_the_doctor_greets_the_mail_server(
    db: None, settings: LazySettings, smtp_server: smtp.SmtpServer, capsys: Said
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", smtp_server.port

    assert doctor(capsys)["mail server"]["ok"]

    settings.EMAIL_PORT = 1

    assert "does not take mail" in str(doctor(capsys)["mail server"]["sentence"])
    assert not smtp_server.messages


def test_the_doctor_says_when_the_broker_is_silent(db: None, settings: LazySettings, capsys: Said) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert str(doctor(capsys)["broker"]["sentence"]).startswith("Redis does not answer")


def test_a_skewed_clock_is_told(db: None, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_read", lambda: datetime.now(UTC) + timedelta(seconds=9))  # noqa: TID251

    assert doctor(capsys)["clock"]["sentence"] == "The database's clock, which counts, is +9 s off this machine's."
