"""The audit trail cannot be changed, and whoever has the rights to change it all the same is found out."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from deployments.models import Deployment
from notifications.models import Email, Letter
from tests.stages import Stage
from tests.support.database import unprotected
from workflow import audit, chain, sealing
from workflow.models import Event

MONDAY = datetime(2026, 12, 7, 15, tzinfo=UTC)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def as_the_owner(statement: str, *values: Any) -> None:
    """What somebody does who may change the database itself: the protection is lifted, and put back."""
    with transaction.atomic(), unprotected("workflow_event"):
        sql(statement, *values)


def whats(known: audit.Anchors | None = None) -> list[tuple[str, str, int]]:
    return [(found.what, found.shard, found.sequence) for found in audit.verify(known).findings]


@pytest.fixture
def cleared(stage: Stage) -> Deployment:
    return stage.cleared()


@pytest.fixture
def story(cleared: Deployment) -> str:
    """The chain of a deployment with a dozen events or so."""
    return f"deployment:{cleared.pk}"


def test_an_untouched_trail_is_whole(cleared: Deployment, story: str) -> None:
    verdict = audit.verify()

    assert verdict.findings == []
    assert verdict.events == Event.objects.count() > 10
    assert verdict.chains == len(set(Event.objects.values_list("shard", flat=True))) > 2
    assert set(Event.objects.filter(shard=story).values_list("deployment_id", flat=True)) == {cleared.pk}


def test_each_event_follows_the_one_before(story: str) -> None:
    events = list(Event.objects.filter(shard=story).order_by("sequence"))

    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.previous for event in events] == [chain.GENESIS, *(event.hash for event in events[:-1])]


def test_what_a_hash_covers_never_changes() -> None:
    """Hashes that have left in e-mails and evidence packs must stay true: this value may never be edited."""
    event = Event(
        at=datetime(2026, 12, 8, 21, 59, 59, 250, tzinfo=UTC),
        actor_id=3,
        action="approve",
        object_type="crq",
        object_id=7,
        subject="CRQ000000418207 – Zoë",
        deployment_id=9,
        week=date(2026, 12, 10),
        before="open",
        after="approved",
        data={"digest": "ab", "n": [1, None]},
        shard="deployment:9",
        sequence=4,
        previous="0" * 64,
    )
    assert chain.digest(vars(event)) == "b640a659304ba12b995f0ebbd3017f26b5dc5b98543b6e29cb807c5ca6462a99"


@pytest.mark.parametrize("field", [each for each in chain.COVERED if each not in {"shard", "sequence"}])
def test_a_changed_fact_is_found(story: str, field: str) -> None:
    event = Event.objects.get(shard=story, sequence=3)
    values = {"at": event.at + timedelta(microseconds=1), "week": date(2026, 12, 17), "data": '{"forged": 1}'}
    numbers = {"actor_id", "for_user_id", "object_id", "deployment_id"}
    given = values.get(field, "9" if field not in numbers else (event.actor_id or 0) + 1)
    if field == "for_user_id":
        given = event.actor_id

    as_the_owner(f"UPDATE workflow_event SET {field} = %s WHERE id = %s", given, event.pk)

    assert ("changed", story, 3) in whats()


def test_a_deleted_event_is_found(story: str) -> None:
    as_the_owner("DELETE FROM workflow_event WHERE shard = %s AND sequence IN (4, 5)", story)

    assert whats() == [("missing", story, 4)]
    assert "4 to 5 is missing" in audit.verify().findings[0].sentence


def test_exchanged_events_are_found(story: str) -> None:
    for place, new in ((2, 9001), (3, 2), (9001, 3)):
        as_the_owner("UPDATE workflow_event SET sequence = %s WHERE shard = %s AND sequence = %s", new, story, place)

    found = whats()
    assert ("changed", story, 2) in found
    assert ("changed", story, 3) in found


def test_an_inserted_event_is_found(story: str) -> None:
    last = Event.objects.filter(shard=story).order_by("sequence").last()
    assert last
    forged = Event.objects.get(pk=last.pk)
    forged.pk, forged.sequence, forged.action = None, last.sequence + 1, "verify"
    forged.save(force_insert=True)

    assert set(whats()) == {("unlinked", story, forged.sequence), ("changed", story, forged.sequence)}


def test_a_trail_written_anew_differs_from_its_seal(story: str) -> None:
    sealing.seal_weekly(MONDAY)
    with transaction.atomic(), unprotected("workflow_event"):
        previous = chain.GENESIS
        for event in Event.objects.filter(shard=story).order_by("sequence"):
            event.reason, event.previous = "because", previous
            previous = event.hash = chain.digest(vars(event))
            event.save()

    assert {what for what, *_ in whats()} == {"rewritten"}


def test_a_lost_end_is_found_once_it_was_sealed(story: str) -> None:
    last = Event.objects.filter(shard=story).count()
    sealing.seal_weekly(MONDAY)
    as_the_owner("DELETE FROM workflow_event WHERE shard = %s AND sequence >= %s", story, last - 1)

    assert whats() == [("missing", story, last)]


def test_a_lost_seal_is_found_by_the_e_mail_of_it(story: str, tmp_path: Path) -> None:
    sealing.seal_weekly(MONDAY)
    kept = tmp_path / "mail.eml"
    kept.write_text(Letter.objects.get(kind="audit_heads").text)
    as_the_owner("DELETE FROM workflow_event WHERE shard = %s", audit.SEALS)

    assert whats() == []
    assert run("--against", str(kept)) == (1, "audit:0 1 is missing, though it was sealed.")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE workflow_event SET reason = 'x'",
        "UPDATE workflow_event SET hash = hash",
        "DELETE FROM workflow_event",
    ],
)
def test_the_database_refuses(story: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql(statement)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Only PostgreSQL has TRUNCATE.")
def test_postgresql_refuses_to_truncate(story: str) -> None:
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql("TRUNCATE workflow_event")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Only SQLite has REPLACE.")
def test_sqlite_refuses_to_replace(story: str) -> None:
    with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
        sql("REPLACE INTO workflow_event SELECT * FROM workflow_event")


def test_the_place_in_a_chain_is_taken_once(story: str) -> None:
    event = Event.objects.get(shard=story, sequence=1)
    event.pk = None
    with pytest.raises(DatabaseError), transaction.atomic():
        event.save(force_insert=True)


def test_recording_costs_two_statements_however_many(story: str, django_assert_num_queries: Any) -> None:
    def events(count: int) -> list[Event]:
        made = {"at": MONDAY, "action": "hold", "object_type": "deployment", "object_id": 1, "subject": "x"}
        return [Event(deployment_id=number, **made) for number in range(90, 90 + count)]

    with django_assert_num_queries(2):
        audit.record(events(1))
    with django_assert_num_queries(2):
        audit.record(events(30) + events(3))

    assert audit.verify().findings == []


def test_fractions_are_refused(story: str) -> None:
    event = Event(at=MONDAY, action="x", object_type="x", object_id=1, subject="x", data={"share": 0.5})
    with pytest.raises(TypeError, match=r"0\.5"):
        audit.record([event])


# --- The weekly seal -----------------------------------------------------------------------------------------
def test_the_trail_is_sealed_once_a_week_for_the_administrators(stage: Stage, story: str) -> None:
    assert sealing.seal_weekly(MONDAY)
    assert sealing.seal_weekly(MONDAY + timedelta(minutes=1)) is None
    assert sealing.seal_weekly(MONDAY + timedelta(days=7) - timedelta(hours=2)) is None
    assert sealing.seal_weekly(MONDAY + timedelta(days=7))

    to = Email.objects.filter(letter__kind="audit_heads").values_list("to", flat=True)
    assert list(to) == [stage.cast.administrator.email] * 2
    seal = Event.objects.filter(action="seal").order_by("pk")[0]
    assert sealing.read_anchors(Letter.objects.filter(kind="audit_heads").order_by("pk")[0].text) == {
        (audit.SEALS, 1): seal.hash
    }
    assert audit.verify().findings == []


def test_a_seal_notes_what_is_new_since_the_last(stage: Stage, story: str) -> None:
    sealing.seal_weekly(MONDAY)
    sealing.seal_weekly(MONDAY + timedelta(days=7))
    later = MONDAY + timedelta(days=14)
    audit.record([Event(at=later, action="open", object_type="week", object_id=77, subject="Week")])

    seal = sealing.seal_weekly(later + timedelta(minutes=1))

    assert seal
    assert list(seal.data["heads"]) == ["week:77"]


# --- The command ---------------------------------------------------------------------------------------------
def run(*arguments: str) -> tuple[int, str]:
    """Exit code, and what was said: errors where there are any."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), (err.getvalue() or out.getvalue()).strip()
    return 0, out.getvalue().strip()


