"""A person before the browser: what they see is checked by axe, and whatever the browser complains of is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

WIDE, PHONE, NARROW = (1440, 900), (390, 844), (320, 640)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ON_COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that another appearance could break
REPORT_CSP = """addEventListener("securitypolicyviolation", event =>
  console.error(`Content-Security-Policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))"""
UNFOLD = "document.querySelectorAll('main details').forEach(each => { each.open = true; })"
SIDEWAYS = """() => {
  const wide = innerWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const outside = [...document.querySelectorAll('body *')].filter(
    each => each.checkVisibility() && each.getBoundingClientRect().right > wide + 0.5);
  return outside.slice(0, 5).map(each => each.outerHTML.slice(0, 120));
}"""

_AXE = Axe().axe_script


class Reader:
    """One person's browser window."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self._said: list[tuple[str, str]] = []
        self._answered: set[str] = set()
        context.add_init_script(REPORT_CSP)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self._said.append((f"Uncaught: {error}", "")))
        self.page.on("console", self._heard)
        self.page.on("response", self._remember)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._said.append((message.text, message.location["url"].partition("#")[0]))

    def _remember(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._answered.add(response.url.partition("#")[0])

    @property
    def complaints(self) -> list[str]:
        """What the console said since a page was opened, but for pages that answered 4xx or 5xx as they should."""
        return [
            text
            for text, source in self._said
            if not (text.startswith("Failed to load resource") and source in self._answered)
        ]

    def open(self, path: str, *, status: int = 200) -> None:
        """Opens a page of the site anew, in the light, on a wide screen."""
        self._said.clear()
        self.look("light", WIDE)
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}, not {status}"

    def unfold_letter(self, path: str) -> None:
        """Shows an e-mail out of its sandbox, in which no script could look at it."""
        answer = self.page.context.request.get(f"{self.address}{path}")
        assert answer.ok, f"{path} answered {answer.status}"
        self.page.goto("about:blank")
        self.page.set_content(answer.text())

    def send(self, button: Locator, *, status: int) -> None:
        """Presses a button whose form leads to another page."""
        with self.page.expect_response(lambda each: each.request.is_navigation_request()) as answer:
            button.click()
        self.page.wait_for_load_state()
        assert answer.value.status == status, f"{button} was answered {answer.value.status}, not {status}"

    def look(self, scheme: Literal["light", "dark"], size: tuple[int, int]) -> None:
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.page.set_viewport_size({"width": size[0], "height": size[1]})

    def violations(self, *rules: str) -> list[str]:
        """What axe finds against WCAG 2.2 A and AA and its best practices, or against these rules only.

        Frames hold e-mails in a sandbox, which are looked at as pages of their own.
        """
        only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": [*WCAG, "best-practice"]}
        options = {
            "runOnly": only,
            "rules": {} if rules else {"target-size": {"enabled": True}},
            "resultTypes": ["violations"],
            "iframes": False,
            "preload": False,
        }
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_AXE)
        found = self.page.evaluate("options => axe.run(options)", options)["violations"]
        return [_say(each, node) for each in found for node in each["nodes"]]

    def finds_nothing_wrong(self) -> None:
        """On a wide screen and a phone, light and dark, folded and unfolded, and at 320 px without sideways scroll.

        The page is loaded once: no script of ours asks how wide the window is, and colours come from the style sheet.
        """
        wrong = [*self._headings(), *self._both("on a wide screen")]
        self.look("light", PHONE)
        self.page.evaluate(UNFOLD)
        wrong += self._both("on a phone, unfolded")
        self.look("light", NARROW)
        wrong += [f"at 320 px, outside: {each}" for each in self.page.evaluate(SIDEWAYS)]
        wrong += self.complaints
        assert not wrong, "\n".join([f"{self.page.url} has {len(wrong)} problems:", *wrong])

    def _both(self, where: str) -> Iterator[str]:
        size = self.page.viewport_size
        assert size is not None
        yield from (f"{where}: {each}" for each in self.violations())
        self.look("dark", (size["width"], size["height"]))
        yield from (f"{where}, dark: {each}" for each in self.violations(*ON_COLOURS))

    def _headings(self) -> Iterator[str]:
        if (count := self.page.locator("h1").count()) != 1:
            yield f"{count} first-level headings"


def _say(violation: dict[str, Any], node: dict[str, Any]) -> str:
    why = " ".join(node["failureSummary"].split())
    return f"{violation['id']}: {node['html'][:200]}\n    {why[:300]}"


@contextmanager
def reading(browser: Browser, address: str, session: dict[str, str] | None = None) -> Iterator[Reader]:
    """`session` is the cookie of somebody who is signed in, by name and value."""
    context = browser.new_context()
    for name, value in (session or {}).items():
        context.add_cookies([{"name": name, "value": value, "url": address}])
    yield Reader(context, address)
    context.close()
