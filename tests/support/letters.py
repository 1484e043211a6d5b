"""Pictures of every kind of e-mail: `python -m tests.support.letters OUTDIR`.

Lives through the week of `tests/the_week.py` in a database of its own and shows the first letter of each kind as mail
programs do: 600 and 360 px wide, light and dark. The texts are written beside the pictures.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.support import browser
from tests.support.scratch import scratch

if TYPE_CHECKING:
    from tests.the_week import Sent

WIDTHS = (600, 360)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outdir", type=Path)
    folder: Path = parser.parse_args().outdir
    path = browser.chromium()
    if path is None:
        print(f"Chromium is not installed ({browser.REMEDY}).", file=sys.stderr)  # noqa: T201
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, Sent] = {}
    for letter in _written():
        kinds.setdefault(letter.kind, letter)
        (folder / f"{letter.kind}.txt").write_text(kinds[letter.kind].text)
    _photograph(kinds, folder, path)
    print(f"{len(kinds)} kinds of e-mail are in {folder}.")  # noqa: T201
    return 0


def _written() -> list[Sent]:
    """The week's letters, from a database that is there only for them."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django
    from django.conf import settings
    from django.db import connection

    django.setup()
    from tests.the_week import the_letters

    settings.MEDIA_ROOT = scratch() / "letters"
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        return the_letters()
    finally:
        connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def _photograph(kinds: dict[str, Sent], folder: Path, path: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**browser.launch_options(path))
        for width in WIDTHS:
            for scheme in SCHEMES:
                page = chromium.new_page(viewport={"width": width, "height": 400}, color_scheme=scheme)
                for kind, letter in kinds.items():
                    page.set_content(letter.html)
                    page.screenshot(path=folder / f"{kind}-{width}-{scheme}.png", full_page=True)
                page.close()
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
