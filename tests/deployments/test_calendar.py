"""Weeks become the right instants, through daylight saving, holidays, freezes and substitute days."""

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.calendar import ClosedDay, WeekPlan, plan_week, upcoming_thursdays, week_id
from deployments.policy import DEFAULT_POLICY, Deadline, Policy, Rule

ROOT = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")
ALL_YEARS = range(2024, 2041)
FEDERAL = [
    ClosedDay(day, name, "holiday")
    for day, name in sorted(holidays.country_holidays("US", years=range(2023, 2042)).items())
]
FREEZES = [ClosedDay(date(year, 12, day), f"Dec {day} freeze", "freeze") for year in ALL_YEARS for day in (24, 31)]
THURSDAYS = [each for each in upcoming_thursdays(date(2024, 1, 1), 17 * 53) if each.year in ALL_YEARS]
CLOCK_CHANGES = 2 * len(ALL_YEARS)


def closed(*days: str) -> list[ClosedDay]:
    return [ClosedDay(date.fromisoformat(day), f"Closed {day}", "holiday") for day in days]


def in_utc(plan: WeekPlan) -> list[str]:
    """The instants in due order, written as one would by hand: `03-10 18:00`."""
    assert all(at.tzinfo is UTC for at in plan.due.values())
    return [f"{at:%m-%d %H:%M}" for at in plan.due.values()]


def on_clocks(plan: WeekPlan) -> list[str]:
    """The Eastern wall times in due order: `Tue 12-08 14:00`."""
    return [f"{at.astimezone(NEW_YORK):%a %m-%d %H:%M}" for at in plan.due.values()]


@pytest.mark.parametrize(
    ("thursday", "expected"),
    [
        # Clocks go forward on Sun Mar 8, 2026; Mar 14, 2027; Mar 12, 2028: before it Eastern is UTC-5, after it UTC-4.
        ("2026-03-05", "02-25 15:00|02-27 17:00|03-03 19:00|03-03 22:00|03-05 17:00|03-05 19:00|03-05 23:00"),
        ("2026-03-12", "03-04 15:00|03-06 17:00|03-10 18:00|03-10 21:00|03-12 16:00|03-12 18:00|03-12 22:00"),
        ("2026-03-19", "03-11 14:00|03-13 16:00|03-17 18:00|03-17 21:00|03-19 16:00|03-19 18:00|03-19 22:00"),
        ("2027-03-11", "03-03 15:00|03-05 17:00|03-09 19:00|03-09 22:00|03-11 17:00|03-11 19:00|03-11 23:00"),
        ("2027-03-18", "03-10 15:00|03-12 17:00|03-16 18:00|03-16 21:00|03-18 16:00|03-18 18:00|03-18 22:00"),
        ("2027-03-25", "03-17 14:00|03-19 16:00|03-23 18:00|03-23 21:00|03-25 16:00|03-25 18:00|03-25 22:00"),
        ("2028-03-09", "03-01 15:00|03-03 17:00|03-07 19:00|03-07 22:00|03-09 17:00|03-09 19:00|03-09 23:00"),
        ("2028-03-16", "03-08 15:00|03-10 17:00|03-14 18:00|03-14 21:00|03-16 16:00|03-16 18:00|03-16 22:00"),
        ("2028-03-23", "03-15 14:00|03-17 16:00|03-21 18:00|03-21 21:00|03-23 16:00|03-23 18:00|03-23 22:00"),
        # Clocks go back on Sun Nov 1, 2026; Nov 7, 2027; Nov 5, 2028.
        ("2026-10-29", "10-21 14:00|10-23 16:00|10-27 18:00|10-27 21:00|10-29 16:00|10-29 18:00|10-29 22:00"),
        ("2026-11-05", "10-28 14:00|10-30 16:00|11-03 19:00|11-03 22:00|11-05 17:00|11-05 19:00|11-05 23:00"),
        ("2026-11-12", "11-04 15:00|11-06 17:00|11-10 19:00|11-10 22:00|11-12 17:00|11-12 19:00|11-12 23:00"),
        ("2027-11-04", "10-27 14:00|10-29 16:00|11-02 18:00|11-02 21:00|11-04 16:00|11-04 18:00|11-04 22:00"),
        ("2027-11-11", "11-03 14:00|11-05 16:00|11-09 19:00|11-09 22:00|11-11 17:00|11-11 19:00|11-11 23:00"),
        ("2027-11-18", "11-10 15:00|11-12 17:00|11-16 19:00|11-16 22:00|11-18 17:00|11-18 19:00|11-18 23:00"),
        ("2028-11-02", "10-25 14:00|10-27 16:00|10-31 18:00|10-31 21:00|11-02 16:00|11-02 18:00|11-02 22:00"),
        ("2028-11-09", "11-01 14:00|11-03 16:00|11-07 19:00|11-07 22:00|11-09 17:00|11-09 19:00|11-09 23:00"),
        ("2028-11-16", "11-08 15:00|11-10 17:00|11-14 19:00|11-14 22:00|11-16 17:00|11-16 19:00|11-16 23:00"),
    ],
)
def test_weeks_around_the_daylight_saving_changes(thursday: str, expected: str) -> None:
    plan = plan_week(date.fromisoformat(thursday), DEFAULT_POLICY, [])

    assert "|".join(in_utc(plan)) == expected
    assert {at.year for at in plan.due.values()} == {int(thursday[:4])}


