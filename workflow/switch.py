"""Things that are on or off by their `active`: the guard of the two steps that turn them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workflow.steps import Actor, Guard


def is_switched(active: bool, words: str) -> Guard:
    """Says the words about a thing that is on (`active`) or off already."""

    def already(thing: Any, by: Actor, now: datetime) -> str:
        return words if thing.active is active else ""

    return already
