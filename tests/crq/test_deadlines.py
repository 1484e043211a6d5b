"""A deadline passes: who is judged, by what, in which order, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crq import deadlines
from crq.deadlines import JUDGED, enforce, settle
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Snapshot
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, Milestone, ReleaseWeek, SchedulePolicy
from deployments.policy import Deadline
from notifications.models import Email
from tests.factories import RepositoryFactory
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

S = Deployment.Status
SIDES = [(-1, False), (0, False), (1, True)]
"""Microseconds from the instant, and whether that is late."""


def only(week: ReleaseWeek, *keys: str) -> None:
    """The week's other deadlines were enforced before."""
    for milestone in week.milestones.exclude(key__in=keys):
        Milestone.objects.filter(pk=milestone.pk).update(enforced_at=milestone.due_at + timedelta(seconds=1))


def enforced(at: datetime) -> list[str]:
    with clock.frozen(at):
        return [each.milestone.key for each in enforce(at)]


# --- The instant ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("offset", "late"), SIDES)
@pytest.mark.parametrize("key", ["cutoff", "approval", "install_close"])
def test_the_sweeper_and_the_instant(stage: Stage, key: str, offset: int, late: bool) -> None:
    stage.plan()
    only(stage.week, key)

    done = enforced(moment(stage.week, key, microseconds=offset))

    assert done == ([key] if late else [])
    assert Snapshot.objects.exists() is late
    assert Milestone.objects.get(week=stage.week, key=key).enforced_at == (
        moment(stage.week, key, microseconds=offset) if late else None
    )


@pytest.mark.parametrize(("offset", "late"), SIDES)
@pytest.mark.parametrize("key", ["cutoff", "approval", "install_close"])
def test_settling_and_the_instant(stage: Stage, key: str, offset: int, late: bool) -> None:
    deployment = stage.plan()

    settle(deployment, moment(stage.week, key, microseconds=offset))

    assert Snapshot.objects.filter(milestone__key=key).exists() is late
    first = key == "cutoff"
    assert Deployment.objects.get().status == (S.HELD if late or not first else S.PLANNED)


@pytest.mark.parametrize(("offset", "late"), SIDES)
def test_an_approval_and_the_instant(stage: Stage, offset: int, late: bool) -> None:
    crq = stage.ready().crq

    at = moment(stage.week, "approval", microseconds=offset)
    with clock.frozen(at):
        if late:
            with pytest.raises(Refused, match="Approval was due Tue Dec 8, 5:00 pm ET"):
                perform(CRQ_FLOW, "approve", crq, by=stage.cast.manager)
        else:
            perform(CRQ_FLOW, "approve", crq, by=stage.cast.manager)

    assert CRQ.objects.get().status == ("open" if late else "approved")
    assert Deployment.objects.get().status == (S.HELD if late else S.CLEARED)


@pytest.mark.parametrize(("offset", "late"), SIDES)
def test_planning_and_the_instant(stage: Stage, offset: int, late: bool) -> None:
    with clock.frozen(moment(stage.week, "cutoff", microseconds=offset)):
        if late:
            with pytest.raises(Refused, match="was locked on Tue Dec 8, 2:00 pm ET"):
                stage.plan()
        else:
            stage.plan()
    assert Deployment.objects.exists() is not late


def test_what_was_settled_is_not_judged_again_by_the_sweeper(stage: Stage) -> None:
    deployment = stage.plan()
    with clock.frozen(moment(stage.week, "cutoff", minutes=1)), pytest.raises(Refused):
        perform(DEPLOYMENT, "start", deployment, by=stage.cast.devops)
    enforced(moment(stage.week, "cutoff", minutes=2))

    assert Snapshot.objects.get().taken_at == moment(stage.week, "cutoff", minutes=1)
    assert Event.objects.filter(action="hold").count() == 1


def test_a_snapshot_says_what_was_there_by_whom_and_when(stage: Stage) -> None:
    with clock.frozen(moment(stage.week, "cutoff", hours=-2)):
        stage.ready()
    enforced(moment(stage.week, "approval", microseconds=1))

    snapshot = Snapshot.objects.get(milestone__key="approval")
    assert snapshot.missing == ["approved"]
    assert snapshot.readiness["crq"] == {
        "done": 1, "total": 1, "at": moment(stage.week, "cutoff", hours=-2).isoformat(), "by": "Hannah Cole",
    }  # fmt: skip
    assert snapshot.readiness["approved"] == {"done": 0, "total": 1, "at": None, "by": None}


@pytest.mark.parametrize("status", ["withdrawn", "installed"])
def test_what_the_clock_leaves_alone(stage: Stage, status: str) -> None:
    """A withdrawn deployment is not judged at all; one that is installed has its snapshot and stays as it is."""
    deployment = stage.installed()
    Deployment.objects.update(status=status)
    before = Snapshot.objects.count()

    enforced(moment(stage.week, "install_close", seconds=1))

    deployment.refresh_from_db()
    assert deployment.status == status
    assert Snapshot.objects.filter(milestone__key="install_close").count() == (status == "installed")
    assert before <= Snapshot.objects.count()