def test_an_ordinary_week_is_complete() -> None:
    plan = plan_week(date(2026, 12, 10), DEFAULT_POLICY, [])

    assert list(plan.due) == list(Deadline)
    assert (plan.thursday, plan.install_day, plan.skip_reason) == (date(2026, 12, 10), date(2026, 12, 10), "")
    assert plan.due["cutoff"] == datetime(2026, 12, 8, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    "thanksgiving", ["2026-11-26", "2027-11-25", "2028-11-23", "2029-11-22", "2030-11-28", "2031-11-27"]
)
def test_thanksgiving_week_is_skipped(thanksgiving: str) -> None:
    plan = plan_week(date.fromisoformat(thanksgiving), DEFAULT_POLICY, FEDERAL)

    assert plan == WeekPlan(date.fromisoformat(thanksgiving), None, "Thanksgiving Day", {})


def test_a_freeze_on_the_install_day_skips_the_week() -> None:
    plan = plan_week(date(2026, 12, 24), DEFAULT_POLICY, [ClosedDay(date(2026, 12, 24), "Year-end freeze", "freeze")])

    assert (plan.install_day, plan.skip_reason, plan.due) == (None, "Year-end freeze", {})


def test_a_holiday_names_the_skip_before_a_freeze_of_the_same_day() -> None:
    day = date(2025, 12, 25)
    both = [ClosedDay(day, "All-year freeze", "freeze"), ClosedDay(day, "Christmas Day", "holiday")]

    assert plan_week(day, DEFAULT_POLICY, both).skip_reason == "Christmas Day"


def test_a_substitute_wednesday_takes_the_whole_install_day() -> None:
    plan = plan_week(date(2026, 11, 26), DEFAULT_POLICY, FEDERAL, substitute=date(2026, 11, 25))

    assert (plan.thursday, plan.install_day, plan.skip_reason) == (date(2026, 11, 26), date(2026, 11, 25), "")
    assert on_clocks(plan) == [
        "Wed 11-18 10:00",
        "Fri 11-20 12:00",
        "Tue 11-24 14:00",
        "Tue 11-24 17:00",
        "Wed 11-25 12:00",
        "Wed 11-25 14:00",
        "Wed 11-25 18:00",
    ]


def test_a_substitute_holds_when_the_nominal_day_is_open() -> None:
    plan = plan_week(date(2026, 12, 10), DEFAULT_POLICY, [], substitute=date(2026, 12, 11))

    assert plan.install_day == date(2026, 12, 11)
    assert on_clocks(plan)[-3:] == ["Fri 12-11 12:00", "Fri 12-11 14:00", "Fri 12-11 18:00"]


