"""What docs/reliability.md calls proved is proved by something."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = re.compile(r"`(tests/[\w/]+\.py)`")


def test_every_test_that_is_named_exists() -> None:
    named = set(NAMED.findall(PAGE))

    assert len(named) > 30
    assert sorted(path for path in named if "def test_" not in _content(path)) == []


def test_every_promise_names_a_test() -> None:
    proved = PAGE.partition("## Longer than")[0]
    rows = [line for line in proved.splitlines() if line.startswith("| ") and not line.endswith("proved by |")]

    assert len(rows) > 20
    assert [row for row in rows if not NAMED.search(row)] == []


def _content(path: str) -> str:
    file = ROOT / path
    return file.read_text() if file.is_file() else ""
