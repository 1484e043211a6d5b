"""Two ways to use a page, so that one journey is walked by both: by keyboard alone, and with scripts switched off.

A journey names links, buttons and fields as a person reads them. Either way of walking it is held to what the page
promises: the keyboard must see where it is at every stop.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

MOST_STOPS = 150
"""Tab stops between two things that a person wants; a page that needs more is broken."""

_STOP = """(target) => {
  const active = document.activeElement;
  const seen = (each) => {
    for (; each && each !== document.body; each = each.parentElement) {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      if (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) return true;
    }
    return false;
  };
  const sameGroup = active.type === "radio" && target.type === "radio" && active.name === target.name;
  const isItsLabel = (each) => each.closest("label")?.control === active;
  const box = active.getBoundingClientRect();
  const front = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    there: active === target || sameGroup,
    lost: active === document.body,
    visible: active.tagName === "IFRAME" || active.matches("main") || seen(active),
    covered: !front || !(active.contains(front) || front.contains(active) || isItsLabel(front)),
    what: active.outerHTML.slice(0, 200),
  };
}"""
_IS_AHEAD = """(target) => {
  const place = document.activeElement.compareDocumentPosition(target);
  return Boolean(place & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY));
}"""


class Hands:
    """What both ways have in common: where a thing is, and what a page then says."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(20_000)

    # --- Where things are ----------------------------------------------------------------------------------------
    def within(self) -> Locator:
        """The open dialog, or the page's own part."""
        return self.page.locator("dialog[open], main:not(:has(dialog[open]))").last

    def link(self, name: str) -> Locator:
        return self.within().get_by_role("link", name=name).first

    def button(self, name: str) -> Locator:
        return self.within().get_by_role("button", name=name, exact=True).first

    def fold(self, name: str) -> Locator:
        return self.within().locator("summary", has_text=name).first

    def field(self, label: str) -> Locator:
        """By its whole label, or one that goes on in brackets, as in "Build (optional)"."""
        return self.within().get_by_label(label).filter(visible=True).first

    # --- What the page says --------------------------------------------------------------------------------------
    def reads(self, *sentences: str) -> None:
        for sentence in sentences:
            expect(self.page.locator("main")).to_contain_text(sentence)

    # --- What hands do -------------------------------------------------------------------------------------------
    def follow(self, name: str) -> None:
        """A link, to another page."""
        self._leave(lambda: self._activate(self.link(name), "Enter"))

    def press(self, name: str) -> None:
        """A button that sends a form; another page, or the same anew, follows."""
        self._leave(lambda: self._activate(self.button(name), "Enter"))

    def unfold(self, name: str) -> None:
        """Opens what is folded away under a name; nothing is sent."""
        self._activate(self.fold(name), "Space")

    def explain(self, name: str, reason: str, *, label: str = "Reason") -> None:
        """An act that asks for a reason first."""
        self.unfold(name)
        self.fill(label, reason)
        self.press(name)

    def _leave(self, act: Callable[[], None]) -> None:
        with self.page.expect_navigation():
            act()

    def _activate(self, target: Locator, key: str) -> None:
        raise NotImplementedError

    def fill(self, label: str, text: str) -> None:
        raise NotImplementedError

    def choose(self, label: str, option: str) -> None:
        """An option of a list by its words; those of its words that are unlike the other options' do."""
        raise NotImplementedError

    def tick(self, label: str) -> None:
        """A checkbox or one of several round ones."""
        raise NotImplementedError

    def attach(self, label: str, *files: FilePayload) -> None:
        raise NotImplementedError


class Keyboard(Hands):
    """Tab, Shift+Tab, Enter, Space, arrows and letters; never a pointer."""

    def _activate(self, target: Locator, key: str) -> None:
        self._reach(target)
        self.page.keyboard.press(key)

    def fill(self, label: str, text: str) -> None:
        field = self.field(label)
        self._reach(field)
        if field.get_attribute("type") == "time":
            text = f"{time.fromisoformat(text):%I%M%p}"  # as its three parts take it
        else:
            self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        select = self.field(label)
        self._reach(select)
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            if option in str(select.evaluate("select => select.selectedOptions[0]?.textContent ?? ''")):
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{label} offers no {option!r}.")

    def tick(self, label: str) -> None:
        box = self.field(label)
        self._reach(box)
        for _ in range(MOST_STOPS):
            if box.evaluate("box => box === document.activeElement"):
                break
            self.page.keyboard.press("ArrowDown")
        if not box.is_checked():
            self.page.keyboard.press("Space")
        assert box.is_checked()

    def attach(self, label: str, *files: FilePayload) -> None:
        for patience in (5_000, 5_000, 20_000):  # the list may renew itself between the way there and the key
            self._reach(self.field(label))
            try:
                with self.page.expect_file_chooser(timeout=patience) as chooser:
                    self.page.keyboard.press("Enter")
            except TooLate:
                continue
            chooser.value.set_files(list(files))
            return
        raise AssertionError(f"{label} opens no way to choose a file.")

    def _reach(self, target: Locator) -> None:
        """Goes on from where the focus is; on a page just opened, by the link that skips what all pages have."""
        target.wait_for()
        element = target.element_handle()
        if self.page.evaluate("document.activeElement === document.body"):
            self._enter()
        key = "Tab" if self.page.evaluate(_IS_AHEAD, element) else "Shift+Tab"
        for _ in range(MOST_STOPS):
            stop: dict[str, Any] = self.page.evaluate(_STOP, element)
            assert not stop["lost"], f"The focus is lost before {target}."
            assert stop["visible"], f"Nothing shows that the focus is on {stop['what']}"
            if stop["there"]:
                assert not stop["covered"], f"Something covers {stop['what']}"
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{target} is no stop of the Tab key.")

    def _enter(self) -> None:
        """Where an address names a place of the page, the next stop is there."""
        self.page.keyboard.press("Tab")
        if self.page.evaluate("location.hash"):
            return
        expect(self.page.get_by_role("link", name="Skip to main content")).to_be_focused()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#main")).to_be_focused()


class WithoutScripts(Hands):
    """A pointer on pages whose scripts never run."""

    def _activate(self, target: Locator, key: str) -> None:
        target.click()

    def fill(self, label: str, text: str) -> None:
        self.field(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        select = self.field(label)
        offered = select.locator("option").all_text_contents()
        select.select_option(index=next(index for index, words in enumerate(offered) if option in words))

    def tick(self, label: str) -> None:
        self.field(label).check()

    def attach(self, label: str, *files: FilePayload) -> None:
        self.field(label).set_input_files(list(files))
