"""Spreadsheets that the application answers with."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any


def lines(answer: Any) -> list[list[str]]:
    """The rows of a file, the head first; reading them is what runs the statements."""
    content = b"".join(answer.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content.decode("utf-8-sig"))))


def records(answer: Any) -> list[dict[str, str]]:
    head, *rows = lines(answer)
    return [dict(zip(head, row, strict=True)) for row in rows]
