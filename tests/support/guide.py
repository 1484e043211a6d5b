"""The pictures of the user guide: `python -m tests.support.guide` renews docs/guide/images and the README's board.

Tells the demonstration's story in a database of its own, holds the clock at the story's instant, serves the pages
and photographs them as each role sees them. `--all OUTDIR` adds every page, 1440 and 390 px wide, in both themes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from unittest.mock import patch
from urllib.parse import urlsplit

from tests.support import browser
from tests.support.processes import ROOT
from tests.support.scratch import scratch

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from accounts.models import User

Scheme = Literal["light", "dark"]
TODAY = date(2026, 12, 8)
WEEK = "/weeks/2026-12-10/"
IMAGES, BOARD = ROOT / "docs/guide/images", ROOT / "docs/images/board.png"
HEIGHTS = {1440: 900, 390: 844}
QUALITY = 72  # of JPEG; text stays sharp, and a picture takes about 60 KB


@dataclass(frozen=True)
class Shot:
    """A page as one person sees it; the guide shows it in `schemes`, once for wide and once for small screens."""

    name: str
    who: str
    path: str
    schemes: tuple[Scheme, ...] = ("light",)
    in_guide: bool = True


DEV, MANAGER, SCRUM = "hannah.cole", "anita.desai", "maya.lind"
DEVOPS, DIRECTOR, ADMIN = "grace.okafor", "ruth.abrams", "ada.quist"
CRQ = "/crqs/CRQ000000418207/"
SHOTS = (
    Shot("developer-tasks", DEV, "/"),
    Shot("submit-pull-request", DEV, "/pull-requests/new/"),
    Shot("new-deployment", DEV, "/deployments/new/"),
    Shot("documents", "priya.raman", "/crqs/CRQ000000418233/"),
    Shot("pull-requests", DEV, "/pull-requests/"),
    Shot("manager-tasks", MANAGER, "/"),
    Shot("crq", MANAGER, CRQ, ("light", "dark")),
    Shot("approve-together", MANAGER, "/approve/"),
    Shot("week-board", MANAGER, WEEK, ("light", "dark")),
    Shot("review", SCRUM, "/reviews/2/"),
    Shot("emails", SCRUM, "/emails/"),
    Shot("planned-email", SCRUM, WEEK.replace("weeks", "emails") + "planned_deployments/"),
    Shot("week-dates", SCRUM, WEEK + "schedule/"),
    Shot("calendar", SCRUM, "/calendar/"),
    Shot("devops-tasks", DEVOPS, "/"),
    Shot("core-dev", DEVOPS, "/crqs/CRQ000000418185/"),
    Shot("install-day", DEVOPS, WEEK + "install/"),
    Shot("exemptions", DIRECTOR, "/exemptions/"),
    Shot("exemption", DIRECTOR, "/exemptions/2/"),
    Shot("settings", ADMIN, "/settings/"),
    Shot("schedule", ADMIN, "/settings/schedule/"),
    Shot("closed-days", ADMIN, "/settings/closed-days/"),
    Shot("people", ADMIN, "/settings/people/"),
    Shot("activity", ADMIN, "/activity/"),
    Shot("my-page", DEV, "/me/"),
    Shot("crqs", DEV, "/crqs/", in_guide=False),
    Shot("reviews", SCRUM, "/reviews/", in_guide=False),
    Shot("snapshots", SCRUM, WEEK + "snapshots/", in_guide=False),
    Shot("delivery", SCRUM, "/emails/delivery/", in_guide=False),
    Shot("wall", DEVOPS, WEEK + "install/?view=wall", in_guide=False),
    Shot("applications", ADMIN, "/settings/applications/", in_guide=False),
    Shot("teams", ADMIN, "/settings/teams/", in_guide=False),
    Shot("recipients", ADMIN, "/settings/recipients/", in_guide=False),
    Shot("search", DEV, "/search/?q=sign", in_guide=False),
    Shot("not-found", DEV, "/nothing-here/", in_guide=False),
)


def pictures(shot: Shot) -> list[tuple[str, int, Scheme]]:
    """What the guide keeps of it: file name, width, scheme. Dark ones are kept for wide screens alone."""
    light: list[tuple[str, int, Scheme]] = [(f"{shot.name}-{width}.jpeg", width, "light") for width in HEIGHTS]
    dark: list[tuple[str, int, Scheme]] = [(f"{shot.name}-1440-dark.jpeg", 1440, "dark")]
    return light + (dark if "dark" in shot.schemes else []) if shot.in_guide else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--all", type=Path, metavar="OUTDIR", help="also every page, width and scheme, into this folder"
    )
    every: Path | None = parser.parse_args().all
    path = browser.chromium()
    if path is None:
        print(f"Chromium is not installed ({browser.REMEDY}).", file=sys.stderr)  # noqa: T201
        return 1
    with _served() as url:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(**browser.launch_options(path))
            _renew(chromium, url)
            if every:
                _take_all(chromium, url, every)
            chromium.close()
    return 0


@contextmanager
def _served() -> Iterator[str]:
    """The story in a database that is there only for it, and the address where its pages are."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connection
    from django.test.testcases import LiveServerThread

    django.setup()
    from releaseflow.demo import seed

    settings.MEDIA_ROOT = scratch() / "guide"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    made = seed.sow(seed=1, weeks=12, today=TODAY)
    server = LiveServerThread("localhost", StaticFilesHandler)
    with patch("workflow.clock._read", return_value=made.begins):
        server.daemon = True
        server.start()
        server.is_ready.wait()
        try:
            yield f"http://localhost:{server.port}"
        finally:
            server.terminate()
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def _renew(chromium: Browser, url: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    for old in IMAGES.glob("*.jpeg"):
        old.unlink()
    for shot in SHOTS:
        for name, width, scheme in pictures(shot):
            with _opened(chromium, url, shot, width, scheme) as page:
                page.screenshot(path=IMAGES / name, type="jpeg", quality=QUALITY)
    [board] = [shot for shot in SHOTS if shot.name == "week-board"]
    with _opened(chromium, url, board, 1440, "light") as page:
        page.screenshot(path=BOARD, full_page=True)
    size = sum(file.stat().st_size for file in IMAGES.iterdir())
    print(f"{len(list(IMAGES.iterdir()))} pictures in {IMAGES.relative_to(ROOT)}, {size / 1e6:.1f} MB.")  # noqa: T201


def _take_all(chromium: Browser, url: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    schemes: Iterable[Scheme] = ("light", "dark")
    for shot in SHOTS:
        for width in HEIGHTS:
            for scheme in schemes:
                with _opened(chromium, url, shot, width, scheme) as page:
                    page.screenshot(path=folder / f"{shot.name}-{width}-{scheme}.png", full_page=True)
    print(f"{len(SHOTS) * 4} pictures of {len(SHOTS)} pages in {folder}.")  # noqa: T201


@contextmanager
def _opened(chromium: Browser, url: str, shot: Shot, width: int, scheme: Scheme) -> Iterator[Page]:
    from accounts.models import User

    person = User.objects.get(username=shot.who)
    size: Any = {"width": width, "height": HEIGHTS[width]}
    context = chromium.new_context(viewport=size, color_scheme=scheme, timezone_id="America/New_York")
    context.add_cookies([{"name": "sessionid", "value": _session(person), "url": url}])
    page = context.new_page()
    page.goto(url + shot.path)
    if urlsplit(page.url).path != urlsplit(shot.path).path:
        raise RuntimeError(f"{shot.path} led {shot.who} to {page.url}.")
    yield page
    context.close()


def _session(person: User) -> str:
    """The key of a session that is signed in as this person."""
    from django.test import Client

    client = Client()
    client.force_login(person)
    return str(client.session.session_key)


if __name__ == "__main__":
    sys.exit(main())
