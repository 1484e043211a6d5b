"""A person before the browser: what they see is checked by axe, and whatever the browser complains of is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response

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

_axe = Axe()


class Reader:
    """One person's browser window; `complaints` lists what a page should not have caused, in order."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.complaints: list[str] = []
        context.add_init_script(REPORT_CSP)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.complaints.append(f"Uncaught: {error}"))
        self.page.on("console", lambda message: self._heard(message.type, message.text, message.location))

    def _heard(self, kind: str, text: str, location: Any) -> None:
        """Chromium also says on the console that a page answered 4xx or 5xx; that is checked where it is opened."""
        if kind == "error" and not (text.startswith("Failed to load resource") and location["url"] == self.page.url):
            self.complaints.append(text)

    def open(self, path: str, *, status: int = 200) -> Response:
        """Opens a page of the site anew, in the light, on a wide screen."""
        self.complaints.clear()
        self.look("light", WIDE)
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}, not {status}"
        return answer

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
        found = _axe.run(self.page, options=options).response["violations"]
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
