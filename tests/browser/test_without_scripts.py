"""Each role's work where no script ever runs."""

from __future__ import annotations

import pytest

from tests.browser.journeys import Journeys
from tests.support.hands import Hands, WithoutScripts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.support.demo_urls")]


@pytest.fixture
def way() -> type[Hands]:
    return WithoutScripts


class TestWithoutScripts(Journeys):
    pass
