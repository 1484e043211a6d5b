"""Lists as CSV files that spreadsheets open as they are meant: UTF-8 with a byte-order mark, ISO times, no formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import StringIO

from django.http import HttpResponse

from workflow.eastern import to_eastern

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """The answer that downloads as `<name>.csv`; `name` is ours, never what somebody typed."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    answer = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


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
