"""Pages that keep themselves fresh: nothing while nothing changed, a new part after an event or a deadline."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from tests.stages import EARLY, Stage, moment
from workflow import clock

BOARD = "/weeks/2026-12-10/"
PAGES = ["/", BOARD, f"{BOARD}?view=blocked&team=identity"]
At = Callable[[datetime], HttpResponse]


def look(client: Client, by: User, page: str, at: datetime) -> str:
    """Opens the page; gives the address that its live part asks for."""
    with clock.frozen(at):
        client.force_login(by)
        html = client.get(page).content.decode()
    [address] = re.findall(r'data-live hx-get="([^"]+)" hx-trigger="every 20s" hx-swap="outerHTML"', html)
    return unescape(address)


def poll(client: Client, address: str, at: datetime) -> Any:
    with clock.frozen(at):
        return client.get(address, headers={"HX-Request": "true"})


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_sent_while_nothing_changed(client: Client, stage: Stage, page: str) -> None:
    stage.ready()
    address = look(client, stage.cast.manager, page, EARLY)

    response = poll(client, address, EARLY + timedelta(seconds=20))

    assert (response.status_code, response.content) == (204, b"")


@pytest.mark.parametrize("page", PAGES)
def test_it_costs_three_statements(client: Client, stage: Stage, django_assert_num_queries: Any, page: str) -> None:
    stage.ready()
    address = look(client, stage.cast.manager, page, EARLY)

    with django_assert_num_queries(3):  # session, person, mark
        poll(client, address, EARLY + timedelta(seconds=20))


@pytest.mark.parametrize("page", PAGES)
def test_after_an_event_the_part_comes_anew(client: Client, stage: Stage, page: str) -> None:
    deployment = stage.ready()
    address = look(client, stage.cast.manager, page, EARLY)
    stage.approve(deployment.crq)

    response = poll(client, address, EARLY + timedelta(seconds=20))
    html = response.content.decode()

    assert response.status_code == 200
    assert html.lstrip().startswith('<div id="live"')
    assert "<html" not in html
    [again] = re.findall(r'hx-get="([^"]+)"', html)
    assert poll(client, unescape(again), EARLY + timedelta(seconds=40)).status_code == 204


@pytest.mark.parametrize("page", PAGES)
def test_a_deadline_that_passes_changes_the_page(client: Client, stage: Stage, page: str) -> None:
    stage.ready()
    due = moment(stage.week, "approval")
    address = look(client, stage.cast.manager, page, due)

    assert poll(client, address, due + timedelta(seconds=1)).status_code == 200


def test_what_no_event_tells_is_seen_within_five_minutes(client: Client, stage: Stage) -> None:
    address = look(client, stage.cast.manager, BOARD, EARLY)
    User.objects.filter(pk=stage.cast.developer.pk).update(last_name="Married")

    assert poll(client, address, EARLY + timedelta(minutes=4, seconds=59)).status_code == 204
    assert poll(client, address, EARLY + timedelta(minutes=5)).status_code == 200


def test_the_filter_goes_along(client: Client, stage: Stage) -> None:
    stage.ready()
    address = look(client, stage.cast.manager, f"{BOARD}?view=mine&team=identity", EARLY)

    assert address.startswith(f"{BOARD}?view=mine&team=identity&live=")


@pytest.mark.parametrize("mark", ["", "nonsense", "0-0-0", "%00"])
def test_an_unknown_mark_is_answered_with_the_page(client: Client, stage: Stage, mark: str) -> None:
    client.force_login(stage.cast.manager)

    assert client.get(f"{BOARD}?live={mark}", headers={"HX-Request": "true"}).status_code == 200


def test_without_htmx_the_same_address_is_the_whole_page(client: Client, stage: Stage) -> None:
    address = look(client, stage.cast.manager, BOARD, EARLY)

    assert "<html" in client.get(address).content.decode()


@pytest.mark.parametrize("page", ["/", BOARD])
def test_without_scripts_the_page_reloads_each_minute_and_has_a_link(client: Client, stage: Stage, page: str) -> None:
    client.force_login(stage.cast.manager)

    html = client.get(page).content.decode()

    assert re.search(r'<noscript>\s*<meta http-equiv="refresh" content="60">\s*</noscript>', html)
    assert '<a href="">Refresh</a>' in html  # the page itself, with its filter
    assert "http-equiv" not in client.get("/crqs/").content.decode()


def test_the_saved_views_are_not_read_for_the_part(
    client: Client, stage: Stage, django_assert_num_queries: Any
) -> None:
    deployment = stage.ready()
    address = look(client, stage.cast.manager, BOARD, EARLY)
    stage.approve(deployment.crq)

    with django_assert_num_queries(10):
        html = poll(client, address, EARLY).content.decode()

    assert "Save this view" not in html
    assert re.search(r'<details id="options" hx-preserve>\s*</details>', html)
