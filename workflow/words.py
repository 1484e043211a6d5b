"""Rows that have all the words that were typed, each word in any of several places.

One condition over all the places could be served by no index, and uniting all keys of each word costs most where a word
is in nearly every row. So the keys of a word are looked up place by place, and no further than a few: what has few is
read by its keys; the others are so common that, from the newest row on, a page is soon full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import CharField, Model, Q, QuerySet

from accounts.prepared import Slot

WORD = Slot("word", CharField())
MOST_KEYS = 500
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Looked:
    """`keys`: of all rows that have every rare word, None where none is rare. `common`: the words that many have."""

    keys: set[int] | None
    common: list[str]


def few(place: QuerySet[Any, int], *others: QuerySet[Any, Any]) -> QuerySet[Any, int]:
    """The keys that are found in these places, with WORD where the word stands: up to one more than are few."""
    return place.union(*others, all=True)[: MOST_KEYS + 1]


def look_up(words: Iterable[str], keys_of: Callable[[str], list[int]]) -> Looked:
    """One statement for each word."""
    keys: set[int] | None = None
    common = []
    for word in words:
        found = keys_of(word)
        if len(found) > MOST_KEYS:
            common.append(word)
        else:
            keys = set(found) if keys is None else keys.intersection(found)
    return Looked(keys, common)


def narrowed(found: QuerySet[Row], looked: Looked, says: Callable[[str], Q]) -> QuerySet[Row]:
    """The rows that have them all; `says` is the condition that one row has a word somewhere."""
    if looked.keys is not None:
        found = found.filter(pk__in=looked.keys)
    for word in looked.common:
        found = found.filter(says(word))
    return found