@pytest.mark.parametrize(
    ("substitute", "sentence"),
    [
        ("2026-11-28", "Sat Nov 28 is not in the same week. Choose a day from Mon Nov 23 to Fri Nov 27."),
        ("2026-11-20", "Fri Nov 20 is not in the same week. Choose a day from Mon Nov 23 to Fri Nov 27."),
        ("2026-12-02", "Wed Dec 2 is not in the same week. Choose a day from Mon Nov 23 to Fri Nov 27."),
        ("2026-11-26", "Thu Nov 26 is closed. Choose a working day."),
        ("2026-11-24", "Tue Nov 24 is not after the week's deadlines. Choose a later day."),
        ("2026-11-23", "Mon Nov 23 is not after the week's deadlines. Choose a later day."),
    ],
)
def test_a_substitute_that_cannot_be_used_is_refused(substitute: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="Choose") as refused:
        plan_week(date(2026, 11, 26), DEFAULT_POLICY, FEDERAL, substitute=date.fromisoformat(substitute))

    assert str(refused.value) == sentence


@pytest.mark.parametrize(("closes_at", "allowed"), [(time(16), False), (time(17), False), (time(17, 1), True)])
def test_exemptions_on_a_substitute_day_close_after_the_approval_deadline(closes_at: time, *, allowed: bool) -> None:
    evening = replace(
        DEFAULT_POLICY,
        exemption_close=Rule(0, 3, closes_at),
        install=Rule(0, 3, time(18)),
        install_close=Rule(0, 3, time(20)),
    )
    tuesday = date(2026, 11, 24)

    if allowed:
        assert plan_week(date(2026, 11, 26), evening, FEDERAL, substitute=tuesday).install_day == tuesday
    else:
        with pytest.raises(ValueError, match="not after the week's deadlines"):
            plan_week(date(2026, 11, 26), evening, FEDERAL, substitute=tuesday)


def test_a_week_is_named_by_a_thursday() -> None:
    with pytest.raises(ValueError, match=r"^Wed Dec 9 is not a Thursday"):
        plan_week(date(2026, 12, 9), DEFAULT_POLICY, [])


@pytest.mark.parametrize(
    ("thursday", "cutoff", "approval"),
    [
        ("2025-11-13", "2025-11-10 19:00", "2025-11-10 22:00"),  # Veterans Day on Tue Nov 11, 2025
        ("2028-07-06", "2028-07-03 18:00", "2028-07-03 21:00"),  # Independence Day on Tue Jul 4, 2028
        ("2029-06-21", "2029-06-18 18:00", "2029-06-18 21:00"),  # Juneteenth on Tue Jun 19, 2029
    ],
)
def test_a_tuesday_holiday_moves_both_tuesday_deadlines_to_monday(thursday: str, cutoff: str, approval: str) -> None:
    day = date.fromisoformat(thursday)

    plan = plan_week(day, DEFAULT_POLICY, FEDERAL)

    assert f"{plan.due['cutoff']:%Y-%m-%d %H:%M}" == cutoff
    assert f"{plan.due['approval']:%Y-%m-%d %H:%M}" == approval
    ordinary = plan_week(day, DEFAULT_POLICY, [])
    assert {key for key in Deadline if plan.due[key] != ordinary.due[key]} == {"cutoff", "approval"}


def test_christmas_on_a_tuesday_after_a_frozen_monday() -> None:
    plan = plan_week(date(2029, 12, 27), DEFAULT_POLICY, FEDERAL + FREEZES)

    assert on_clocks(plan)[:5] == [
        "Wed 12-19 10:00",
        "Fri 12-21 12:00",
        "Fri 12-21 14:00",
        "Fri 12-21 17:00",
        "Thu 12-27 12:00",
    ]


