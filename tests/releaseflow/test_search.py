"""Search: what it finds where, what opens by itself, and that nothing typed breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from crq.models import CRQ
from deployments.models import PullRequest
from releaseflow.search import Found, cleaned, crq_number, search
from tests.cast import Cast
from tests.factories import ApplicationFactory, person
from tests.stages import EARLY, Stage


@pytest.fixture
def signed_in(client: Client, cast: Cast) -> Client:
    client.force_login(cast.manager)
    return client


def find(q: str, stage: Stage, **more: Any) -> Found:
    return search(cleaned(q), by=User.objects.get(pk=stage.cast.manager.pk), now=EARLY, **more)


def titles(found: Found) -> dict[str, list[str]]:
    return {group.label: [hit.title for hit in group.hits] for group in found.groups}


# --- What is found -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("timeout", {"CRQs and deployments": ["Session timeout for the admin portal"]}),
        ("TIMEOUT session", {"CRQs and deployments": ["Session timeout for the admin portal"]}),
        ("imeou", {"CRQs and deployments": ["Session timeout for the admin portal"]}),
        ("expire idle", {"Pull requests": ["Expire idle sessions"]}),
        ("#481", {"Pull requests": ["Expire idle sessions"]}),
        ("hann", {"Pull requests": ["Expire idle sessions"], "People": ["Hannah Cole"]}),
        ("grace okafor", {"People": ["Grace Okafor"]}),
        ("timeout lemon", {}),
    ],
)
@pytest.mark.parametrize("most_keys", [500, 0], ids=["rare", "common"])
def test_words_are_found_in_every_case_and_inside_of_words(
    stage: Stage, q: str, expected: dict[str, list[str]], most_keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.words.MOST_KEYS", most_keys)
    stage.planned()

    assert titles(find(q, stage)) == expected


def test_an_application_brings_its_deployments_and_repositories(stage: Stage) -> None:
    stage.planned()

    assert titles(find("admin portal", stage)) == {
        "CRQs and deployments": ["Session timeout for the admin portal"],
        "Applications": ["Admin portal"],
    }
    assert titles(find("identity-admin", stage)) == {
        "Pull requests": ["Expire idle sessions"],
        "Applications": ["Admin portal"],
    }


def test_what_begins_with_the_words_comes_first(stage: Stage) -> None:
    ApplicationFactory(name="A portal for staff")
    ApplicationFactory(name="Portal")

    assert titles(find("portal", stage))["Applications"] == ["Portal", "A portal for staff", "Admin portal"]


def test_of_common_words_the_newest_are_found_those_that_begin_so_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.words.MOST_KEYS", 2)
    for title in ("Logs are kept", "Keep the logs", "Logs in colour", "More logs"):
        stage.submit(title=title)

    newest = find("logs", stage, most=2)

    assert titles(newest) == {"Pull requests": ["Logs in colour", "More logs"]}
    assert newest.has_more
    assert titles(find("logs keep", stage)) == {"Pull requests": ["Keep the logs"]}


def test_a_deployment_shows_its_crq_team_day_and_state(stage: Stage) -> None:
    deployment = stage.with_crq()

    [hit] = find("timeout", stage).groups[0].hits

    assert hit.url == f"/crqs/{deployment.crq.number}/"
    assert hit.meta == f"Identity · {deployment.crq.number} · Admin portal · Thu Dec 10"
    assert hit.badge is not None
    assert hit.badge.text == "Planned"


def test_people_who_left_are_not_found(stage: Stage) -> None:
    User.objects.filter(pk=stage.cast.outsider.pk).update(is_active=False)

    assert find("Nowhere", stage).groups == []


@pytest.mark.parametrize(
    "q", ["%", "_", "%%%", "Session_timeout", "Ses%out", "'; DROP TABLE crq_crq; --", "\\", '"', "\0"]
)
def test_wildcards_and_hostile_words_find_nothing(stage: Stage, q: str) -> None:
    stage.planned()

    assert find(q, stage).groups == []


def test_a_wildcard_is_found_where_it_is_written(stage: Stage) -> None:
    ApplicationFactory(name="Save 20% faster")

    assert titles(find("20%", stage)) == {"Applications": ["Save 20% faster"]}


def test_no_words_find_nothing(stage: Stage, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert search(cleaned(" \n\t "), by=stage.cast.manager, now=EARLY).groups == []


def test_a_group_ends_at_twenty_and_leads_on(stage: Stage) -> None:
    for _ in range(21):
        stage.submit(title="Rename a column")

    [group] = find("rename a column", stage).groups

    assert len(group.hits) == 20
    assert group.more_url == "/pull-requests/?view=all&q=rename+a+column"


def test_where_no_page_lists_the_rest_another_word_is_asked_for(signed_in: Client, stage: Stage) -> None:
    for number in range(21):
        person("Robin", f"Number{number}")

    html = signed_in.get("/search/?q=robin").content.decode()

    assert "There are more: type another word." in html
    assert "20+" in html


# --- What opens by itself ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("CRQ000000418207", "CRQ000000418207"),
        (" crq 000000 418207 ", "CRQ000000418207"),
        ("crq418207", "CRQ000000418207"),
        ("418207", "CRQ000000418207"),
        ("000000418207", "CRQ000000418207"),
        ("crq1", "CRQ000000000001"),
        ("481", ""),
        ("CRQ1234567890123", ""),
        ("CRQ", ""),
        ("CRQ\uff14\uff11\uff18\uff12\uff10\uff17", ""),  # digits of another script
        ("crq 418207 timeout", ""),
    ],
)
def test_a_crq_number_is_understood_however_it_is_typed(typed: str, number: str) -> None:
    assert crq_number(typed) == number


@pytest.mark.parametrize("typed", ["{number}", "crq {short}", "{short}", "{lower}"])
def test_a_crq_number_opens_it(signed_in: Client, stage: Stage, typed: str) -> None:
    number = stage.with_crq().crq.number
    q = typed.format(number=number, lower=number.lower(), short=number.removeprefix("CRQ").lstrip("0"))

    response = signed_in.get("/search/", {"q": q})

    assert response.headers["Location"] == f"/crqs/{number}/"


@pytest.mark.parametrize("tail", ["", "/", "/files", "#discussion"])
def test_the_address_of_a_pull_request_opens_it(signed_in: Client, stage: Stage, tail: str) -> None:
    pull_request = stage.submit()

    response = signed_in.get("/search/", {"q": f"https://GitHub.com/acme/Identity-Admin/pull/481{tail}"})

    assert response.headers["Location"] == pull_request.get_absolute_url()


def test_an_unknown_pull_request_can_be_submitted(signed_in: Client, stage: Stage) -> None:
    html = signed_in.get("/search/", {"q": "https://github.com/acme/other/pull/5"}).content.decode()

    assert "That pull request is not in releaseflow yet." in html


def test_typing_never_leaves_the_page(signed_in: Client, stage: Stage) -> None:
    number = stage.with_crq().crq.number

    response = signed_in.get("/search/", {"q": number}, headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "Session timeout for the admin portal" in response.content.decode()
    assert "<html" not in response.content.decode()


# --- The page ------------------------------------------------------------------------------------------------
def test_what_was_typed_is_shown_harmlessly(signed_in: Client) -> None:
    html = signed_in.get("/search/", {"q": "<script>alert(1)</script>"}).content.decode()

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


@pytest.mark.parametrize("length", [1, 5_000])
def test_any_length_is_answered(signed_in: Client, length: int) -> None:
    assert signed_in.get("/search/", {"q": "q" * length}).status_code == 200


@pytest.mark.parametrize("rows", [1, 3])
def test_statements_of_the_page(signed_in: Client, stage: Stage, django_assert_num_queries: Any, rows: int) -> None:
    stage.ready()
    for _ in range(rows - 1):
        stage.beside().ready()
    for number in range(rows):
        person("Portia", f"Session{number}", team=stage.cast.team)
        ApplicationFactory(name=f"Session store {number}")

    with django_assert_num_queries(12):  # session, person, roles; keys and rows of deployments and pull requests; …
        html = signed_in.get("/search/?q=ession").content.decode()

    assert html.count('class="hits"') == 4


def test_found_numbers_do_not_depend_on_who_looks(stage: Stage) -> None:
    stage.with_crq()

    assert CRQ.objects.count() == PullRequest.objects.count() == 1
    for by in (stage.cast.outsider, stage.cast.other_manager):
        assert search("session", by=User.objects.get(pk=by.pk), now=EARLY).count == 2
