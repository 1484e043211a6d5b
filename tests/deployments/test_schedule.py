"""The schedule and the calendar change, and every week that is still open follows, as it was shown before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from crq.deadlines import enforce
from crq.models import CRQ
from deployments import schedule
from deployments.calendar import ClosedDay
from deployments.dates import Choice, WeekChange
from deployments.federal import propose_closed_days
from deployments.flow import CLOSED_DAY, CODE_REVIEW, POLICY, WEEK
from deployments.inbox import stranded
from deployments.models import ClosedDay as ClosedDayRow
from deployments.models import CodeReview, Deployment, Milestone, ReleaseWeek, SchedulePolicy
from deployments.policy import DEFAULT_POLICY, Deadline, Policy, Rule
from deployments.rules import ONLY, current_policy
from deployments.weeks import open_week, open_weeks, warn_ahead
from notifications.models import Email, Letter
from tests.cast import Cast
from tests.stages import Stage, moment
from workflow import clock
from workflow.eastern import eastern_day
from workflow.machine import perform, refusal
from workflow.models import Event
from workflow.steps import Refused

THANKSGIVING = date(2026, 11, 26)
ROLES = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "outsider")


def et(text: str) -> datetime:
    """`2026-11-24 14:00` on Eastern clocks in winter (UTC-5)."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(hours=5)


def close(day: date, name: str = "Closed", kind: str = "holiday") -> ClosedDay:
    return ClosedDay(day, name, "freeze" if kind == "freeze" else "holiday")


def dues(week: ReleaseWeek) -> dict[str, datetime]:
    return dict(Milestone.objects.filter(week=week).values_list("key", "due_at"))


def fresh(week: ReleaseWeek) -> ReleaseWeek:
    return ReleaseWeek.objects.get(pk=week.pk)


def saved(wish: schedule.Wish, by: User) -> schedule.Preview:
    """Looked at, then saved."""
    found = schedule.preview(wish, clock.now())
    return schedule.apply(wish, by=by, digest=found.digest)


def chosen(week: ReleaseWeek, action: str, choice: Choice, by: User) -> ReleaseWeek:
    found = schedule.preview_week(week, choice, clock.now())
    return schedule.apply_to_week(
        week,
        action,
        choice,
        by=by,
        digest=found.digest,
        reason=choice.skip_because,
    )


@pytest.fixture
def november(cast: Cast) -> Iterator[Stage]:
    """The week of Thanksgiving 2026, not closed yet, and three weeks after it, on Mon Nov 2."""
    with clock.frozen(et("2026-11-02 10:00")):
        week = open_week(THANKSGIVING)
        assert week
        for number in (1, 2, 3):
            open_week(THANKSGIVING + timedelta(weeks=number))
        yield Stage(cast, week)


# --- Proposals -----------------------------------------------------------------------------------------------
def test_the_federal_list_is_proposed_as_it_is_observed() -> None:
    found = {each.day: each for each in propose_closed_days(2026)}

    assert found[THANKSGIVING].name == "Thanksgiving Day"
    assert found[date(2026, 7, 3)].name == "Independence Day (observed)"
    assert date(2026, 7, 4) not in found
    assert (found[date(2026, 12, 24)].kind, found[date(2026, 12, 31)].kind) == ("freeze", "freeze")
    assert len(found) == 13


def test_a_freeze_gives_way_to_an_observed_holiday() -> None:
    found = {each.day: (each.name, each.kind) for each in propose_closed_days(2027)}

    assert found[date(2027, 12, 24)] == ("Christmas Day (observed)", "holiday")
    assert found[date(2027, 12, 31)] == ("New Year's Day (observed)", "holiday")


@pytest.mark.parametrize("year", range(2024, 2041))
def test_only_working_days_of_the_year_are_proposed(year: int) -> None:
    days = [each.day for each in propose_closed_days(year)]

    assert days == sorted(set(days))
    assert all(day.year == year and day.weekday() < 5 for day in days)


