"""SECURITY.md names files that are there, and says something about every threat."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
POLICY = (ROOT / "SECURITY.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", POLICY, re.MULTILINE)
PATH = re.compile(r"`([\w./-]+/[\w.-]+|[\w-]+\.(?:txt|yml))`")


def test_every_threat_has_a_line() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 43))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_its_defence_and_its_test_are_there(row: tuple[str, str, str, str]) -> None:
    _, threat, defence, test = row
    tests = PATH.findall(test)

    assert tests, threat
    assert all(path.startswith("tests/") for path in tests)
    assert [path for path in (*PATH.findall(defence), *tests) if not (ROOT / path.lstrip("/")).exists()] == []


def test_every_dependency_has_its_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text().replace("\\\n", " ")
        pinned = [line for line in text.splitlines() if line and not line.lstrip().startswith(("#", "--"))]
        assert len(pinned) > 20
        assert [line[:60] for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []
