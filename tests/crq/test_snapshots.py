"""The evidence of a deadline: written once, kept by the database itself, and shown beside what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from crq.deadlines import enforce
from crq.models import Snapshot
from crq.snapshot_page import page
from deployments.flow import DEPLOYMENT
from deployments.models import ReleaseWeek
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform


def missed_approval(stage: Stage) -> Snapshot:
    stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    return Snapshot.objects.get(milestone__key="approval")


# --- In the database -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("change", [{"missing": []}, {"status": "cleared"}, {"taken_at": moment}])
def test_no_statement_changes_a_snapshot(stage: Stage, change: dict[str, Any]) -> None:
    snapshot = missed_approval(stage)
    values = {name: snapshot.milestone.due_at if value is moment else value for name, value in change.items()}

    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).update(**values)

    assert Snapshot.objects.get(pk=snapshot.pk).missing == ["approved"]


def test_no_statement_deletes_a_snapshot(stage: Stage) -> None:
    snapshot = missed_approval(stage)

    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        Snapshot.objects.filter(pk=snapshot.pk).delete()
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        snapshot.save()

    assert Snapshot.objects.filter(pk=snapshot.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_protection_holds_in_a_committed_database(week: ReleaseWeek, cast: Any) -> None:
    """And a whole database can still be emptied, which the end of this very test does."""
    with clock.frozen(moment(week, "cutoff", hours=-28)):
        missed_approval(Stage(cast, week))

    with pytest.raises(IntegrityError, match="never changed or deleted"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM crq_snapshot")

    assert Snapshot.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_test_before_left_nothing_behind() -> None:
    assert not Snapshot.objects.exists()
    assert not ReleaseWeek.objects.exists()


# --- On the page ---------------------------------------------------------------------------------------------
def test_each_enforced_deadline_has_its_section(stage: Stage) -> None:
    missed_approval(stage)
    now = moment(stage.week, "approval", hours=1)

    found = page(stage.week.thursday, now=now)

    assert found is not None
    assert [(section.label, section.tally) for section in found.sections] == [
        ("PRs and CRQs", "1 of 1 ready"),
        ("CRQ approval", "0 of 1 ready"),
    ]
    cutoff, approval = found.sections
    assert cutoff.columns == ["Pull requests fully approved", "CRQ created"]
    gate = approval.rows[0].gates[-1]
    assert (gate.label, gate.then.state, gate.since) == ("CRQ approved", "stop", "Still missing, late 1 h")
    assert (approval.rows[0].status_then, approval.rows[0].now) == ("Planned", "Held")


def test_what_came_late_is_said_beside_what_was_missing(stage: Stage) -> None:
    deployment = stage.with_crq()
    enforce(moment(stage.week, "approval", seconds=1))
    with clock.frozen(moment(stage.week, "approval", minutes=40)) as late:
        stage.attach(deployment.crq, "tests")

    found = page(stage.week.thursday, now=late)

    assert found is not None
    tests = next(gate for gate in found.sections[1].rows[0].gates if gate.label == "Test results attached")
    assert (tests.then.text, tests.since) == ("Missing", "Ready today, 5:40 pm ET, late 40 min")
    assert Snapshot.objects.get(milestone__key="approval").readiness["tests"]["done"] == 0


def test_what_was_ready_and_is_gone_is_said(stage: Stage) -> None:
    deployment = stage.planned()
    enforce(moment(stage.week, "cutoff", seconds=1))
    with clock.frozen(moment(stage.week, "cutoff", minutes=5)) as late:
        stage.review(deployment.pull_requests.get(), "changes_requested")

    found = page(stage.week.thursday, now=late)

    assert found is not None
    assert [(gate.then.state, gate.since) for gate in found.sections[0].rows[0].gates] == [
        ("done", "Now missing"),
        ("stop", "Still missing, late 5 min"),
    ]


def test_a_deployment_that_left_the_week_is_still_there(stage: Stage) -> None:
    following = a_week(stage.week.thursday + timedelta(days=7))
    deployment = stage.planned()
    enforce(moment(stage.week, "cutoff", seconds=1))
    with clock.frozen(moment(stage.week, "cutoff", hours=1)) as now:
        perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, reason="No CRQ", week=following)

    found = page(stage.week.thursday, now=now)

    assert found is not None
    row = found.sections[0].rows[0]
    assert (row.title, row.now) == (deployment.title, "Moved to Thu Dec 17")
    assert [gate.since for gate in row.gates] == ["", ""]


def test_a_deadline_that_one_action_settled_is_shown_before_beat_comes(stage: Stage, client: Client) -> None:
    deployment = stage.plan()
    client.force_login(stage.cast.developer)
    with clock.frozen(moment(stage.week, "cutoff", seconds=1)):
        client.post(reverse("act", args=["deployment", deployment.pk, "start"]))
        found = page(stage.week.thursday, now=clock.now())

    assert found is not None
    assert [section.tally for section in found.sections] == ["0 of 1 ready"]


@pytest.mark.parametrize("who", ["developer", "director", "outsider"])
def test_everyone_may_read_it(stage: Stage, client: Client, who: str) -> None:
    missed_approval(stage)
    client.force_login(getattr(stage.cast, who))

    response = client.get(reverse("snapshots", args=[stage.week.thursday]))

    assert response.status_code == 200
    assert "Still missing" in response.content.decode()
    assert client.post(reverse("snapshots", args=[stage.week.thursday])).status_code == 405


def test_before_the_first_deadline_it_says_when(stage: Stage, client: Client) -> None:
    client.force_login(stage.cast.developer)
    response = client.get(reverse("snapshots", args=[stage.week.thursday]))

    assert "The first snapshot is taken" in response.content.decode()
    assert "Tue Dec 8, 2:00 pm ET" in response.content.decode()


def test_a_skipped_week_has_no_deadlines(stage: Stage, client: Client) -> None:
    ReleaseWeek.objects.create(thursday=stage.week.thursday + timedelta(days=14), skip_reason="Christmas Eve")
    client.force_login(stage.cast.developer)
    response = client.get(reverse("snapshots", args=[stage.week.thursday + timedelta(days=14)]))

    assert "Christmas Eve" in response.content.decode()


def test_there_is_no_page_without_a_week(stage: Stage, client: Client) -> None:
    client.force_login(stage.cast.developer)
    assert client.get("/weeks/2020-01-02/snapshots/").status_code == 404


STATEMENTS = 12


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_the_same_at_one_row_and_three(stage: Stage, django_assert_num_queries: Any, rows: int) -> None:
    for each in [stage, stage.beside(), stage.beside()][:rows]:
        each.ready()
    enforce(moment(stage.week, "approval", seconds=1))

    with django_assert_num_queries(STATEMENTS):
        found = page(stage.week.thursday, now=moment(stage.week, "approval", hours=1))

    assert found is not None
    assert [len(section.rows) for section in found.sections] == [rows, rows]
