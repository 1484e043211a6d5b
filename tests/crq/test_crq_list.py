"""The list of all CRQs: filters, pages, the spreadsheet, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from crq import crq_list
from crq.crq_list import Asked, listed
from crq.deadlines import enforce
from crq.models import CRQ
from deployments.models import Application
from tests.stages import EARLY, Stage, moment
from tests.support.sheets import lines
from workflow import clock


def titles(by: User, **query: str) -> list[str]:
    return [row.title for row in listed(Asked.of(query), by=User.objects.get(pk=by.pk), now=EARLY).rows]


def titled(stage: Stage, title: str) -> CRQ:
    deployment = stage.with_crq()
    CRQ.objects.filter(deployment=deployment).update(title=title)
    return CRQ.objects.get(deployment=deployment)


@pytest.mark.parametrize("most_keys", [500, 0], ids=["rare", "common"])
def test_each_filter_narrows(stage: Stage, most_keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("workflow.words", "crq.crq_list"):
        monkeypatch.setattr(f"{module}.MOST_KEYS", most_keys)
    first, second = titled(stage, "Sessions"), titled(stage.beside(), "Invoices")
    application, me = second.deployment.application, stage.cast.developer

    assert titles(me) == ["Invoices", "Sessions"]
    assert titles(me, q="sess") == ["Sessions"]
    assert titles(me, q="hannah invoices") == ["Invoices"]
    assert titles(me, application=str(application.pk)) == ["Invoices"]
    assert titles(me, week="2026-12-10", team=str(stage.cast.team.pk)) == ["Invoices", "Sessions"]
    assert titles(me, week="2026-12-17") == titles(me, team=str(stage.cast.other_team.pk)) == []
    assert titles(me, state="open") == ["Invoices", "Sessions"]
    assert titles(me, state="approved") == titles(me, state="held") == []
    assert titles(me, mine="1") == ["Invoices", "Sessions"]
    assert titles(stage.cast.other_developer, mine="1") == []
    assert first.number in first.get_absolute_url()


def test_what_a_deadline_held_is_found(stage: Stage) -> None:
    titled(stage, "Sessions")
    with clock.frozen(moment(stage.week, "approval", minutes=1)):
        enforce(clock.now())

    assert titles(stage.cast.developer, state="held") == ["Sessions"]


@pytest.mark.parametrize(
    "query",
    [
        {"week": "x"}, {"week": "2026-13-45"}, {"team": "-1"}, {"team": "9" * 40}, {"application": "²"},
        {"state": "nonsense"}, {"mine": "yes"}, {"at": "after-x"}, {"at": "before-99999"}, {"q": "\0"},
    ],
)  # fmt: skip
def test_a_strange_address_shows_everything(client: Client, stage: Stage, query: dict[str, str]) -> None:
    titled(stage, "Sessions")
    client.force_login(stage.cast.developer)

    answer = client.get(reverse("crqs"), query)

    assert answer.status_code == 200
    assert "Sessions" in answer.content.decode()


def test_a_pasted_number_opens_its_page(client: Client, stage: Stage) -> None:
    crq = titled(stage, "Sessions")
    client.force_login(stage.cast.developer)
    assert client.get(reverse("crqs"), {"q": f" {crq.number.lower()} "})["Location"] == crq.get_absolute_url()


def test_pages_go_there_and_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crq_list, "SIZE", 1)
    for number in range(3):
        titled(stage.beside(), f"Number {number}")
    me = stage.cast.developer

    def at(url: str) -> Any:
        return listed(Asked.of({"at": url.partition("at=")[2]}), by=me, now=EARLY)

    first = listed(Asked(), by=me, now=EARLY)
    second = at(first.next_page_url)
    third = at(second.next_page_url)
    back = at(third.previous_page_url)

    assert [page.rows[0].title for page in (first, second, third, back)] == [
        "Number 2", "Number 1", "Number 0", "Number 1",
    ]  # fmt: skip
    assert (first.previous_page_url, third.next_page_url) == ("", "")
    assert at(back.previous_page_url).rows == first.rows


def test_the_spreadsheet_has_what_the_screen_is_narrowed_to(client: Client, stage: Stage) -> None:
    titled(stage, "=HYPERLINK(1)")
    titled(stage.beside(), "Invoices")
    client.force_login(stage.cast.developer)

    answer = client.get(reverse("crqs"), {"q": "hyperlink", "format": "csv"})
    rows = lines(answer)

    assert len(rows) == 2
    assert rows[1][1] == "'=HYPERLINK(1)"
    assert rows[1][10] == "2026-12-07T10:00:00-05:00"


def test_of_many_applications_the_own_the_chosen_and_those_of_the_chosen_team_are_offered(
    client: Client, stage: Stage
) -> None:
    far, chosen_team = Team.objects.create(name="Far", slug="far"), Team.objects.create(name="Chosen", slug="chosen")
    many = Application.objects.bulk_create(
        Application(name=f"A {number:03}", team=far) for number in range(crq_list.MOST_APPLICATIONS)
    )
    Application.objects.create(name="Zebra of the chosen team", team=chosen_team)
    client.force_login(stage.cast.developer)
    own = stage.cast.application.name

    def offered(**query: str) -> list[str]:
        page = listed(Asked.of(query), by=stage.cast.developer, now=EARLY)
        assert page.has_more_applications
        return [each.label for each in page.applications]

    assert own in offered()
    assert "Zebra of the chosen team" not in offered()
    assert "Zebra of the chosen team" in offered(team=str(chosen_team.pk))
    assert offered(application=str(many[-1].pk))[-2:] == [many[-1].name, own]
    assert "There are more applications" in client.get(reverse("crqs")).content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_list(stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    for _ in range(rows):
        stage.beside().with_crq()

    with django_assert_num_queries(4):  # the rows, and the weeks, teams and applications to choose from
        assert len(listed(Asked(), by=stage.cast.developer, now=EARLY).rows) == rows
