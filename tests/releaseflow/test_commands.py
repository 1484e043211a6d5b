"""The commands that do once what beat does all the time, and the demonstration's refusals."""

import io
import json
import socket
from collections.abc import Iterator
from datetime import date, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.roles import Role, people
from crq import deadlines
from crq.exemptions import EXEMPTION
from crq.models import CRQ, Announcement, ExemptionRequest, Snapshot
from deployments.models import ClosedDay, Deferral, Deployment, Milestone, ReleaseWeek
from notifications.delivery import LEASE
from notifications.line import Line
from notifications.models import Email, Letter
from notifications.outbox import enqueue
from releaseflow import tasks
from tests.stages import EARLY, Stage, a_week, moment
from workflow import clock
from workflow.machine import begin
from workflow.models import Event

Said = pytest.CaptureFixture[str]


@pytest.fixture
def tuesday_evening(stage: Stage) -> Iterator[Stage]:
    """One deployment without its approval, two minutes after the deadline, nothing enforced yet."""
    stage.ready()
    with clock.frozen(moment(stage.week, "approval", minutes=2)):
        yield stage


# --- enforce_deadlines ---------------------------------------------------------------------------------------
def test_a_dry_run_says_what_would_happen_and_changes_nothing(tuesday_evening: Stage, capsys: Said) -> None:
    before = everything()
    call_command("enforce_deadlines", "--dry-run")

    said = capsys.readouterr().out.splitlines()
    assert said[3] == "Would enforce: CRQ approval of week of Thu Dec 10, due Tue Dec 8, 5:00 pm ET. 1 deployment held."
    held = "Would follow: hold, Session timeout for the admin portal (Admin portal)"
    assert f"{held} (Not done by Tue Dec 8, 5:00 pm ET: CRQ approved)." in said
    assert said[-1].startswith("Would queue: ")
    assert everything() == before


