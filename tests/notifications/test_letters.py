"""A whole week's letters, compared byte for byte with the files that a person has read.

`RENEW_LETTERS=1 pytest tests/notifications/test_letters.py` writes them anew: read the difference before it is kept.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.notifications.test_templates import NAMED
from tests.the_week import Sent, file_names, the_letters

FOLDER = Path(__file__).with_name("letters")


@pytest.fixture
def letters(db: None) -> list[Sent]:
    return the_letters()


def test_the_letters_of_a_week_are_those_on_file(letters: list[Sent]) -> None:
    written = {f"{name}.txt": letter.text.encode() for name, letter in file_names(letters)}
    if os.environ.get("RENEW_LETTERS"):
        _renew(written)

    on_file = {path.name: path.read_bytes() for path in FOLDER.glob("*.txt")}

    assert list(written) == sorted(on_file)
    for name, text in written.items():
        assert text == on_file[name], f"{name} reads otherwise than on file"


def test_every_kind_is_among_them(letters: list[Sent]) -> None:
    assert {letter.kind for letter in letters} >= set(NAMED)


def _renew(written: dict[str, bytes]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_bytes(text)
