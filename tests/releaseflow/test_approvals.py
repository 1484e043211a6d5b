"""Approving several CRQs on one page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crq.models import CRQ, Decision
from deployments.flow import PULL_REQUEST
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform

PAGE = "/approve/"


@pytest.fixture
def manager(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.manager)
    return client


@pytest.fixture
def ready(stage: Stage) -> list[CRQ]:
    """Three CRQs with everything but the approval."""
    return [each.ready().crq for each in (stage, stage.beside(), stage.beside())]


def form(client: Client, *chosen: CRQ) -> dict[str, Any]:
    """What the browser sends for the page as it is now, with these ticked."""
    shown = client.get(PAGE).context["ready"]
    return {"crq": [crq.number for crq in chosen], **{f"digest-{each.number}": each.digest for each in shown}}


def statuses(crqs: list[CRQ]) -> list[str]:
    return [CRQ.objects.get(pk=crq.pk).status for crq in crqs]


def test_my_tasks_offer_it_when_several_are_ready(manager: Client, stage: Stage) -> None:
    stage.ready()
    assert 'form="together"' not in manager.get("/").content.decode()

    second = stage.beside().ready()
    html = manager.get("/").content.decode()

    assert "Approve 2 together" in html
    assert f'id="pick-{second.crq.number}"' in html


def test_the_page_lists_each_with_its_content(manager: Client, ready: list[CRQ]) -> None:
    html = manager.get(PAGE).content.decode()

    for crq in ready:
        assert crq.number in html
    assert html.count("Test results, version 1") == 3
    assert "identity-admin #481: Expire idle sessions" in html
    assert "release/2026-12-10, core dev with build-1042" in html


def test_all_are_approved(manager: Client, ready: list[CRQ]) -> None:
    response = manager.post(PAGE, form(manager, *ready))

    assert statuses(ready) == ["approved"] * 3
    assert response.content.decode().count("Approved. It is cleared for install.") == 3
    assert Decision.objects.filter(verdict="approved").count() == 3


def test_only_those_that_are_ticked(manager: Client, ready: list[CRQ]) -> None:
    manager.post(PAGE, form(manager, ready[1]))

    assert statuses(ready) == ["open", "approved", "open"]


def test_one_that_changed_meanwhile_is_refused_and_the_others_are_approved(
    manager: Client, stage: Stage, ready: list[CRQ]
) -> None:
    sent = form(manager, *ready)
    stage.attach(ready[0], "tests", content=b"%PDF-1.4 other")

    response = manager.post(PAGE, sent)

    assert statuses(ready) == ["open", "approved", "approved"]
    assert [result.approved for result in response.context["results"]] == [False, True, True]
    assert "not approved: The content changed after you opened this page." in response.content.decode()


def test_one_that_lost_its_evidence_says_what_is_missing(manager: Client, stage: Stage, ready: list[CRQ]) -> None:
    sent = form(manager, *ready)
    pull_request = ready[2].deployment.pull_requests.get()
    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="f" * 40)

    response = manager.post(PAGE, sent)

    assert statuses(ready) == ["approved", "approved", "open"]
    assert "Missing first" in response.content.decode()


def test_after_the_deadline_all_are_refused(manager: Client, stage: Stage, ready: list[CRQ]) -> None:
    sent = form(manager, *ready)

    with clock.frozen(moment(stage.week, "approval", seconds=1)):
        manager.force_login(stage.cast.manager)
        response = manager.post(PAGE, sent)

    assert statuses(ready) == ["open"] * 3
    assert not any(result.approved for result in response.context["results"])


def test_without_the_content_that_was_seen_nothing_is_approved(manager: Client, ready: list[CRQ]) -> None:
    manager.post(PAGE, {"crq": [crq.number for crq in ready]})

    assert statuses(ready) == ["open"] * 3


def test_others_cannot_approve_here_either(client: Client, stage: Stage, ready: list[CRQ]) -> None:
    client.force_login(stage.cast.manager)
    sent = form(client, *ready)
    client.force_login(stage.cast.developer)

    response = client.post(PAGE, sent)

    assert statuses(ready) == ["open"] * 3
    assert "Only a Dev Manager of the owning team can do this" in response.content.decode()
    assert "No CRQ waits for your approval" in client.get(PAGE).content.decode()


def test_nothing_ticked_is_said(manager: Client, ready: list[CRQ]) -> None:
    response = manager.post(PAGE, {})

    assert response.status_code == 422
    assert "Tick at least one CRQ." in response.content.decode()
    assert "<title>Problem: Approve CRQs" in response.content.decode()


def test_unknown_numbers_are_passed_over(manager: Client, ready: list[CRQ]) -> None:
    assert manager.post(PAGE, {"crq": ["CRQ999999999999", "x\0y", ""]}).status_code == 422


def test_those_that_were_picked_are_ticked(manager: Client, ready: list[CRQ]) -> None:
    found = manager.get(f"{PAGE}?crq={ready[0].number}&crq={ready[2].number}").context["ready"]

    assert {each.number for each in found if each.chosen} == {ready[0].number, ready[2].number}


@pytest.mark.parametrize("rows", [1, 3])
def test_statements_of_the_page(manager: Client, stage: Stage, django_assert_num_queries: Any, rows: int) -> None:
    stage.ready()
    for _ in range(rows - 1):
        stage.beside().ready()

    with django_assert_num_queries(9):
        manager.get(PAGE)