# --- Thanksgiving --------------------------------------------------------------------------------------------
def test_a_closed_thursday_skips_the_week_and_moves_its_deployments(november: Stage) -> None:
    deployment = november.cleared()
    saved(schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),)), november.cast.administrator)
    week, deployment = fresh(november.week), november.fresh(deployment)

    assert (week.install_day, week.skip_reason, dues(week)) == (None, "Thanksgiving Day", {})
    assert deployment.week.thursday == date(2026, 12, 3)
    assert deployment.status == Deployment.Status.PLANNED
    assert deployment.crq.status == CRQ.Status.OPEN
    assert deployment.crq.target_date == date(2026, 12, 3)
    deferral = deployment.deferrals.get()
    assert (deferral.by, deferral.why) == (None, "No code install in the week of Thu Nov 26: Thanksgiving Day.")
    assert CodeReview.objects.get(week=week).status == CodeReview.Status.CANCELLED
    assert set(Letter.objects.values_list("kind", flat=True)) >= {"moved", "review_cancelled"}


def test_a_deployment_passes_weeks_that_close_with_its_own(november: Stage) -> None:
    deployment = november.plan()
    days = [close(THANKSGIVING, "Thanksgiving Day"), close(date(2026, 12, 3), "Inventory", "freeze")]
    saved(schedule.NewClosedDays(add=tuple(days)), november.cast.administrator)

    assert november.fresh(deployment).week.thursday == date(2026, 12, 10)
    assert deployment.deferrals.count() == 1


def test_without_an_open_week_a_deployment_stays(cast: Cast) -> None:
    with clock.frozen(et("2026-11-02 10:00")):
        week = open_week(THANKSGIVING)
        assert week
        stage = Stage(cast, week)
        deployment = stage.plan()
        saved(schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),)), cast.administrator)

    deployment = stage.fresh(deployment)
    assert (deployment.week, deployment.status) == (week, Deployment.Status.PLANNED)
    tasks = [(task.verb, task.subject, task.why) for task in stranded(now=et("2026-11-02 10:00"))]
    assert tasks == [("Move", deployment.title, "No code install in the week of Thu Nov 26: Thanksgiving Day")]


def test_nothing_of_a_skipped_week_is_enforced(november: Stage) -> None:
    deployment = november.plan()
    with clock.frozen(moment(november.week, "plan_email", minutes=-1)):
        enforce(clock.now())
    with clock.frozen(moment(november.week, "plan_email", seconds=1)):  # passed, and nobody enforced it yet
        chosen(fresh(november.week), "skip", Choice(skip_because="Snow"), november.cast.scrum_master)
    enforce(moment(a_later(november), "code_review", seconds=-1))

    assert not Letter.objects.filter(kind="planned_deployments").exists()
    assert set(Milestone.objects.filter(week=november.week).values_list("key", flat=True)) == {
        "code_review",
        "plan_email",
    }
    assert november.fresh(deployment).status == Deployment.Status.PLANNED


def a_later(stage: Stage) -> ReleaseWeek:
    return ReleaseWeek.objects.get(thursday=stage.week.thursday + timedelta(weeks=1))


def test_people_are_warned_three_weeks_ahead_exactly_once(cast: Cast) -> None:
    ClosedDayRow.objects.create(day=THANKSGIVING, name="Thanksgiving Day")
    with clock.frozen(et("2026-11-04 12:00")):
        open_weeks(clock.now())
        assert warn_ahead(clock.now()) == []
    with clock.frozen(et("2026-11-05 12:00")):
        assert [week.thursday for week in warn_ahead(clock.now())] == [THANKSGIVING]
        assert warn_ahead(clock.now()) == []

    letter = Letter.objects.get(kind="week_warning")
    assert letter.subject == "No code install in the week of Thu Nov 26"
    told = set(Email.objects.filter(letter=letter).values_list("to", flat=True))
    assert cast.director.email in told
    assert cast.other_developer.email in told
    assert cast.outsider.email not in told


def test_nobody_is_warned_of_a_week_with_a_substitute_day(cast: Cast) -> None:
    ClosedDayRow.objects.create(day=THANKSGIVING, name="Thanksgiving Day")
    with clock.frozen(et("2026-11-04 12:00")):
        open_weeks(clock.now())
        week = ReleaseWeek.objects.get(thursday=THANKSGIVING)
        chosen(week, "substitute", Choice(substitute=date(2026, 11, 25)), cast.scrum_master)
    with clock.frozen(et("2026-11-12 12:00")):
        assert warn_ahead(clock.now()) == []

    assert not Letter.objects.filter(kind="week_warning").exists()


