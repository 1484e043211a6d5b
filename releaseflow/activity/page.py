"""What the pages of activity show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Q, QuerySet

from releaseflow.activity.words import Told, kind_label, label, told
from workflow.eastern import eastern_day, machine_time, say_long_day
from workflow.models import Event

PAGE = 50


@dataclass(frozen=True)
class Day:
    label: str
    events: list[Told]


@dataclass(frozen=True)
class Listed:
    """One page of events, by Eastern day. `newer` and `older` are the keys at which the pages beside it begin."""

    days: list[Day]
    newer: int | None
    older: int | None


def listed(events: QuerySet[Event], *, before: int | None = None, after: int | None = None) -> Listed:
    """`events` come newest first. The page before or after the event of that key, without counting what lies between:
    two statements for any page but the first, which takes one.
    """
    key = before or after
    mark = Event.objects.filter(pk=key).values_list("at", "pk").first() if key else None
    if mark and after and not before:
        found = list(events.filter(_later(*mark)).order_by("at", "pk")[: PAGE + 1])
        more, shown = len(found) > PAGE, found[:PAGE][::-1]
        return _page(shown, newer=more, older=bool(shown))
    found = list((events.filter(_earlier(*mark)) if mark else events)[: PAGE + 1])
    return _page(found[:PAGE], newer=mark is not None, older=len(found) > PAGE)


def _earlier(at: datetime, pk: int) -> Q:
    return Q(at__lt=at) | Q(at=at, pk__lt=pk)


def _later(at: datetime, pk: int) -> Q:
    return Q(at__gt=at) | Q(at=at, pk__gt=pk)


def _page(shown: list[Event], *, newer: bool, older: bool) -> Listed:
    days = groupby((told(event) for event in shown), key=lambda each: eastern_day(each.at))
    return Listed(
        days=[Day(f"{say_long_day(day)}, {day.year}", list(events)) for day, events in days],
        newer=shown[0].pk if shown and newer else None,
        older=shown[-1].pk if shown and older else None,
    )


@dataclass(frozen=True)
class Single:
    """One event with all that was recorded."""

    told: Told
    kind: str
    label: str
    change: str
    data: list[tuple[str, str]]
    machine_time: str
    deployment_id: int | None


def single(event: Event) -> Single:
    before, after = (status.replace("_", " ") for status in (event.before, event.after))
    return Single(
        told=told(event),
        kind=kind_label(event.object_type),
        label=label(event.object_type, event.action),
        change=f"{before} → {after}" if before and after and before != after else after,
        data=[(key.replace("_", " ").capitalize(), _plain(value)) for key, value in event.data.items()],
        machine_time=machine_time(event.at),
        deployment_id=event.deployment_id,
    )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
