"""Every page of the product in Chromium, as somebody who may see it: accessible, quiet, and whole at 320 px."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.urls import get_resolver

from tests.browser.product import Product, Thursday
from tests.browser.visits import LETTERS, NO_PAGES, ON_THURSDAY, ON_WEDNESDAY, Visit, names
from tests.support.reader import Reader

pytestmark = pytest.mark.browser
Readers = Callable[[str], Reader]
LETTER_RULES = ("color-contrast", "document-title", "html-has-lang", "image-alt", "link-name", "td-headers-attr")


@pytest.mark.parametrize("product", [Thursday], indirect=True)
@pytest.mark.parametrize("visit", ON_THURSDAY, ids=str)
def test_a_page_is_good(reader: Readers, product: Product, settings: LazySettings, visit: Visit) -> None:
    settings.DEMO = visit.demo
    window = reader(visit.by)

    window.open(visit.path(product.story))

    window.finds_nothing_wrong()


@pytest.mark.parametrize("product", [Thursday], indirect=True)
@pytest.mark.parametrize("visit", LETTERS, ids=str)
def test_a_letter_is_good(reader: Readers, product: Product, settings: LazySettings, visit: Visit) -> None:
    settings.DEMO = visit.demo
    window = reader(visit.by)

    window.unfold_letter(visit.path(product.story))

    assert window.violations(*LETTER_RULES) == []


def test_no_page_is_forgotten() -> None:
    visited = {visit.name for visit in (*ON_THURSDAY, *ON_WEDNESDAY, *LETTERS)}
    excused = {name for some in NO_PAGES.values() for name in some}
    known = set(names(get_resolver("tests.support.demo_urls").url_patterns))

    assert sorted(known - visited - excused) == [], "List these in visits.py, as pages or with a reason."
    assert sorted((visited | excused) - known) == [], "These are in visits.py and nowhere else."
    assert sorted(visited & excused) == []