def test_a_substitute_wednesday_has_its_milestones_and_can_be_installed(cast: Cast) -> None:
    ClosedDayRow.objects.create(day=THANKSGIVING, name="Thanksgiving Day")
    with clock.frozen(et("2026-11-05 12:00")):
        open_weeks(clock.now())
        warn_ahead(clock.now())
        week = ReleaseWeek.objects.get(thursday=THANKSGIVING)
        week = chosen(week, "substitute", Choice(substitute=date(2026, 11, 25)), cast.scrum_master)
        stage = Stage(cast, week)

    assert week.install_day == date(2026, 11, 25)
    assert dues(week) == {
        "code_review": et("2026-11-18 10:00"),
        "plan_email": et("2026-11-20 12:00"),
        "cutoff": et("2026-11-24 14:00"),
        "approval": et("2026-11-24 17:00"),
        "exemption_close": et("2026-11-25 12:00"),
        "install": et("2026-11-25 14:00"),
        "install_close": et("2026-11-25 18:00"),
    }
    assert CodeReview.objects.get(week=week).at == et("2026-11-18 10:00")
    subjects = Letter.objects.filter(kind="week_warning").order_by("pk").values_list("subject", flat=True)
    assert list(subjects) == ["No code install in the week of Thu Nov 26", "Code install on Wed Nov 25 after all"]
    with clock.frozen(et("2026-11-23 10:00")):
        assert stage.installed().status == Deployment.Status.INSTALLED


def test_a_substitute_day_that_closes_is_given_up(november: Stage) -> None:
    holiday, wednesday = close(THANKSGIVING, "Thanksgiving Day"), date(2026, 11, 25)
    cast = november.cast
    saved(schedule.NewClosedDays(add=(holiday,)), cast.administrator)
    chosen(fresh(november.week), "substitute", Choice(substitute=wednesday), cast.scrum_master)
    deployment = november.plan()
    found = saved(schedule.NewClosedDays(add=(close(wednesday, "Quiet day", "freeze"),)), cast.administrator)
    week = fresh(november.week)

    assert found.weeks[0].change.given_up == "Wed Nov 25 is closed. Choose a working day."
    assert (week.install_day, week.substitute, week.skip_reason) == (None, None, "Thanksgiving Day")
    assert november.fresh(deployment).week != november.week


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 24), "not after the week's deadlines"),
        (date(2026, 12, 1), "not in the same week"),
        (THANKSGIVING, "is closed"),
    ],
)
def test_a_substitute_must_be_usable(november: Stage, day: date, words: str) -> None:
    saved(schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),)), november.cast.administrator)
    with pytest.raises(Refused, match=words):
        perform(WEEK, "substitute", november.week, by=november.cast.scrum_master, day=day)


def test_a_skipped_week_stays_skipped_once_its_scope_would_be_locked(november: Stage) -> None:
    saved(schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),)), november.cast.administrator)
    with clock.frozen(et("2026-11-24 14:00")), pytest.raises(Refused, match="stays skipped"):
        perform(WEEK, "substitute", november.week, by=november.cast.scrum_master, day=date(2026, 11, 25))


def test_a_week_that_opens_late_sends_nothing_for_what_is_over(november: Stage) -> None:
    saved(schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),)), november.cast.administrator)
    with clock.frozen(et("2026-11-23 10:00")):
        chosen(fresh(november.week), "substitute", Choice(substitute=date(2026, 11, 25)), november.cast.scrum_master)
        done = enforce(clock.now())

    assert [each.milestone.week for each in done if each.milestone.week == november.week] == []
    assert set(dues(november.week)) == set(Deadline)
    assert not Letter.objects.filter(kind="planned_deployments").exists()


def test_crqs_aim_at_the_day_that_is_chosen(november: Stage) -> None:
    deployment = november.with_crq()
    chosen(fresh(november.week), "substitute", Choice(substitute=date(2026, 11, 27)), november.cast.scrum_master)

    assert november.fresh(deployment).crq.target_date == date(2026, 11, 27)