def test_a_dry_run_as_json_says_the_same_as_the_run_after_it(tuesday_evening: Stage, capsys: Said) -> None:
    call_command("enforce_deadlines", "--dry-run", "--json")
    dry = json.loads(capsys.readouterr().out)
    call_command("enforce_deadlines", "--json")

    assert json.loads(capsys.readouterr().out) == dry
    assert [each["action"] for each in dry["follows"] if each["object"] == "deployment"] == ["hold"]


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all that deadlines touch."""
    models = (Deployment, Milestone, Event, Email, Letter, Snapshot, CRQ, ExemptionRequest, Deferral, Announcement)
    return {model.__name__: list(model._default_manager.order_by("pk").values_list()) for model in models}


def test_what_follows_from_a_deadline_is_judged_by_that_instant_too(stage: Stage, capsys: Said) -> None:
    """The week ends while the next one is open; when the command runs, the next one is over as well."""
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    deployment, other = stage.ready(), stage.beside()
    crq = other.open_crq(other.plan("Asks"))
    with clock.frozen(moment(stage.week, "cutoff", hours=-1)):
        request = ExemptionRequest(crq=crq, why="Law", why_now="Date", risk="Low")
        begin(EXEMPTION, "request", request, by=stage.cast.manager)
    end = moment(stage.week, "install_close", minutes=1)

    with clock.frozen(moment(following, "install_close", days=3)):
        call_command("enforce_deadlines", "--at", end.isoformat())

    assert stage.fresh(deployment).week == following
    assert set(Event.objects.filter(action__in=["lapse", "move", "send", "enforce"]).values_list("at", flat=True)) == {
        end
    }
    assert not Milestone.objects.filter(week=following, key="cutoff").exclude(enforced_at=None).exists()


def test_a_demonstration_may_look_ahead(tuesday_evening: Stage, capsys: Said, settings: LazySettings) -> None:
    settings.DEMO = True
    call_command("enforce_deadlines", "--at", "2026-12-10T18:01", "--json")

    assert json.loads(capsys.readouterr().out)["due"][-1]["milestone"] == "install_close"


def test_passed_deadlines_are_enforced_once(tuesday_evening: Stage, capsys: Said) -> None:
    call_command("enforce_deadlines")
    first = capsys.readouterr().out.splitlines()
    call_command("enforce_deadlines")
    second = capsys.readouterr().out

    assert first[-1].endswith("due Tue Dec 8, 5:00 pm ET. 1 deployment held.")
    assert second == "No deadline is waiting.\n"
    assert Deployment.objects.get().status == Deployment.Status.HELD


def test_at_looks_back_to_an_eastern_time(tuesday_evening: Stage, capsys: Said) -> None:
    call_command("enforce_deadlines", "--at", "2026-12-08T14:01", "--json")

    record = json.loads(capsys.readouterr().out)
    assert [each["milestone"] for each in record["due"]] == ["code_review", "plan_email", "cutoff"]
    assert [each["held"] for each in record["due"]] == [0, 0, 0]
    assert record["failed"] == 0


@pytest.mark.parametrize(
    ("at", "words"),
    [("soon", "--at must be an instant like 2026-12-08T14:01, not 'soon'"), ("2026-12-08T17:03", "is in the future")],
)
def test_at_is_checked(tuesday_evening: Stage, at: str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as refused:
        call_command("enforce_deadlines", "--at", at)

    assert refused.value.returncode == 2
    assert not Milestone.objects.exclude(enforced_at=None).exists()


def test_a_deadline_that_fails_is_told_and_the_exit_code_says_so(
    tuesday_evening: Stage, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setitem(deadlines.EFFECTS, "plan_email", broken)
    with pytest.raises(SystemExit) as ended:
        call_command("enforce_deadlines")

    said = capsys.readouterr()
    assert ended.value.code == 1
    assert "Could not enforce: Plan e-mail of week of Thu Dec 10." in said.err
    assert said.out.splitlines() == [
        "Enforced: Code review of week of Thu Dec 10, due Wed Dec 2, 10:00 am ET. No deployments held."
    ]


# --- deliver_emails ------------------------------------------------------------------------------------------
@pytest.fixture
def waiting(stage: Stage) -> None:
    enqueue("moved", _about(stage), to=[stage.cast.manager, stage.cast.developer], key="test", now=EARLY)


def _about(stage: Stage) -> dict[str, Any]:
    deployment = stage.plan()
    return {
        "deployment": deployment,
        "crq": None,
        "week": stage.week,
        "url": "-",
        "actor": "-",
        "reason": "-",
        "note": {},
    }


def test_the_outbox_is_sent_once(waiting: None, capsys: Said) -> None:
    call_command("deliver_emails")
    call_command("deliver_emails", "--json")

    first, second = capsys.readouterr().out.splitlines()
    assert first == "2 sent, 0 to be tried again, 0 given up."
    assert json.loads(second) == {"sent": 0, "retried": 0, "parked": 0, "put_back": 0, "fault": ""}


def test_what_is_given_up_shows_in_the_exit_code(waiting: None, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(line: Line, email: Email) -> None:
        raise SMTPRecipientsRefused({email.to: (550, b"no such user")})

    monkeypatch.setattr(Line, "send", refuse)
    with pytest.raises(SystemExit) as ended:
        call_command("deliver_emails")

    assert ended.value.code == 1
    assert capsys.readouterr().out == "0 sent, 0 to be tried again, 2 given up.\n"


def test_a_mail_server_that_does_not_answer_has_an_exit_code_of_its_own(
    waiting: None, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(line: Line) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(Line, "open", refuse)
    with pytest.raises(SystemExit) as ended:
        call_command("deliver_emails")

    said = capsys.readouterr()
    assert ended.value.code == 3
    assert said.out == "0 sent, 0 to be tried again, 0 given up, 2 put back.\n"
    assert "The mail server does not take e-mails: ConnectionRefusedError: [Errno 111] Connection refused." in said.err


def test_the_time_for_sending_is_checked(waiting: None) -> None:
    with pytest.raises(CommandError, match="--seconds must be more than 0, not -1") as refused:
        call_command("deliver_emails", "--seconds=-1")

    assert refused.value.returncode == 2
    assert not Email.objects.exclude(sent_at=None).exists()


def test_no_limit_strikes_while_a_message_is_handed_over() -> None:
    """A pass may take DELIVER_EVERY, then one message to a server that is slow with connection and every command."""
    longest = 60 + 14 * 30  # the most that settings allow

    assert longest < LEASE.total_seconds() == tasks.deliver_emails.time_limit == tasks.deliver_emails.soft_time_limit


# --- open_weeks ----------------------------------------------------------------------------------------------
def test_missing_weeks_are_opened(db: None, capsys: Said) -> None:
    ClosedDay.objects.create(day=date(2026, 12, 24), name="Year-end freeze", kind="freeze")
    with clock.frozen(EARLY):
        call_command("open_weeks", "--ahead", "2")
        call_command("open_weeks", "--ahead", "2")

    assert capsys.readouterr().out.splitlines() == [
        "Opened the week of Thu Dec 10: install on Thu Dec 10.",
        "Opened the week of Thu Dec 17: install on Thu Dec 17.",
        "Opened the week of Thu Dec 24: no install, Year-end freeze.",
        "Every week is there already.",
    ]


def test_weeks_as_json(db: None, capsys: Said) -> None:
    with clock.frozen(EARLY):
        call_command("open_weeks", "--ahead", "0", "--json")

    week = {"week": "2026-12-10", "install_day": "2026-12-10", "skip_reason": ""}
    assert json.loads(capsys.readouterr().out) == {"opened": [week]}


@pytest.mark.parametrize("ahead", ["-1", "61"])
def test_how_many_weeks_is_checked(db: None, ahead: str) -> None:
    with pytest.raises(CommandError, match=f"--ahead must be from 0 to 60, not {ahead}") as refused:
        call_command("open_weeks", "--ahead", ahead)

    assert refused.value.returncode == 2
    assert not ReleaseWeek.objects.exists()


# --- demo ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("demo", "port", "words"),
    [
        (False, "8000", "only runs with DEMO=1"),
        (True, "0", "must be a number from 1 to 65535, not '0'"),
        (True, "http", "must be a number from 1 to 65535, not 'http'"),
    ],
)
def test_the_demo_refuses_with_a_sentence(settings: LazySettings, demo: bool, port: str, words: str) -> None:
    settings.DEMO = demo

    with pytest.raises(CommandError, match=words) as refused:
        call_command("demo", "--port", port)

    assert refused.value.returncode == 2


def test_the_demo_names_a_port_that_is_taken(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEMO = True
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        with pytest.raises(CommandError, match=f"Another program listens on port {port}. Choose another one"):
            call_command("demo")


def test_every_command_has_help(capsys: Said) -> None:
    for command in ("demo", "seed_demo", "enforce_deadlines", "deliver_emails", "open_weeks"):
        with pytest.raises(SystemExit) as ended:
            call_command(command, "--help")
        assert ended.value.code == 0
        assert len(capsys.readouterr().out) > 200


# --- first_administrator -------------------------------------------------------------------------------------
def appoint(password: str, monkeypatch: pytest.MonkeyPatch, email: str = "Rosa@example.com") -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("first_administrator", email, "Rosa", "Diaz")


def test_the_first_administrator_signs_in_and_is_on_record(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    appoint("slow river 27 boats", monkeypatch)

    rosa = User.objects.get(email="rosa@example.com")
    assert capsys.readouterr().out == "Rosa Diaz is administrator and signs in as rosa@example.com.\n"
    assert client.login(username="rosa@example.com", password="slow river 27 boats")
    assert people(Role.ADMINISTRATOR) == [rosa]
    assert Event.objects.get(action="first_administrator").object_id == rosa.pk


def test_there_is_one_first_administrator_only(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    appoint("slow river 27 boats", monkeypatch)

    with pytest.raises(CommandError, match="Rosa Diaz is administrator already"):
        appoint("slow river 27 boats", monkeypatch, "mallory@example.com")
    assert User.objects.count() == 1


@pytest.mark.parametrize(("password", "email"), [("12345", "rosa@example.com"), ("slow river 27 boats", "rosa")])
def test_a_weak_password_or_a_wrong_address_makes_nobody(
    db: None, monkeypatch: pytest.MonkeyPatch, password: str, email: str
) -> None:
    with pytest.raises(CommandError) as said:
        appoint(password, monkeypatch, email)

    assert said.value.returncode == 2
    assert not User.objects.exists()