def test_the_command_says_that_nothing_is_wrong(story: str) -> None:
    code, said = run()

    assert code == 0
    assert said.endswith("chains: nothing is wrong.")


def test_the_command_names_what_is_wrong(story: str) -> None:
    event = Event.objects.get(shard=story, sequence=3)
    as_the_owner("UPDATE workflow_event SET reason = 'x' WHERE id = %s", event.pk)

    assert run() == (1, f"{story} 3 is not what was recorded: its hash does not fit. (row {event.pk})")
    code, said = run("--json")
    assert code == 1
    assert json.loads(said)["findings"][0] == {
        "shard": story,
        "sequence": 3,
        "what": "changed",
        "sentence": f"{story} 3 is not what was recorded: its hash does not fit.",
        "event": event.pk,
    }


def test_an_export_finds_a_lost_end(story: str, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.txt"
    anchors.write_text(run("--export")[1])
    last = Event.objects.filter(shard=story).count()
    as_the_owner("DELETE FROM workflow_event WHERE shard = %s AND sequence = %s", story, last)

    assert run()[0] == 0
    assert run("--against", str(anchors)) == (1, f"{story} {last} is missing, though it was sealed.")


@pytest.mark.parametrize("content", [None, b"no anchor here", b"\xff\xfe"])
def test_a_wrong_file_is_named(db: None, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "anchors.txt"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CommandError, match=r"anchors\.txt") as refused:
        run("--against", str(file))
    assert refused.value.returncode == 2


# --- Events from before the chains ---------------------------------------------------------------------------
def test_present_events_are_chained_by_the_migration(story: str) -> None:
    number = Event.objects.count()
    with transaction.atomic(), unprotected("workflow_event"):
        sql("UPDATE workflow_event SET previous = '', hash = '', sequence = id, shard = 'none'")
        import_module("workflow.migrations.0005_events_are_chained").chain_present(apps, None)

    verdict = audit.verify()
    assert verdict.findings == []
    assert (verdict.events, "none" in Event.objects.values_list("shard", flat=True)) == (number, False)