# --- Other days ----------------------------------------------------------------------------------------------
def test_a_tuesday_holiday_moves_both_deadlines_to_monday(cast: Cast) -> None:
    with clock.frozen(et("2025-10-20 09:00")):
        week = open_week(date(2025, 11, 13))
        assert week
        assert dues(week)["cutoff"] == et("2025-11-11 14:00")
        saved(schedule.NewClosedDays(add=(close(date(2025, 11, 11), "Veterans Day"),)), cast.administrator)
        moved = dues(week)
        saved(schedule.NewClosedDays(remove=(date(2025, 11, 11),)), cast.administrator)

    assert (moved["cutoff"], moved["approval"]) == (et("2025-11-10 14:00"), et("2025-11-10 17:00"))
    assert moved["install"] == et("2025-11-13 14:00")
    assert dues(week)["cutoff"] == et("2025-11-11 14:00")
    assert not ClosedDayRow.objects.exists()
    assert [event.actor for event in Event.objects.filter(object_type="closed_day")] == [cast.administrator] * 2


def test_daylight_saving_keeps_the_wall_clock(cast: Cast) -> None:
    """Clocks go back on Sun Nov 1, 2026: the review before it is at UTC-4, the deadlines after it at UTC-5."""
    with clock.frozen(et("2026-10-05 09:00")):
        week = open_week(date(2026, 11, 5))
        assert week
        policy = replace(DEFAULT_POLICY, code_review=Rule(1, 2, time(11)), approval=Rule(0, 1, time(15)))
        saved(schedule.NewPolicy(policy), cast.administrator)

    assert dues(week)["code_review"] == datetime(2026, 10, 28, 15, tzinfo=UTC)
    assert dues(week)["approval"] == datetime(2026, 11, 3, 20, tzinfo=UTC)


# --- The policy ----------------------------------------------------------------------------------------------
EARLIER = replace(DEFAULT_POLICY, approval=Rule(0, 1, time(15)))


def test_the_policy_moves_what_is_ahead_and_is_written_down(november: Stage) -> None:
    found = saved(schedule.NewPolicy(EARLIER), november.cast.administrator)

    assert len(found.weeks) == 4
    assert found.sentence == "All 4 open weeks change."
    assert current_policy() == EARLIER
    assert {dues(week)["approval"].hour for week in ReleaseWeek.objects.all()} == {20}
    change = Event.objects.get(object_type="policy")
    assert (change.action, change.actor) == ("change", november.cast.administrator)
    assert change.data["after"]["approval"] == {"weeks_before": 0, "weekday": 1, "at": "15:00"}
    followed = Event.objects.filter(object_type="week", action="reschedule")
    assert {(event.actor, event.reason) for event in followed} == {(None, "The schedule changed")}


def test_weeks_opened_later_follow_the_new_policy(november: Stage) -> None:
    saved(schedule.NewPolicy(EARLIER), november.cast.administrator)
    week = open_week(date(2027, 1, 14))

    assert week
    assert dues(week)["approval"] == et("2027-01-12 15:00")


def test_a_week_whose_scope_is_locked_keeps_its_dates(november: Stage) -> None:
    before = dues(november.week)
    with clock.frozen(moment(november.week, "cutoff", seconds=1)):
        found = saved(schedule.NewPolicy(EARLIER), november.cast.administrator)

    assert (len(found.weeks), found.kept, found.locked) == (3, 0, 1)
    assert dues(november.week) == before


def test_a_deadline_is_never_moved_into_the_past(november: Stage) -> None:
    """On the Monday a cutoff of Monday morning would be over at once: nobody is late by surprise."""
    before = dues(november.week)
    policy = replace(DEFAULT_POLICY, cutoff=Rule(0, 0, time(9)))
    with clock.frozen(et("2026-11-23 10:00")):
        found = saved(schedule.NewPolicy(policy), november.cast.administrator)

    assert found.kept == 1
    assert dues(november.week) == before


def test_what_is_over_in_an_open_week_does_not_move(november: Stage) -> None:
    policy = replace(DEFAULT_POLICY, code_review=Rule(1, 3, time(10)), cutoff=Rule(0, 1, time(12)))
    with clock.frozen(et("2026-11-18 10:01")):
        enforce(clock.now())
        saved(schedule.NewPolicy(policy), november.cast.administrator)

    assert dues(november.week)["code_review"] == et("2026-11-18 10:00")
    assert dues(november.week)["cutoff"] == et("2026-11-24 12:00")


