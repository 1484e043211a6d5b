"""Stories that happen side by side in time order, each moment under a clock that stands still there."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random

from workflow import clock
from workflow.eastern import EASTERN, to_eastern

Story = Iterator[datetime]
"""Yields the instant (aware UTC) at which it wants to go on; what stands between two yields happens at the first."""

MORNING, EVENING = time(8, 40), time(17, 10)


class Timetable:
    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, Story]] = []
        self._numbers = count()

    def add(self, story: Story) -> None:
        """Takes a story on; whatever it does before its first yield is done at once."""
        self._wait(story)

    def run(self, until: datetime) -> None:
        """Lets everything happen up to and including `until`; later moments stay untold."""
        while self._waiting and self._waiting[0][0] <= until:
            at, _, story = heapq.heappop(self._waiting)
            with clock.frozen(at):
                self._wait(story, not_before=at)

    def _wait(self, story: Story, *, not_before: datetime | None = None) -> None:
        at = next(story, None)
        if at is not None:
            heapq.heappush(self._waiting, (max(at, not_before or at), next(self._numbers), story))


class Diary:
    """Finds believable moments: weekdays that are not closed, in office hours, the same for the same seed."""

    def __init__(self, random: Random, closed: Collection[date]) -> None:
        self.random, self._closed = random, closed

    def between(self, start: datetime, end: datetime) -> datetime:
        """A moment in office hours from `start` to `end`; `start` itself when there is none."""
        for _ in range(60):
            seconds = max(int((end - start).total_seconds()), 0)
            at = start + timedelta(seconds=self.random.randint(0, seconds))
            if self._works(at):
                return at
        return start

    def soon(self, start: datetime, minutes: tuple[int, int]) -> datetime:
        low, high = minutes
        return start + timedelta(minutes=self.random.randint(low, high), seconds=self.random.randint(0, 59))

    def workday_before(self, day: date) -> date:
        while True:
            day -= timedelta(days=1)
            if day.weekday() < 5 and day not in self._closed:
                return day

    def _works(self, at: datetime) -> bool:
        there = to_eastern(at)
        return there.weekday() < 5 and there.date() not in self._closed and MORNING <= there.time() <= EVENING


def eastern(day: date, wall: str) -> datetime:
    """`eastern(tuesday, "11:42")`: that wall time on Eastern clocks."""
    return datetime.combine(day, time.fromisoformat(wall), EASTERN).astimezone(UTC)
