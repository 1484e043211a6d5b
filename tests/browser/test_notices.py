"""Notices in Chromium: what is announced, and hands that press twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.stages import EARLY
from tests.support.hands import Hands, Keyboard
from tests.support.room import Room
from workflow import clock

NOTE_CHANGES = """document.addEventListener("readystatechange", () => {
  const notices = document.getElementById("notices");
  const look = new MutationObserver(() => console.log(notices.textContent));
  look.observe(notices, {childList: true, subtree: true});
}, {once: true});"""
PRESS_TWICE = """(button) => {
  button.click();
  return button.form.dispatchEvent(new SubmitEvent("submit", {bubbles: true, cancelable: true}));
}"""

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.support.demo_urls")]


@pytest.fixture
def way() -> type[Hands]:
    return Keyboard


@pytest.fixture
def page(room: Room) -> Page:
    """DevOps at a CRQ that can be installed now."""
    with clock.frozen(EARLY):
        crq = room.stage.cleared().crq
    room.at("install", minutes=5)
    room.stage.complete_batch()
    return room.sit(room.stage.cast.devops, crq.get_absolute_url()).page


def test_pressed_twice_it_is_sent_once(page: Page) -> None:
    is_sent_again = page.get_by_role("button", name="Start install").evaluate(PRESS_TWICE)
    expect(page.locator("#notices")).to_contain_text("Started.")
    is_undone_again = page.get_by_role("button", name="Undo").evaluate(PRESS_TWICE)

    expect(page.locator("#notices")).to_contain_text("Taken back: it waits for its start again.")
    assert not is_sent_again
    assert not is_undone_again


def test_the_notice_is_announced(page: Page) -> None:
    page.add_init_script(NOTE_CHANGES)
    with page.expect_console_message(lambda message: "Started." in message.text):
        page.get_by_role("button", name="Start install").click()

    expect(page.get_by_role("button", name="Undo")).to_have_accessible_description(
        "Started. Everybody sees that you install it."
    )
