"""Where a page is, in the navigation beside it."""

from __future__ import annotations

import pytest

from releaseflow.context import PLACES
from tests.browser.visits import EVERYWHERE, ON_THURSDAY, ON_WEDNESDAY, SIGN_IN

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
