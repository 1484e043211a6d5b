"""The calendar and the pages that change it: who sees and does what, and that nothing is saved unseen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from deployments.models import ClosedDay, ReleaseWeek
from deployments.policy import DEFAULT_POLICY
from deployments.rules import current_policy
from deployments.weeks import open_weeks
from tests.cast import Cast
from tests.stages import Stage
from workflow import clock
from workflow.models import Event

NOW = datetime(2026, 11, 9, 15, tzinfo=UTC)  # Monday 10:00 am ET
THANKSGIVING = date(2026, 11, 26)
PAGES = ("/calendar/", "/settings/schedule/", "/settings/closed-days/", "/weeks/2026-11-26/schedule/")
EVERYONE = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "outsider")
SCHEDULE = {
    "code_review_day": "1-2", "code_review_at": "10:00", "plan_email_day": "1-4", "plan_email_at": "12:00",
    "cutoff_day": "0-1", "cutoff_at": "14:00", "approval_day": "0-1", "approval_at": "17:00",
    "exemption_close_day": "0-3", "exemption_close_at": "12:00", "install_day": "0-3", "install_at": "14:00",
    "install_close_day": "0-3", "install_close_at": "18:00", "missed_cutoff_holds": "on",
}  # fmt: skip
As = Callable[[str], Client]


@pytest.fixture(autouse=True)
def weeks(db: None) -> Iterator[None]:
    """The weeks from that of Nov 12 to that of Jan 7, and Thanksgiving closed."""
    ClosedDay.objects.create(day=THANKSGIVING, name="Thanksgiving Day")
    with clock.frozen(NOW):
        open_weeks(NOW)
        yield


@pytest.fixture
def as_(client: Client, cast: Cast) -> As:
    def sign_in(name: str) -> Client:
        client.force_login(getattr(cast, name))
        return client

    return sign_in


def text(response: Any) -> str:
    """What the page says, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("&#x27;", "'").split())


def digest(response: Any) -> str:
    found = re.search(r'name="confirm" value="(\w+)"', response.content.decode())
    assert found
    return found[1]


def seen_and_saved(client: Client, url: str, data: dict[str, str]) -> Any:
    shown = client.post(url, data)
    assert shown.status_code == 200, text(shown)
    return client.post(url, data | {"confirm": digest(shown)}, follow=True)


# --- Looking -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", EVERYONE)
@pytest.mark.parametrize("url", PAGES)
def test_everyone_may_look(as_: As, url: str, name: str) -> None:
    assert as_(name).get(url).status_code == 200


@pytest.mark.parametrize("url", PAGES)
def test_strangers_are_asked_to_sign_in(client: Client, url: str) -> None:
    response = client.get(url)

    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/sign-in/")


def test_a_week_that_is_not_there_is_not_found(as_: As) -> None:
    assert as_("scrum_master").get("/weeks/2031-01-02/schedule/").status_code == 404


def test_the_calendar_names_what_it_shows(as_: As) -> None:
    said = text(as_("developer").get("/calendar/"))

    assert "November 2026" in said
    assert "January 2027" in said
    assert "Thanksgiving Day Holiday" in said
    assert "No code install in the week of Thu Nov 26" in said
    assert "Code install 2:00 pm" in said
    assert "Code review 10:00 am for Nov 19" in said


def test_the_calendar_marks_what_moved(as_: As) -> None:
    ClosedDay.objects.create(day=date(2026, 11, 11), name="Veterans Day")
    week = ReleaseWeek.objects.get(thursday=date(2026, 11, 19))
    week.milestones.filter(key="code_review").update(due_at=datetime(2026, 11, 10, 15, tzinfo=UTC))
    seen_and_saved(as_("scrum_master"), "/weeks/2026-11-26/schedule/", {"what": "substitute", "day": "2026-11-25"})
    said = text(as_("developer").get("/calendar/"))

    assert "moved from Wed Nov 11" in said
    assert "Code install on Wed Nov 25 instead of Thu Nov 26" in said
    assert "moved from Thu Nov 26" in said


