"""The activity as files, row by row, so that years of it need no memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from workflow.eastern import machine_time
from workflow.models import Event
from workflow.spreadsheet import download, spreadsheet

CHUNK = 500
HEAD = (
    *("Number", "At", "Actor", "For", "Object", "Object key", "Subject", "Action"),
    *("Before", "After", "Reason", "Week", "Deployment key", "Data"),
)


def as_csv(events: QuerySet[Event]) -> StreamingHttpResponse:
    return spreadsheet("activity", HEAD, map(_values, events.iterator(chunk_size=CHUNK)))


def as_jsonl(events: QuerySet[Event]) -> StreamingHttpResponse:
    """One JSON object a line; instants in UTC."""
    return download(_json_lines(events), "activity.jsonl", "application/x-ndjson; charset=utf-8")


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