def test_christmas_weeks_of_2026_are_frozen_and_the_next_week_starts_early() -> None:
    plans = [plan_week(date(2026, 12, day), DEFAULT_POLICY, FEDERAL + FREEZES) for day in (24, 31)]
    after = plan_week(date(2027, 1, 7), DEFAULT_POLICY, FEDERAL + FREEZES)

    assert [plan.skip_reason for plan in plans] == ["Dec 24 freeze", "Dec 31 freeze"]
    assert on_clocks(after)[:3] == ["Wed 12-30 10:00", "Wed 12-30 12:00", "Tue 01-05 14:00"]


def test_the_review_and_the_plan_email_move_off_closed_days_too() -> None:
    plan = plan_week(date(2026, 12, 10), DEFAULT_POLICY, closed("2026-12-02", "2026-12-04"))

    assert on_clocks(plan)[:3] == ["Tue 12-01 10:00", "Thu 12-03 12:00", "Tue 12-08 14:00"]


def test_deadlines_move_past_a_weekend_and_a_whole_closed_week() -> None:
    days = [f"2026-12-{day:02}" for day in (1, 2, 3, 4, 7, 8)]

    plan = plan_week(date(2026, 12, 10), DEFAULT_POLICY, closed(*days))

    assert on_clocks(plan)[:4] == ["Mon 11-30 10:00", "Mon 11-30 12:00", "Mon 11-30 14:00", "Mon 11-30 17:00"]


def test_an_earlier_milestone_comes_forward_rather_than_after_a_later_one() -> None:
    evening = replace(DEFAULT_POLICY, code_review=Rule(1, 4, time(15)), plan_email=Rule(1, 4, time(16)))

    plan = plan_week(date(2026, 12, 10), evening, closed("2026-12-07", "2026-12-08"))

    assert on_clocks(plan)[:4] == ["Fri 12-04 14:00", "Fri 12-04 14:00", "Fri 12-04 14:00", "Fri 12-04 17:00"]


def test_a_closed_day_needs_a_name_because_it_is_the_reason_shown() -> None:
    with pytest.raises(ValueError, match=r"^The freeze on Thu Dec 24 needs a name"):
        ClosedDay(date(2026, 12, 24), " ", "freeze")


@pytest.mark.parametrize(
    ("today", "first"),
    [
        ("2026-12-07", "2026-12-10"),
        ("2026-12-10", "2026-12-10"),
        ("2026-12-11", "2026-12-17"),
        ("2026-12-13", "2026-12-17"),
        ("2026-12-14", "2026-12-17"),
    ],
)
def test_upcoming_thursdays_start_with_the_week_that_is_not_over(today: str, first: str) -> None:
    found = upcoming_thursdays(date.fromisoformat(today), 3)

    assert found == [date.fromisoformat(first) + timedelta(weeks=number) for number in range(3)]


@pytest.mark.parametrize(
    ("thursday", "expected"),
    [
        ("2026-01-01", "2026-W01"),
        ("2026-12-10", "2026-W50"),
        ("2026-12-31", "2026-W53"),
        ("2027-01-07", "2027-W01"),
        ("2025-01-02", "2025-W01"),
        ("2032-12-30", "2032-W53"),
    ],
)
def test_week_id_is_the_iso_week(thursday: str, expected: str) -> None:
    assert week_id(date.fromisoformat(thursday)) == expected


def test_every_week_of_seventeen_years_has_its_own_id() -> None:
    assert len(THURSDAYS) == len({week_id(each) for each in THURSDAYS}) == 887


def test_every_open_week_of_seventeen_years_keeps_its_wall_times() -> None:
    plans = [plan_week(each, DEFAULT_POLICY, FEDERAL) for each in THURSDAYS]

    assert sum(bool(plan.due) for plan in plans) > 850
    for plan in plans:
        for key, at in plan.due.items():
            assert at.astimezone(NEW_YORK).time() == DEFAULT_POLICY.rule(key).at


def test_exactly_the_thursday_holidays_of_seventeen_years_are_skipped() -> None:
    skipped = {each for each in THURSDAYS if plan_week(each, DEFAULT_POLICY, FEDERAL).install_day is None}

    assert skipped == {each.day for each in FEDERAL if each.day in THURSDAYS}
    assert {date(2026, 1, 1), date(2026, 11, 26), date(2027, 11, 11), date(2030, 7, 4)} <= skipped


