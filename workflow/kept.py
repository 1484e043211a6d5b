"""What was worked out before from the very same facts. See docs/adr/0033-a-row-is-judged-once.md."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import Lock
from typing import Generic, TypeVar

Fact = TypeVar("Fact", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Fact, Value]):
    """The values of a pure function of circumstances and facts, which is cheaper for many facts at once.

    Circumstances and facts hold everything that a value depends on, so a value never grows old; it is only forgotten.
    Kept are those of the last call under each of the circumstances, and those `most` in number that came last.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, dict[Fact, Value]] = {}
        self._lock = Lock()

    def of(
        self, circumstances: Hashable, facts: Sequence[Fact], make: Callable[[list[Fact]], Iterable[Value]]
    ) -> list[Value]:
        """The values in the order of the facts, no two of which are equal. `make` is asked for those not known yet."""
        known = self._known.get(circumstances, {})
        unknown = [fact for fact in facts if fact not in known]
        made = dict(zip(unknown, make(unknown) if unknown else (), strict=True))
        found = {fact: made[fact] if fact in made else known[fact] for fact in facts}
        with self._lock:
            self._known.pop(circumstances, None)
            self._known[circumstances] = found
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return list(found.values())
