"""The page that compares us with another change system: what it shows to whom, and what people can settle there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from crq.change_system.access import access
from crq.change_system.by_hand import NUMBER
from crq.change_system.differences import CHANGE, digest
from crq.models import CRQ, ChangeThere, NumberThere
from tests.stages import EARLY, Stage
from tests.support.sheets import records
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Refused

URL = "/changes/"
THERE = "CHG0031234"


@pytest.fixture(autouse=True)
def _told(settings: LazySettings) -> None:
    given = {"user": "releaseflow", "password": "hunter2", "sign_in": "basic", "file": ""}
    settings.CHANGE_SYSTEM = access(kind="servicenow", url="https://change.example.com", **given)


def noted(crq: CRQ, number: str, stage: Stage) -> None:
    begin(NUMBER, "note", NumberThere(crq=crq, number=number), by=stage.cast.developer)


def there(crq: CRQ, **more: Any) -> ChangeThere:
    """The CRQ's change as it was told and read; by default the summary differs."""
    usual = {"told": 1, "revision": 1, "number": THERE, "state": "Scheduled", "not_before": None, "read_at": EARLY}
    texts = {"ours": {"short_description": "Ours"}, "theirs": {"short_description": "Theirs"}, "differing": 1}
    ChangeThere.objects.filter(crq=crq).update(**usual | texts | more)
    return ChangeThere.objects.get(crq=crq)


def shown(client: Client) -> dict[str, list[Any]]:
    return {section.name: section.rows for section in client.get(URL).context["sections"]}


@pytest.fixture
def developer(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.developer)
    return client