def test_deadlines_of_seventeen_years_move_off_holidays_only_and_only_earlier() -> None:
    holiday_dates = {each.day for each in FEDERAL}
    for thursday in THURSDAYS:
        plan, ordinary = (plan_week(thursday, DEFAULT_POLICY, days) for days in (FEDERAL, []))
        for key, at in plan.due.items():
            nominal = ordinary.due[key].astimezone(NEW_YORK).date()
            actual = at.astimezone(NEW_YORK).date()
            assert (actual == nominal) if nominal not in holiday_dates else (actual < nominal)
            assert actual.weekday() < 5
            assert actual not in holiday_dates


@pytest.mark.parametrize("key", list(Deadline))
def test_from_week_to_week_it_is_168_hours_except_at_the_changes(key: Deadline) -> None:
    instants = [plan_week(each, DEFAULT_POLICY, []).due[key] for each in THURSDAYS]

    steps = [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(instants)]

    assert set(steps) == {167.0, 168.0, 169.0}
    assert len(steps) - steps.count(168.0) == CLOCK_CHANGES


def test_the_order_holds_in_every_week_of_seventeen_years_with_freezes() -> None:
    for thursday in THURSDAYS:
        instants = list(plan_week(thursday, DEFAULT_POLICY, FEDERAL + FREEZES).due.values())
        assert instants == sorted(set(instants))


minutes = st.integers(3 * 60, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any policy that is accepted: four moments before the install day and three on it."""
    weekday = draw(st.integers(1, 4))
    slots = [(-weeks, day) for weeks in (2, 1, 0) for day in range(5) if weeks or day < weekday]
    moments = st.tuples(st.sampled_from(slots), minutes)
    lead = sorted(draw(st.lists(moments, min_size=4, max_size=4, unique=True)))
    times = sorted(draw(st.lists(minutes, min_size=3, max_size=3, unique=True)))
    rules = [Rule(-weeks, day, at) for (weeks, day), at in lead] + [Rule(0, weekday, at) for at in times]
    return Policy(**dict(zip(Deadline, rules, strict=True)))  # type: ignore[arg-type]


def near(thursday: date) -> st.SearchStrategy[list[ClosedDay]]:
    offsets = st.lists(st.integers(-25, 1), unique=True, max_size=20)
    return offsets.map(lambda days: [ClosedDay(thursday + timedelta(days=n), f"Day {n}", "freeze") for n in days])


@settings(deadline=None)
@given(st.data(), policies(), st.sampled_from(THURSDAYS))
def test_whatever_is_closed_the_order_never_reverses(data: st.DataObject, policy: Policy, thursday: date) -> None:
    days = data.draw(near(thursday))

    plan = plan_week(thursday, policy, days)

    ordinary = plan_week(thursday, policy, [])
    assert list(plan.due.values()) == sorted(plan.due.values())
    assert all(plan.due[key] <= ordinary.due[key] for key in plan.due)
    assert eastern_dates(plan.due.values()).isdisjoint(each.day for each in days)
    assert (plan.install_day is None) == bool(plan.skip_reason) == (not plan.due)


def eastern_dates(instants: Iterable[datetime]) -> set[date]:
    return {at.astimezone(NEW_YORK).date() for at in instants}


def test_the_zone_comes_from_the_package_and_the_layer_is_pure() -> None:
    program = """
import sys, zoneinfo
assert zoneinfo.TZPATH == (), zoneinfo.TZPATH
from datetime import date
from deployments.calendar import plan_week
from deployments.policy import DEFAULT_POLICY
print(plan_week(date(2026, 3, 12), DEFAULT_POLICY, []).due["cutoff"].isoformat())
print(sorted({"django", "celery"} & set(sys.modules)))
"""
    bare = {**os.environ, "PYTHONTZPATH": "", "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", program], env=bare, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stdout.split("\n")[:2]) == (0, ["2026-03-10T18:00:00+00:00", "[]"]), done.stderr