def test_what_changed_after_it_was_shown_is_shown_again(november: Stage) -> None:
    wish = schedule.NewPolicy(EARLIER)
    shown = schedule.preview(wish, clock.now())
    november.plan()
    with pytest.raises(schedule.Stale) as stale:
        schedule.apply(wish, by=november.cast.administrator, digest=shown.digest)

    assert [len(each.deployments) for each in stale.value.preview.weeks] == [1, 0, 0, 0]
    assert current_policy() == DEFAULT_POLICY


def test_a_refused_change_writes_nothing(november: Stage) -> None:
    wish = schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),))
    shown = schedule.preview(wish, clock.now())
    with pytest.raises(Refused, match="administrator"):
        schedule.apply(wish, by=november.cast.scrum_master, digest=shown.digest)

    assert not ClosedDayRow.objects.exists()
    assert fresh(november.week).install_day == THANKSGIVING


def test_a_day_is_closed_once(november: Stage) -> None:
    wish = schedule.NewClosedDays(add=(close(THANKSGIVING, "Thanksgiving Day"),))
    saved(wish, november.cast.administrator)
    shown = schedule.preview(wish, clock.now())
    with pytest.raises(Refused, match="in releaseflow already"):
        schedule.apply(wish, by=november.cast.administrator, digest=shown.digest)


# --- A freeze by hand ----------------------------------------------------------------------------------------
def test_a_frozen_week_stays_frozen_until_it_is_reopened(november: Stage) -> None:
    scrum_master, administrator = november.cast.scrum_master, november.cast.administrator
    chosen(fresh(november.week), "skip", Choice(skip_because="Data centre move"), administrator)
    saved(schedule.NewPolicy(EARLIER), administrator)
    frozen = fresh(november.week)
    assert (frozen.frozen, frozen.install_day, frozen.skip_reason) == (True, None, "Data centre move")
    assert CodeReview.objects.get(week=frozen).status == CodeReview.Status.CANCELLED

    reopened = chosen(frozen, "reopen", Choice(), scrum_master)

    assert (reopened.frozen, reopened.install_day, reopened.skip_reason) == (False, THANKSGIVING, "")
    assert dues(reopened)["approval"] == et("2026-11-24 15:00")
    assert CodeReview.objects.get(week=reopened).status == CodeReview.Status.SCHEDULED


def test_a_week_in_which_something_was_installed_cannot_be_skipped(november: Stage) -> None:
    deployment = november.installing()
    with clock.frozen(moment(november.week, "install", minutes=10)), pytest.raises(Refused, match="has begun"):
        perform(WEEK, "skip", november.week, by=november.cast.scrum_master, reason="Late")

    assert november.fresh(deployment).week == november.week


def test_a_week_can_be_frozen_after_its_deadlines(november: Stage) -> None:
    deployment = november.cleared()
    with clock.frozen(moment(november.week, "approval", hours=20)):
        enforce(clock.now())
        chosen(fresh(november.week), "skip", Choice(skip_because="Storm"), november.cast.scrum_master)
    enforce(moment(a_later(november), "code_review", seconds=-1))

    assert set(dues(november.week)) == {"code_review", "plan_email", "cutoff", "approval"}
    assert november.fresh(deployment).week == a_later(november)
    assert not Letter.objects.filter(kind="completion_status").exists()


def test_the_review_that_people_cancelled_stays_cancelled(november: Stage) -> None:
    review = CodeReview.objects.get(week=november.week)
    perform(CODE_REVIEW, "cancel", review, by=november.cast.scrum_master, reason="No pull requests")
    chosen(fresh(november.week), "skip", Choice(skip_because="Move"), november.cast.scrum_master)
    chosen(fresh(november.week), "reopen", Choice(), november.cast.scrum_master)

    assert CodeReview.objects.get(week=november.week).status == CodeReview.Status.CANCELLED


# --- Who ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "who"),
    [
        ("skip", {"scrum_master", "administrator"}),
        ("substitute", {"scrum_master"}),
        ("reopen", {"scrum_master", "administrator"}),
        ("reschedule", set()),
        ("warn", set()),
    ],
)
def test_who_changes_a_week(november: Stage, action: str, who: set[str]) -> None:
    week = fresh(november.week)
    if action == "reopen":
        week = chosen(week, "skip", Choice(skip_because="Move"), november.cast.scrum_master)
    codes = {name: refusal(WEEK, action, week, by=getattr(november.cast, name), now=clock.now()) for name in ROLES}

    assert {name for name, no in codes.items() if no is None} == who
    assert {no.code for no in codes.values() if no} == {"role"}