# --- What it shows -------------------------------------------------------------------------------------------
def test_what_differs_is_shown_field_by_field(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq
    noted(crq, "CHG0000042", stage)
    there(crq)

    [row] = shown(developer)["differs"]

    assert (row.title, row.meta) == (f"{crq.number}: {crq.title}", f"{THERE} · Scheduled")
    assert [(each.label, each.field, each.ours, each.theirs) for each in row.differences] == [
        ("Its number there", "", "CHG0000042", THERE),
        ("Summary", "short_description", "Ours", "Theirs"),
    ]
    assert [each.label for each in row.acts] == ["Send ours", "Seen, they may differ", "Take their number"]


def test_of_long_texts_the_lines_that_differ_are_shown(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq
    noted(crq, THERE, stage)
    there(crq, ours={"description": "One\nTwo\nThree"}, theirs={"description": "One\n<b>2</b>\nThree"})

    [difference] = shown(developer)["differs"][0].differences

    assert (difference.ours_alone, difference.theirs_alone) == ("Two", "<b>2</b>")
    assert "&lt;b&gt;2&lt;/b&gt;" in developer.get(URL).text


def test_what_waits_and_what_was_given_up_say_why(developer: Client, stage: Stage) -> None:
    waiting, parked = stage.with_crq().crq, stage.beside().with_crq().crq
    ChangeThere.objects.filter(crq=parked).update(parked_at=EARLY, attempts=8, last_error="ServiceNow answered 500.")

    found = shown(developer)

    assert [(row.title.split(":")[0], row.when) for row in found["waiting"]] == [(waiting.number, "Goes out now")]
    assert [(row.when, row.error) for row in found["parked"]] == [
        ("Given up after 8 tries, today, 10:00 am ET", "ServiceNow answered 500.")
    ]
    assert [each.label for each in found["parked"][0].acts] == ["Send again"]


def test_the_text_of_the_crq_shows_its_own(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq
    there(crq)

    answer = developer.get(reverse("crq-text", args=[crq.number]))

    assert "ServiceNow is told by itself" in answer.text
    assert answer.context["change"].meta == f"{THERE} · Scheduled"
    assert URL in developer.get(reverse("crqs")).text


@pytest.mark.parametrize("who", ["developer", "director"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, django_assert_num_queries: Any, count: int, who: str
) -> None:
    for _ in range(count):
        there(stage.beside().with_crq().crq)
        stage.beside().with_crq()
        ChangeThere.objects.filter(crq=stage.beside().with_crq().crq).update(parked_at=EARLY, last_error="500")
    client.force_login(getattr(stage.cast, who))

    with django_assert_num_queries(7):  # session, person, roles; the totals and three lists
        found = shown(client)

    assert [len(rows) for rows in found.values()] == [count] * 3
    assert [bool(row.acts) for row in found["differs"]] == [who == "developer"] * count


def test_it_downloads(developer: Client, stage: Stage) -> None:
    crq, other = stage.with_crq().crq, stage.beside().with_crq().crq
    noted(crq, THERE, stage)
    there(crq, theirs={"short_description": "=1+1"})
    ChangeThere.objects.filter(crq=other).update(parked_at=EARLY, attempts=1, last_error="Refused.")

    given_up, differs = records(developer.get(URL, {"format": "csv"}))

    assert (given_up["CRQ"], given_up["What"]) == (
        other.number,
        "Given up after 1 try, today, 10:00 am ET: Refused.",
    )
    assert [differs[name] for name in ("Number there", "What", "Field there", "Ours", "Theirs", "Told")] == [
        *(THERE, "Summary", "short_description", "Ours", "'=1+1", "yes")
    ]


def test_by_hand_the_page_says_so(developer: Client, stage: Stage, settings: LazySettings) -> None:
    settings.CHANGE_SYSTEM = None

    assert "CRQs are carried over by hand" in developer.get(URL).text


# --- What people can do --------------------------------------------------------------------------------------
def test_a_difference_that_was_seen_comes_back_when_it_changes_there(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq
    noted(crq, THERE, stage)
    row = there(crq)

    developer.post(f"/act/change_there/{row.pk}/accept/", {"digest": digest(row)})
    assert shown(developer)["differs"] == []

    row.refresh_from_db()
    assert row.differences() == {}
    row.theirs = {"short_description": "Other words"}
    assert row.differences() == {"short_description": ("Ours", "Other words")}
    assert Event.objects.get(object_type="change_there").data == {"short_description": "Theirs"}


def test_what_was_not_looked_at_is_not_accepted(stage: Stage) -> None:
    row = there(stage.with_crq().crq)
    looked_at = digest(row)
    there(row.crq, theirs={"short_description": "Newer"})

    with pytest.raises(Refused, match="It changed there after you opened this page"):
        perform(CHANGE, "accept", row, by=stage.cast.developer, digest=looked_at)


def test_their_number_is_taken_and_nothing_else(stage: Stage) -> None:
    crq = stage.with_crq().crq
    noted(crq, "CHG0000042", stage)
    before = CRQ.objects.values().get()

    perform(CHANGE, "take", there(crq), by=stage.cast.devops)

    assert [(each.number, each.who) for each in NumberThere.objects.all()] == [(THERE, "Grace Okafor")]
    assert CRQ.objects.values().get() == before


def test_a_number_noted_or_removed_by_hand_is_compared_at_once(stage: Stage) -> None:
    crq = stage.with_crq().crq
    there(crq, theirs={}, differing=1)

    noted(crq, THERE, stage)
    same = ChangeThere.objects.get().differing
    perform(NUMBER, "forget", NumberThere.objects.get(), by=stage.cast.developer)

    assert (same, ChangeThere.objects.get().differing) == (0, 1)


def test_their_number_is_refused_where_it_is_another_crqs(stage: Stage) -> None:
    first, second = stage.with_crq().crq, stage.beside().with_crq().crq
    noted(first, THERE, stage)

    with pytest.raises(Refused, match=f"{THERE} is noted for {first.number} here"):
        perform(CHANGE, "take", there(second), by=stage.cast.devops)


def test_ours_is_due_at_once_when_it_is_sent_again(stage: Stage) -> None:
    row = there(stage.with_crq().crq, parked_at=EARLY, last_error="500", attempts=8)

    row = perform(CHANGE, "send", row, by=stage.cast.scrum_master)

    assert (row.parked_at, row.attempts, row.not_before, row.ours, row.number) == (None, 0, EARLY, {}, "")
    assert row.revision > row.told


@pytest.mark.parametrize("action", ["send", "accept"])
def test_nothing_is_settled_while_it_is_told(stage: Stage, action: str) -> None:
    row = there(stage.with_crq().crq, leased_until=EARLY + timedelta(minutes=1))

    with pytest.raises(Refused, match="It is being told just now"):
        perform(CHANGE, action, row, by=stage.cast.developer)
    with clock.frozen(EARLY + timedelta(minutes=2)):
        perform(CHANGE, action, row, by=stage.cast.developer, digest=digest(row))
