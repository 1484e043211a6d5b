"""The activity as files, row by row, so that years of it need no memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from workflow.eastern import machine_time
from workflow.models import Event
from workflow.spreadsheet import cell

CHUNK = 500
HEAD = (
    *("Number", "At", "Actor", "For", "Object", "Object key", "Subject", "Action"),
    *("Before", "After", "Reason", "Week", "Deployment key", "Data"),
)


def as_csv(events: QuerySet[Event]) -> StreamingHttpResponse:
    return _download(_csv_lines(events), "activity.csv", "text/csv; charset=utf-8")


def as_jsonl(events: QuerySet[Event]) -> StreamingHttpResponse:
    """One JSON object a line; instants in UTC."""
    return _download(_json_lines(events), "activity.jsonl", "application/x-ndjson; charset=utf-8")


def _download(lines: Iterable[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv_lines(events: QuerySet[Event]) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf" + _csv_line(HEAD)
    for event in events.iterator(chunk_size=CHUNK):
        yield _csv_line([cell(value) for value in _values(event)])


def _csv_line(values: Sequence[object]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()


def _values(event: Event) -> list[Any]:
    data = json.dumps(event.data, ensure_ascii=False, sort_keys=True) if event.data else ""
    who = event.actor.name if event.actor else "releaseflow"
    return [
        *(event.pk, event.at, who, event.for_user.name if event.for_user else "", event.object_type, event.object_id),
        *(event.subject, event.action, event.before, event.after, event.reason, event.week, event.deployment_id, data),
    ]


def _json_lines(events: QuerySet[Event]) -> Iterator[bytes]:
    names = [name.lower().replace(" ", "_") for name in HEAD]
    for event in events.iterator(chunk_size=CHUNK):
        row = dict(zip(names, _values(event), strict=True))
        row |= {"at": machine_time(event.at), "week": event.week.isoformat() if event.week else None}
        row["data"] = event.data
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"
