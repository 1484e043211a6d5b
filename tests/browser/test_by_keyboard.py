"""Each role's work by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.journeys import Journeys
from tests.stages import EARLY
from tests.support.hands import Hands, Keyboard
from tests.support.room import Room
from workflow import clock

WHERE = """(dialog) => {
  if (document.activeElement === document.body) return "at the window";
  return document.activeElement.closest(dialog) ? "in the dialog" : document.activeElement.outerHTML;
}"""
ASK = "htmx.ajax('GET', document.getElementById('live').getAttribute('hx-get'), {source: '#live', swap: 'outerHTML'})"

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.support.demo_urls")]


@pytest.fixture
def way() -> type[Hands]:
    return Keyboard


class TestByKeyboard(Journeys):
    @pytest.mark.parametrize(("key", "dialog"), [("Control+k", "#menu"), ("?", "#keys")])
    def test_a_dialog_keeps_the_focus_and_gives_it_back(self, room: Room, key: str, dialog: str) -> None:
        page = room.sit(room.stage.cast.developer, "/").page
        opener = page.get_by_role("link", name="Skip to main content")
        page.keyboard.press("Tab")
        expect(opener).to_be_focused()

        page.keyboard.press(key)
        expect(page.locator(dialog)).to_be_visible()
        stops = set()
        for _ in range(page.locator(f"{dialog} a[href], {dialog} input, {dialog} button").count() + 3):
            page.keyboard.press("Tab")
            stops.add(page.evaluate(WHERE, dialog))
        page.keyboard.press("Escape")

        assert stops <= {"in the dialog", "at the window"}
        assert "in the dialog" in stops
        expect(opener).to_be_focused()

    def test_a_part_that_renews_itself_leaves_the_focus_where_it_is(self, room: Room) -> None:
        with clock.frozen(EARLY):
            crq = room.stage.ready().crq
            room.stage.beside().ready()
        room.at("cutoff", hours=-1)
        page = room.sit(room.stage.cast.manager, room.stage.week.get_absolute_url()).page
        row = page.locator("[data-row]").last
        row.focus()
        here = row.get_attribute("href")

        with clock.frozen(clock.now()):
            room.stage.approve(crq)
        with page.expect_response("**live=*") as answer:
            page.evaluate(ASK)

        assert answer.value.status == 200
        expect(page.locator(".band")).to_contain_text(["Due by", "Ready for Thursday"])
        expect(page.locator(":focus")).to_have_attribute("href", str(here))
