"""The made-up weeks: the same story for the same seed, made by real actions, and in order."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import holidays
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import transaction

from crq.deliverables import Readiness
from crq.models import CRQ, Document, Snapshot
from crq.readiness import Facts
from deployments.models import ClosedDay, Deployment, Milestone
from notifications.models import Email
from releaseflow.demo import seed
from releaseflow.demo.closed_days import close_days, federal_holidays
from releaseflow.demo.papers import paper, pdf
from releaseflow.demo.timetable import Diary, Timetable, eastern
from workflow import clock
from workflow.models import DemoClock, Event

MONDAY = date(2025, 12, 8)
BEGINS = eastern(date(2025, 12, 9), "11:42")
NEXT = {
    "Claims intake form, third revision": "prs",
    "Ledger rounding on partial refunds": "crq",
    "Session timeout for the admin portal": "approved",
    "Address lookup: switch provider": "core_dev",
    "Card retry rules": "tests",
    "Statement PDF layout": "approved",
    "Nightly export to the warehouse": "installed",
    "Push notification opt-in": "installed",
}


def told(number: int) -> list[Any]:
    """Every event of a story, which is then forgotten."""
    with transaction.atomic():
        seed.sow(seed=number, weeks=2, today=MONDAY)
        story: list[Any] = list(
            Event.objects.order_by("pk").values_list("at", "actor__username", "action", "subject", "reason")
        )
        transaction.set_rollback(True)
    return story


@pytest.mark.django_db
def test_the_same_seed_tells_the_same_story() -> None:
    first, again = told(1), told(1)

    assert len(first) > 100
    assert first == again


def test_another_seed_finds_other_moments() -> None:
    first, other = (Diary(Random(number), ()).between(BEGINS, BEGINS + timedelta(days=1)) for number in (1, 2))

    assert first != other


@pytest.mark.django_db
def test_two_weeks_end_on_a_tuesday_with_something_for_everybody() -> None:
    sown = seed.sow(seed=1, weeks=2, today=MONDAY)
    live = Deployment.objects.filter(week=sown.week)

    assert sown.begins == BEGINS
    assert {each.title: Readiness(Facts.fresh(each)).open_now()[0].key for each in live} == NEXT
    assert set(live.values_list("status", flat=True)) == {"planned", "cleared"}
    assert Deployment.objects.filter(week__thursday=sown.week.thursday + timedelta(days=7)).count() == 2
    the_past_is_over(sown)
    all_is_in_order(sown)
    every_letter_has_left_but_one(sown)
    the_documents_open()


def the_past_is_over(sown: seed.Seeded) -> None:
    past = Deployment.objects.filter(week__thursday__lt=sown.week.thursday)
    assert past.count() >= 4
    assert set(past.values_list("status", flat=True)) <= {"verified", "backed_out", "withdrawn"}
    assert not CRQ.objects.filter(deployment__in=past).exclude(status=CRQ.Status.CLOSED).exists()
    assert Snapshot.objects.filter(deployment__in=past).count() == 3 * past.count()
    assert Milestone.objects.filter(due_at__lt=sown.begins).exists()
    assert not Milestone.objects.filter(due_at__lt=sown.begins, enforced_at=None).exists()
    assert not Milestone.objects.filter(due_at__gte=sown.begins).exclude(enforced_at=None).exists()


def all_is_in_order(sown: seed.Seeded) -> None:
    instants = list(Event.objects.order_by("pk").values_list("at", flat=True))
    assert instants == sorted(instants)
    assert instants[-1] <= sown.begins


def every_letter_has_left_but_one(sown: seed.Seeded) -> None:
    assert not Email.objects.filter(sent_at=None, parked_at=None).exists()
    assert Email.objects.exclude(parked_at=None).values_list("to", flat=True).get() == seed.BOUNCES
    assert not Email.objects.filter(sent_at__gt=sown.begins).exists()


def the_documents_open() -> None:
    for document in Document.objects.all():
        with document.file.open("rb") as file:
            content = file.read()
        assert len(content) == document.size
        assert content.startswith(b"%PDF-1.4" if document.name.endswith(".pdf") else b"Test results,")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("today", "begins"),
    [
        (date(2025, 12, 23), "2026-01-06"),  # two Thursdays in a row are closed
        (date(2025, 11, 10), "2025-11-10"),  # Veterans Day is a Tuesday, so the cutoff is on Monday
    ],
)
def test_weeks_with_closed_days_can_be_told(today: date, begins: str) -> None:
    sown = seed.sow(seed=1, weeks=4, today=today)

    assert sown.begins == eastern(date.fromisoformat(begins), "11:42")
    assert Deployment.objects.filter(week=sown.week).count() == 8
    assert not sown.week.skipped


# --- The command ---------------------------------------------------------------------------------------------
def test_the_command_fills_an_empty_database_once(
    db: None, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEMO = True
    call_command("seed_demo", "--weeks", "2", "--today", MONDAY.isoformat())
    said = capsys.readouterr().out

    assert said.startswith("Made 2 weeks: 31 people, ")
    assert said.endswith("The demo's clock now says Tue Dec 9, 11:42 am ET.\n")
    assert abs(clock.now() - BEGINS) < timedelta(minutes=1)
    with pytest.raises(CommandError, match="only fills an empty database"):
        call_command("seed_demo")


@pytest.mark.parametrize(
    ("demo", "arguments", "words"),
    [
        (False, [], "only runs with DEMO=1"),
        (True, ["--weeks", "1"], "--weeks must be from 2 to 26, not 1"),
        (True, ["--weeks", "27"], "--weeks must be from 2 to 26, not 27"),
        (True, ["--today", "soon"], "--today must be a day like 2026-12-08, not 'soon'"),
    ],
)
def test_the_command_refuses_with_a_sentence(
    db: None, settings: LazySettings, demo: bool, arguments: list[str], words: str
) -> None:
    settings.DEMO = demo

    with pytest.raises(CommandError, match=re.escape(words)) as refused:
        call_command("seed_demo", *arguments)

    assert refused.value.returncode == 2
    assert not DemoClock.objects.exists()


# --- Its parts -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("year", range(2024, 2034))
def test_federal_holidays_are_those_that_everybody_knows(year: int) -> None:
    ours = {day for each in (year, year + 1) for day, _ in federal_holidays(each) if day.year == year}
    known = {day for day in holidays.country_holidays("US", years=[year, year + 1]) if day.year == year}
    inauguration = {day for day in known if (day.month, day.day) == (1, 20) and day.weekday() != 0}

    assert ours == {day for day in known - inauguration if day.weekday() < 5}


@pytest.mark.django_db
def test_a_freeze_gives_way_to_a_holiday() -> None:
    close_days(date(2027, 12, 20), date(2027, 12, 31))  # December 25, 2027 is a Saturday

    rows = list(ClosedDay.objects.values_list("day", "name", "kind"))

    assert rows == [
        (date(2027, 12, 24), "Christmas Day", "holiday"),
        (date(2027, 12, 31), "New Year's Day", "holiday"),
    ]


def test_the_pdf_tells_where_its_objects_are() -> None:
    file = pdf(["A line (with brackets)", "and a \\ too"])

    table = int(file.rpartition(b"startxref\n")[2].split()[0])
    offsets = [int(found) for found in re.findall(rb"(\d{10}) 00000 n", file)]
    assert file[table:].startswith(b"xref\n0 6\n")
    assert [file[offset : offset + 7] for offset in offsets] == [b"%d 0 obj" % number for number in range(1, 6)]
    assert rb"(A line \(with brackets\)) '" in file


def test_test_results_are_a_table_of_four_columns() -> None:
    file = paper("tests", title="A, b", application="Ledger", crq="CRQ000000000001").read().decode()

    assert {line.count(",") for line in file.split("\r\n")[:-1]} == {3}


def test_stories_happen_side_by_side_in_time_order() -> None:
    start, seen = eastern(MONDAY, "09:00"), []

    def story(name: str, minutes: list[int]) -> Iterator[datetime]:
        for minute in minutes:
            yield start + timedelta(minutes=minute)
            seen.append((name, (clock.now() - start) // timedelta(minutes=1)))

    timetable = Timetable()
    timetable.add(story("a", [1, 5, 9]))
    timetable.add(story("b", [2, 1, 6]))
    timetable.run(start + timedelta(minutes=6))

    assert seen == [("a", 1), ("b", 2), ("b", 2), ("a", 5), ("b", 6)]