@pytest.mark.parametrize("name", ROLES)
def test_only_an_administrator_changes_schedule_and_calendar(november: Stage, name: str) -> None:
    person = getattr(november.cast, name)
    row = ClosedDayRow(day=THANKSGIVING, name="Thanksgiving Day")
    found = [
        refusal(POLICY, "change", SchedulePolicy(pk=ONLY), by=person, now=clock.now()),
        refusal(CLOSED_DAY, "add", row, by=person, now=clock.now()),
        refusal(CLOSED_DAY, "remove", row, by=person, now=clock.now()),
    ]

    assert [no.code if no else "" for no in found] == [("" if name == "administrator" else "role")] * 3


@pytest.mark.parametrize("day", [date(2026, 10, 30), date(2026, 11, 28)])
def test_days_that_are_over_or_on_a_weekend_are_refused(november: Stage, day: date) -> None:
    no = refusal(CLOSED_DAY, "add", ClosedDayRow(day=day), by=november.cast.administrator, now=clock.now())

    assert no
    assert no.code == "guard"


def test_beat_survives_a_week_that_cannot_be_planned(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    SchedulePolicy.objects.create(pk=ONLY, rules={"cutoff": {"weeks_before": 9, "weekday": 1, "at": "14:00"}})
    with clock.frozen(et("2026-11-02 10:00")):
        assert open_weeks(clock.now()) == []

    assert "cannot be opened: Choose a week" in caplog.text


# --- What is shown is what happens -------------------------------------------------------------------------------
NEXT_DAYS = [date(2026, 11, 9) + timedelta(days=number) for number in range(40)]
days_closed = st.lists(st.sampled_from([day for day in NEXT_DAYS if day.weekday() < 5]), max_size=6, unique=True)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    minutes = sorted(draw(st.lists(st.integers(3 * 60, 23 * 60), min_size=7, max_size=7, unique=True)))
    days = sorted(draw(st.lists(st.integers(0, 4), min_size=2, max_size=2)))
    install = draw(st.integers(days[1], 4))
    at = [time(number // 60, number % 60) for number in minutes]
    return Policy(
        code_review=Rule(1, draw(st.integers(0, 2)), at[0]),
        plan_email=Rule(1, draw(st.integers(3, 4)), at[1]),
        cutoff=Rule(0, days[0], at[2]),
        approval=Rule(0, days[1], at[3]),
        exemption_close=Rule(0, install, at[4]),
        install=Rule(0, install, at[5]),
        install_close=Rule(0, install, at[6]),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policy=policies(), days=days_closed, hours=st.integers(0, 24 * 21))
def test_what_was_shown_is_what_is_applied(cast: Cast, policy: Policy, days: list[date], hours: int) -> None:
    with transaction.atomic():
        with clock.frozen(et("2026-11-02 10:00")):
            open_weeks(clock.now(), ahead=5)
        with clock.frozen(et("2026-11-09 00:00") + timedelta(hours=hours)) as now:
            enforce(now)
            before = {week.pk: dues(week) for week in ReleaseWeek.objects.all()}
            add = tuple(close(day) for day in days if day >= eastern_day(now))
            shown = _saved_in_turn([schedule.NewPolicy(policy), schedule.NewClosedDays(add=add)], cast)
            for week in ReleaseWeek.objects.all():
                _check(week, before[week.pk], shown.get(week.pk), now)
        transaction.set_rollback(True)


def _saved_in_turn(wishes: list[schedule.Wish], cast: Cast) -> dict[int, WeekChange]:
    """The last change that was shown for each week."""
    return {each.change.week.pk: each.change for wish in wishes for each in saved(wish, cast.administrator).weeks}


def _check(week: ReleaseWeek, before: dict[str, datetime], shown: WeekChange | None, now: datetime) -> None:
    after = dues(week)
    in_order = [after[key] for key in Deadline if key in after]
    assert in_order == sorted(in_order)
    assert after == (shown.due if shown else before)
    if shown:
        assert (week.install_day, week.skip_reason) == (shown.install_day, shown.skip_reason)
    for key, at in before.items():
        assert after.get(key) == at or at > now, f"{key} was over and changed"
    assert not Milestone.objects.filter(week=week, enforced_at=None, due_at__lt=now).exists(), "late by surprise"