@pytest.mark.parametrize("closed", [1, 3])
@pytest.mark.parametrize(("url", "count"), [(PAGES[0], 7), (PAGES[1], 4), (PAGES[2], 7), (PAGES[3], 8)])
def test_the_number_of_statements_is_fixed(
    as_: As, url: str, count: int, closed: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = as_("administrator")
    for day in range(1, closed):
        ClosedDay.objects.create(day=date(2026, 12, 20 + day), name="Quiet day", kind="freeze")
    client.get(url)

    with django_assert_num_queries(count):
        client.get(url)


# --- The schedule --------------------------------------------------------------------------------------------
def test_the_schedule_is_shown_before_it_is_saved(as_: As) -> None:
    client, data = as_("administrator"), SCHEDULE | {"approval_at": "15:00"}
    shown = client.post("/settings/schedule/", data)

    said = text(shown)
    assert "CRQ approval: Tuesday 5:00 pm becomes Tuesday 3:00 pm" in said
    assert "All 8 open weeks change." in said
    assert "Tue Nov 10, 5:00 pm ET Tue Nov 10, 3:00 pm ET" in said
    assert current_policy() == DEFAULT_POLICY

    saved = client.post("/settings/schedule/", data | {"confirm": digest(shown)}, follow=True)

    assert "Saved. All 8 open weeks change." in text(saved)
    assert str(current_policy().approval) == "Tuesday 3:00 pm"


def test_going_on_editing_loses_nothing(as_: As) -> None:
    response = as_("administrator").post("/settings/schedule/", SCHEDULE | {"approval_at": "15:30", "edit": "1"})

    assert response.status_code == 200
    assert 'value="15:30"' in response.content.decode()


def test_what_changed_meanwhile_is_shown_again(as_: As, cast: Cast) -> None:
    client, data = as_("administrator"), SCHEDULE | {"approval_at": "15:00"}
    shown = client.post("/settings/schedule/", data)
    Stage(cast, ReleaseWeek.objects.get(thursday=date(2026, 11, 19))).plan("Colour names")
    again = client.post("/settings/schedule/", data | {"confirm": digest(shown)})

    assert again.status_code == 409
    assert "The weeks changed while you looked" in text(again)
    assert "Colour names" in text(again)
    assert current_policy() == DEFAULT_POLICY


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "Nothing differs from the schedule as it is."),
        ({"approval_at": ""}, "Give a time, such as 2:00 pm."),
        ({"approval_at": "01:30"}, "which daylight saving skips or repeats"),
        ({"cutoff_at": "18:00"}, "must come before"),
        ({"cutoff_day": "9-9"}, "That is no longer offered. Choose again."),
    ],
)
def test_a_schedule_that_cannot_be_gets_a_sentence(as_: As, change: dict[str, str], words: str) -> None:
    response = as_("administrator").post("/settings/schedule/", SCHEDULE | change)

    assert response.status_code == 422
    assert words in text(response)


@pytest.mark.parametrize("name", [name for name in EVERYONE if name != "administrator"])
def test_only_an_administrator_changes_the_schedule(as_: As, name: str) -> None:
    client = as_(name)
    response = client.post("/settings/schedule/", SCHEDULE | {"approval_at": "15:00", "confirm": "0" * 32})

    assert response.status_code == 422
    assert "Only an administrator can do this: Ada Quist." in text(response)
    assert 'aria-disabled="true"' in client.get("/settings/schedule/").content.decode()
    assert current_policy() == DEFAULT_POLICY


