"""Rows of the board and My tasks that were judged before: the same while nothing changed, another with each change."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from crq.board import board
from crq.circumstances import circumstances
from crq.deadlines import enforce
from crq.owed import Waiting
from crq.rows import Row
from deployments.models import Milestone, PullRequest
from releaseflow.home import home
from tests.stages import EARLY, THURSDAY, Stage, moment
from workflow.kept import Kept


def look(stage: Stage, at: datetime = EARLY) -> Row:
    """The only row, as the manager who may approve sees it."""
    found = board(THURSDAY, by=User.objects.get(pk=stage.cast.manager.pk), now=at)
    assert found is not None
    [[row]] = [band.rows for band in found.bands]
    return row


def awaited(stage: Stage) -> Waiting:
    """What the manager waits for first."""
    found = home(User.objects.get(pk=stage.cast.manager.pk), now=EARLY)
    return found.waiting[0]


def rename_the_team(stage: Stage) -> None:
    Team.objects.filter(pk=stage.cast.team.pk).update(name="Accounts")


def rename_the_developer(stage: Stage) -> None:
    User.objects.filter(pk=stage.cast.developer.pk).update(first_name="Zoe")


def rename_whoever_looks(stage: Stage) -> None:
    User.objects.filter(pk=stage.cast.manager.pk).update(first_name="Zoe")


def take_the_role_away(stage: Stage) -> None:
    Membership.objects.filter(user=stage.cast.manager).delete()


def move_the_deadline(stage: Stage) -> None:
    Milestone.objects.filter(week=stage.week, key="approval").update(due_at=EARLY + timedelta(hours=1))


def ask_for_changes(stage: Stage) -> None:
    stage.review(PullRequest.objects.get(), verdict="changes_requested")


def nothing(stage: Stage) -> None:
    """So that only the clock moves."""


def test_an_unchanged_row_is_not_judged_anew(stage: Stage) -> None:
    stage.ready()

    assert look(stage) is look(stage, EARLY + timedelta(minutes=90))


@pytest.mark.parametrize(
    ("change", "hours", "what"),
    [
        (rename_the_team, 0, lambda row: row.meta),
        (rename_whoever_looks, 0, lambda row: row.next.initials),
        (take_the_role_away, 0, lambda row: row.next.is_you),
        (move_the_deadline, 0, lambda row: row.band),
        (ask_for_changes, 0, lambda row: row.next.text),
        (nothing, 24, lambda row: row.next.detail),
        (nothing, 32, lambda row: row.band),
    ],
)
def test_whatever_a_row_depends_on_makes_it_another(
    stage: Stage, change: Callable[[Stage], None], hours: int, what: Callable[[Row], object]
) -> None:
    stage.ready()
    before = what(look(stage))
    change(stage)

    assert what(look(stage, EARLY + timedelta(hours=hours))) != before


def test_what_is_awaited_is_kept_until_somebody_it_names_changes(stage: Stage) -> None:
    stage.with_crq()
    before = awaited(stage)

    assert awaited(stage) is before
    rename_the_developer(stage)
    assert awaited(stage).who == "Zoe Cole"


def test_rows_are_judged_at_the_last_midnight_or_just_after_the_last_deadline(stage: Stage) -> None:
    cutoff = moment(stage.week, "cutoff")

    def judged_at(now: datetime) -> datetime:
        return circumstances(stage.cast.manager, [stage.week], now).now

    assert judged_at(EARLY) == EARLY.replace(hour=5)
    assert judged_at(cutoff) < cutoff < judged_at(cutoff + timedelta(hours=2)) <= cutoff + timedelta(microseconds=1)


@pytest.mark.parametrize(("stage_name", "is_held"), [("plan", True), ("ready", False), ("installed", False)])
def test_to_judge_reads_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, stage_name: str, *, is_held: bool
) -> None:
    """Else what was read there would be shown again when it is another."""
    getattr(stage, stage_name)()
    now = moment(stage.week, "approval", seconds=1) if is_held else EARLY
    enforce(now)
    monkeypatch.setattr("crq.board._ROWS", Kept(4))
    monkeypatch.setattr("crq.owed._SHARES", Kept(4))

    assert statements(stage, now) == statements(stage, now)


def statements(stage: Stage, now: datetime) -> list[int]:
    """What the pages cost a developer, a manager, DevOps and the director."""
    found = []
    for each in (stage.cast.developer, stage.cast.manager, stage.cast.devops, stage.cast.director):
        by = User.objects.get(pk=each.pk)
        with CaptureQueriesContext(connection) as captured:
            board(THURSDAY, by=by, now=now)
            home(by, now=now)
        found.append(len(captured))
    return found
