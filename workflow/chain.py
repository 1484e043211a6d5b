"""How events are chained: each carries the hash of the one before it in its chain.

The standard library is all this needs, because the file travels in every evidence pack, where it proves the events
offline. What `digest` gives for an event may never change: published hashes were made with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

GENESIS = "0" * 64
COVERED = (
    "shard",
    "sequence",
    "previous",
    "at",
    "actor_id",
    "for_user_id",
    "action",
    "object_type",
    "object_id",
    "subject",
    "deployment_id",
    "week",
    "before",
    "after",
    "reason",
    "data",
)
"""The facts of an event that its hash covers: all but its row number and the hash itself."""


@dataclass(frozen=True)
class Finding:
    """Something wrong at one place of a chain, in words. `event` is the row's number, where there is a row."""

    shard: str
    sequence: int
    what: str
    sentence: str
    event: int | None = None


def plain(event: Mapping[str, Any]) -> dict[str, Any]:
    """The covered facts as JSON knows them: instants in UTC to the microsecond, days as YYYY-MM-DD."""
    return {key: _plain(event[key]) for key in COVERED}


def digest(event: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of the covered facts as JSON with sorted keys, no spaces, and ASCII only."""
    text = json.dumps(plain(event), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def settled(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of an event as it will be read back: keys are text. Raises TypeError for what a database may round."""
    return json.loads(json.dumps(data), parse_float=_no_fractions) if data else {}


def check(events: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """What is wrong with these events, which come ordered by shard and sequence, each chain from its beginning."""
    shard, sequence, previous = "", 0, GENESIS
    for event in events:
        if event["shard"] != shard:
            shard, sequence, previous = event["shard"], 0, GENESIS
        yield from _check(event, sequence, previous)
        sequence, previous = event["sequence"], event["hash"]


def _check(event: Mapping[str, Any], after: int, previous: str) -> Iterator[Finding]:
    shard, sequence, row = event["shard"], event["sequence"], event.get("id")
    name = f"{shard} {sequence}"
    if sequence != after + 1:
        lost = f"{after + 1}" if sequence == after + 2 else f"{after + 1} to {sequence - 1}"
        yield Finding(shard, after + 1, "missing", f"{shard} {lost} is missing: deleted, or given another place.", None)
    elif event["previous"] != previous:
        yield Finding(shard, sequence, "unlinked", f"{name} does not follow the event before it.", row)
    if digest(event) != event["hash"]:
        yield Finding(shard, sequence, "changed", f"{name} is not what was recorded: its hash does not fit.", row)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _no_fractions(text: str) -> float:
    raise TypeError(f"An event's data holds text and whole numbers, not {text}: databases may round it.")