# --- Closed days ---------------------------------------------------------------------------------------------
def test_a_freeze_of_several_days_closes_its_working_days(as_: As) -> None:
    data = {"what": "add", "kind": "freeze", "name": "Retreat", "first": "2026-12-10", "last": "2026-12-14"}
    saved = seen_and_saved(as_("administrator"), "/settings/closed-days/", data)

    assert "Saved." in text(saved)
    days = ClosedDay.objects.filter(name="Retreat").values_list("day", flat=True)
    assert list(days) == [date(2026, 12, 10), date(2026, 12, 11), date(2026, 12, 14)]
    assert ReleaseWeek.objects.get(thursday=date(2026, 12, 10)).skip_reason == "Retreat"
    assert Event.objects.filter(object_type="closed_day", action="add").count() == 3


def test_a_closed_day_is_removed(as_: As) -> None:
    seen_and_saved(as_("administrator"), "/settings/closed-days/", {"what": "remove", "day": "2026-11-26"})

    assert not ClosedDay.objects.exists()
    assert ReleaseWeek.objects.get(thursday=THANKSGIVING).install_day == THANKSGIVING


def test_a_year_is_proposed_and_confirmed(as_: As) -> None:
    client, url = as_("administrator"), "/settings/closed-days/?year=2026&propose=1"
    offered = re.findall(r'name="days"[^>]*value="([\d-]+)"', client.get(url).content.decode())
    assert offered == ["2026-11-11", "2026-12-24", "2026-12-25", "2026-12-31"]
    seen_and_saved(client, url, {"what": "propose", "days": ["2026-12-24", "2026-12-25"]})  # type: ignore[dict-item]

    assert [row.name for row in ClosedDay.objects.all()] == ["Thanksgiving Day", "Year-end freeze", "Christmas Day"]
    assert ReleaseWeek.objects.get(thursday=date(2026, 12, 24)).skip_reason == "Year-end freeze"


@pytest.mark.parametrize("year", ["0020261", "2026" + "0" * 5000, "1066", "soon", "\u0662\u0660\u0662\u0666"])
def test_a_year_that_is_none_means_this_one(as_: As, year: str) -> None:
    response = as_("administrator").get("/settings/closed-days/", {"year": year})

    assert (response.status_code, response.context["year"]) == (200, 2026)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": ""}, "Name the day."),
        ({"first": "2026-11-06"}, "Fri Nov 6 is over."),
        ({"first": "2026-11-28"}, "is on a weekend"),
        ({"first": "2026-11-26"}, "is closed already: Thanksgiving Day."),
        ({"last": "2026-11-20"}, "The last day comes before the first."),
        ({"last": "2026-12-11"}, "A holiday is one day."),
        ({"kind": "freeze", "last": "2027-12-11"}, "A freeze is 60 days at most."),
        ({"first": "soon"}, "Give a date, such as 2026-12-10."),
    ],
)
def test_a_day_that_cannot_be_closed_gets_a_sentence(as_: As, data: dict[str, str], words: str) -> None:
    given = {"what": "add", "kind": "holiday", "name": "Founders' Day", "first": "2026-12-08"} | data
    response = as_("administrator").post("/settings/closed-days/", given)

    assert response.status_code == 422
    assert words in text(response)
    assert ClosedDay.objects.count() == 1


def test_a_day_that_somebody_else_removed_is_said_to_be_gone(as_: As) -> None:
    response = as_("administrator").post("/settings/closed-days/", {"what": "remove", "day": "2026-12-08"})

    assert response.status_code == 422
    assert "Tue Dec 8 is not closed any more." in text(response)


@pytest.mark.parametrize("data", [{"what": "remove", "day": "2026-11-26"}, {"what": "propose", "days": "2026-12-25"}])
@pytest.mark.parametrize("name", ["scrum_master", "developer"])
def test_only_an_administrator_changes_the_calendar(as_: As, name: str, data: dict[str, str]) -> None:
    response = as_(name).post("/settings/closed-days/?year=2026", data)

    assert response.status_code == 422
    assert "Only an administrator can do this" in text(response)
    assert ClosedDay.objects.count() == 1


@pytest.mark.parametrize("year", ["abc", "99999999", "-1", "1800", "²"])
def test_a_strange_year_means_this_one(as_: As, year: str) -> None:
    response = as_("developer").get("/settings/closed-days/", {"year": year})

    assert "Closed days 2026" in response.content.decode()