# --- Order, lateness, errors ---------------------------------------------------------------------------------
def test_everything_late_is_enforced_in_due_order_across_weeks(stage: Stage) -> None:
    a_week(stage.week.thursday + timedelta(weeks=1))
    stage.plan()

    with clock.frozen(moment(stage.week, "install_close", days=60)):
        done = [each.milestone for each in enforce(clock.now())]

    assert len(done) == 14
    assert [each.due_at for each in done] == sorted(each.due_at for each in done)
    assert enforced(moment(stage.week, "install_close", days=61)) == []


def test_late_holds_carry_the_instant_that_was_missed(stage: Stage) -> None:
    stage.plan()
    enforced(moment(stage.week, "approval", hours=9))

    deployment = Deployment.objects.get()
    assert deployment.held_reason.startswith("Not done by Tue Dec 8, 2:00 pm ET: pull requests fully")
    assert deployment.held_at == moment(stage.week, "approval", hours=9)


def test_one_that_fails_stops_its_week_and_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    stage.plan()
    Stage(stage.cast, following).plan()
    at, judge = moment(following, "approval", seconds=1), deadlines._judge

    def full_disk(deployments: Any, facts: Any, milestone: Milestone, now: datetime) -> int:
        if (milestone.key, milestone.week_id) == ("cutoff", stage.week.pk):
            raise RuntimeError("The disk is full")
        return judge(deployments, facts, milestone, now)

    with monkeypatch.context() as patch:
        patch.setattr(deadlines, "_judge", full_disk)
        enforced(at)

    assert caplog.text.count("Could not enforce PRs and CRQs of week of Thu Dec 10") == 1
    done = list(Milestone.objects.exclude(enforced_at=None).values_list("week", "key"))
    assert {key for week, key in done if week == stage.week.pk} == {"code_review", "plan_email"}
    assert {key for week, key in done if week == following.pk} == {"code_review", "plan_email", "cutoff", "approval"}
    assert enforced(at + timedelta(seconds=30)) == ["cutoff", "approval", "exemption_close", "install", "install_close"]


def test_one_that_fails_leaves_nothing_half_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.plan()
    only(stage.week, "cutoff")

    def full_disk(*_: Any, **__: Any) -> None:
        raise RuntimeError("The disk is full")

    monkeypatch.setattr(Event.objects, "bulk_create", full_disk)
    enforced(moment(stage.week, "cutoff", seconds=1))

    assert "Could not enforce" in caplog.text
    assert not Snapshot.objects.exists()
    assert not Event.objects.filter(action="hold").exists()
    assert not Email.objects.exists()
    assert Deployment.objects.get().status == S.PLANNED
    assert Milestone.objects.get(week=stage.week, key="cutoff").enforced_at is None


# --- The rules -----------------------------------------------------------------------------------------------
def test_a_missed_cutoff_may_be_no_hold(stage: Stage) -> None:
    """With that rule off the snapshot still says what was missing, and the approval's deadline holds as always."""
    SchedulePolicy.objects.update(missed_cutoff_holds=False)
    stage.plan()

    enforced(moment(stage.week, "cutoff", seconds=1))
    assert Deployment.objects.get().status == S.PLANNED
    assert Snapshot.objects.get().missing == ["prs", "crq"]

    enforced(moment(stage.week, "approval", seconds=1))
    assert Deployment.objects.get().status == S.HELD


def test_what_is_cleared_and_not_started_misses_the_window(stage: Stage) -> None:
    stage.cleared()
    only(stage.week, "install_close")
    enforced(moment(stage.week, "install_close", microseconds=1))
    assert Deployment.objects.get().held_reason == "Install window missed."


# --- What it costs -------------------------------------------------------------------------------------------
def _another(stage: Stage) -> Stage:
    """The same people in the same week, with an application of its own."""
    repository = RepositoryFactory(application__team=stage.cast.team)
    return Stage(replace(stage.cast, repository=repository), stage.week, repository.application)


def _statements(stage: Stage, key: str) -> list[str]:
    only(stage.week, key)
    at = moment(stage.week, key, seconds=1)
    with clock.frozen(at), CaptureQueriesContext(connection) as captured:
        assert [each.milestone.key for each in enforce(at)] == [key]
    return [each["sql"] for each in captured.captured_queries]


@pytest.mark.parametrize("count", [3, 30])
def test_judging_costs_the_same_for_3_and_30_deployments(stage: Stage, count: int) -> None:
    """Each with pull request, review and CRQ, so that nothing is held."""
    for _ in range(count):
        _another(stage).with_crq()
    found = _statements(stage, "cutoff")
    assert Snapshot.objects.count() == count
    assert len(found) == 20, "\n".join(found)


def test_holding_30_costs_the_same_as_holding_3(stage: Stage) -> None:
    """Each person is told of all of them in one letter."""
    for _ in range(3):
        _another(stage).plan()
    few = _statements(stage, "cutoff")
    following = Stage(stage.cast, a_week(stage.week.thursday + timedelta(weeks=1)))
    for _ in range(30):
        _another(following).plan()
    many = _statements(following, "cutoff")

    assert len(many) == len(few), "\n".join(sql[:160] for sql in many[-14:])


def test_judged_deadlines_are_those_that_something_is_due_at() -> None:
    assert list(JUDGED) == [Deadline.CUTOFF, Deadline.APPROVAL, Deadline.INSTALL_CLOSE]
