"""CSV that spreadsheets open as it is meant."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.sheets import lines
from workflow.spreadsheet import cell, spreadsheet


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2026, 12, 8, 19, tzinfo=UTC), "2026-12-08T14:00:00-05:00"),
        (datetime(2026, 7, 1, 18, tzinfo=UTC), "2026-07-01T14:00:00-04:00"),
        (date(2026, 12, 10), "2026-12-10"),
        (None, ""),
        (7, "7"),
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        ("plain = text", "plain = text"),
    ],
)
def test_cells(value: object, written: str) -> None:
    assert cell(value) == written


def test_the_file_has_a_byte_order_mark_a_name_and_quoted_cells() -> None:
    answer = spreadsheet("week", ("Deployment", "Since"), [('Sign-in, "again"', None), ("Grüße", 1)])

    assert lines(answer) == [["Deployment", "Since"], ['Sign-in, "again"', ""], ["Grüße", "1"]]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="week.csv"'


def test_rows_are_read_while_they_are_sent() -> None:
    read: list[int] = []

    def rows() -> Iterator[tuple[int]]:
        for number in range(3):
            read.append(number)
            yield (number,)

    answer: Any = spreadsheet("week", ("Deployment",), rows())
    sent = iter(answer.streaming_content)
    next(sent)
    assert not read
    assert next(sent) == b"0\r\n"
    assert read == [0]