# --- One week ------------------------------------------------------------------------------------------------
def test_a_week_is_skipped_and_reopened(as_: As, cast: Cast) -> None:
    url = "/weeks/2026-11-19/schedule/"
    week = ReleaseWeek.objects.get(thursday=date(2026, 11, 19))
    deployment = Stage(cast, week).plan("Colour names")
    client = as_("scrum_master")
    shown = client.post(url, {"what": "skip", "reason": "Data centre move."})
    assert "1 deployment moves to the next open week, without the approval: Colour names" in text(shown)

    saved = seen_and_saved(client, url, {"what": "skip", "reason": "Data centre move."})

    assert "Saved. The week of Thu Nov 19 is skipped" in text(saved)
    deployment.refresh_from_db()
    assert deployment.week.thursday == date(2026, 12, 3)
    seen_and_saved(client, url, {"what": "reopen"})
    week.refresh_from_db()
    assert week.install_day == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"what": "skip", "reason": " . "}, "Say why in a few words."),
        ({"what": "substitute", "day": ""}, "Choose a day."),
        ({"what": "substitute", "day": "2026-11-17"}, "is not after the week's deadlines"),
        ({"what": "substitute", "day": "2026-12-01"}, "is not in the same week"),
        ({"what": "reopen"}, "It follows the calendar already."),
    ],
)
def test_a_choice_that_cannot_be_gets_a_sentence(as_: As, data: dict[str, str], words: str) -> None:
    response = as_("scrum_master").post("/weeks/2026-11-19/schedule/", data)

    assert response.status_code == 422
    assert words in text(response).replace("&#x27;", "'").replace("&quot;", '"')


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("scrum_master", {"what": "skip", "reason": "Move"}, 200),
        ("administrator", {"what": "skip", "reason": "Move"}, 200),
        ("scrum_master", {"what": "substitute", "day": "2026-11-18"}, 200),
        ("administrator", {"what": "substitute", "day": "2026-11-18"}, 422),
        ("manager", {"what": "skip", "reason": "Move"}, 422),
        ("devops", {"what": "substitute", "day": "2026-11-18"}, 422),
        ("director", {"what": "reopen"}, 422),
        ("scrum_master", {"what": "warn"}, 200),
    ],
)
def test_who_changes_a_week(as_: As, name: str, data: dict[str, str], status: int) -> None:
    before = list(ReleaseWeek.objects.values())
    response = as_(name).post("/weeks/2026-11-19/schedule/", data)

    assert response.status_code == status
    assert list(ReleaseWeek.objects.values()) == before


@pytest.mark.parametrize("action", ["skip", "substitute", "reopen", "reschedule", "warn"])
def test_the_plain_button_address_changes_no_dates(as_: As, action: str) -> None:
    week = ReleaseWeek.objects.get(thursday=date(2026, 11, 19))
    as_("scrum_master").post(f"/act/week/{week.pk}/{action}/", {"reason": "Move"})

    assert Event.objects.filter(object_type="week", object_id=week.pk).count() == 1


@pytest.mark.parametrize(
    ("month", "first", "before", "after"),
    [
        ("2027-02", "February 2027", "January 2027", "March 2027"),
        ("2026-01", "January 2026", "December 2025", "February 2026"),
    ],
)
def test_the_calendar_turns_its_months(as_: As, *, month: str, first: str, before: str, after: str) -> None:
    page = as_("developer").get(f"/calendar/?month={month}").context["page"]

    assert (page.months[0].label, page.before.label, page.after.label) == (first, before, after)
    assert page.back is not None


@pytest.mark.parametrize("month", ["", "soon", "2026-13", "1990-01", "9999-12", "2026-11-01", "2026-1"])
def test_an_unknown_month_is_this_one(as_: As, month: str) -> None:
    client = as_("developer")

    assert client.get(f"/calendar/?month={month}").context["page"] == client.get("/calendar/").context["page"]
