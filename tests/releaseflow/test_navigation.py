"""Where a page is, in the navigation beside it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from releaseflow.context import PLACES
from tests.browser.visits import EVERYWHERE, ON_THURSDAY, ON_WEDNESDAY, SIGN_IN
from tests.stages import EARLY, Stage

FROM_ANYWHERE = {"me", "feeds", "tokens", "search", "api-docs", "styleguide", *(visit.name for visit in SIGN_IN)}
"""Pages of one's own and those that every page leads to: they are in no place."""
PAGES = {visit.name for visit in (*EVERYWHERE, *ON_THURSDAY, *ON_WEDNESDAY) if not visit.demo} - FROM_ANYWHERE


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_page_is_in_one_place(name: str) -> None:
    assert len([place for place in PLACES if place.has(name)]) == 1


def test_a_page_of_another_name_is_elsewhere() -> None:
    [settings] = [place for place in PLACES if place.label == "Settings"]

    assert settings.has("setting-forge-delivery")
    assert not settings.has("set")
    assert not settings.has("week")


FRAME_STATEMENTS = 3  # the session, the person, their roles


def test_the_frame_asks_for_the_session_the_person_and_the_roles(
    client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("releaseflow.scheduler._seen", EARLY)  # beat has just been seen
    client.force_login(stage.cast.manager)

    with django_assert_num_queries(FRAME_STATEMENTS):
        html = client.get("/nothing/").content.decode()

    assert "Dev Manager · Identity" in html


def test_the_navigation_is_the_persons_own(client: Client, stage: Stage) -> None:
    """What is kept of one page is not shown on another's: roles, shortcuts and the place all change it."""
    client.force_login(stage.cast.manager)
    client.get("/calendar/")
    stage.cast.developer.shortcuts = False
    stage.cast.developer.save()
    client.force_login(stage.cast.developer)

    html = client.get("/exemptions/").content.decode()

    assert re.findall(r'<a href="([^"]+)" aria-current="page">', html) == ["/exemptions/"] * 2
    assert "Approve CRQs together" not in html
    assert "<kbd>g t</kbd>" not in html
    assert stage.cast.developer.name in html
    assert stage.cast.manager.name not in html
