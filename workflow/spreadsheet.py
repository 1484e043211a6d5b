"""Lists as CSV files that spreadsheets open as they are meant: UTF-8 with a byte-order mark, ISO times, no formulas.

They are sent row by row, so that years of a list need no memory.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import StringIO

from django.http import StreamingHttpResponse

from workflow.eastern import to_eastern

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """The answer that downloads as `<name>.csv`; `name` is ours, never what somebody typed.

    `rows` are read while they are sent: whatever may refuse them has to be asked before.
    """
    return download(_lines(head, rows), f"{name}.csv", "text/csv; charset=utf-8")


def download(lines: Iterable[bytes], filename: str, content_type: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(lines, content_type=content_type)
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    yield codecs.BOM_UTF8 + _line(head)
    for row in rows:
        yield _line([cell(value) for value in row])


def _line(values: Sequence[str]) -> bytes:
    text = StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def cell(value: object) -> str:
    """An instant as `2026-12-08T14:00:00-05:00`, nothing for None; text that a spreadsheet would run begins with '."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return to_eastern(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(BEGINS_A_FORMULA) else text
