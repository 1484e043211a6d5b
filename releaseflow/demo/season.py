"""Which deployments each past week had, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from deployments.models import ReleaseWeek
from releaseflow.demo import office
from releaseflow.demo.catalogue import PAST, STATEMENT, Idea, idea
from releaseflow.demo.job import Job, Studio
from releaseflow.demo.stories import Fate, past
from releaseflow.demo.timetable import Timetable

# Counted back from the present week: 1 is the open week before it.
FATES: dict[int, tuple[Fate, ...]] = {
    2: (Fate.RETRIED,),
    3: (Fate.EXEMPTED, Fate.RETURNED),
    4: (Fate.BACKED_OUT,),
    5: (Fate.LATE, Fate.REWORKED),
    6: (Fate.WITHDRAWN,),
    7: (Fate.NOT_REACHED,),
    8: (Fate.DENIED, Fate.REWORKED),
    9: (Fate.MOVED,),
    10: (Fate.FORGOTTEN, Fate.RETURNED),
}
MOVING = {Fate.LATE, Fate.DENIED, Fate.MOVED, Fate.NOT_REACHED}
REVIEW_CANCELLED, SENT_BY_THE_CLOCK = {8}, {3, 7, 11}
INTRODUCTIONS = {
    2: "Please look at the card payments first: the acquirer watches with us.",
    6: "Month-end close runs on Thursday night, so we keep this week small.",
    9: "Thank you for early test results; they make Tuesdays quiet.",
}
STATEMENTS = STATEMENT.application
MOST_A_WEEK, LAST_NUMBER = 6, 417_902


def tell(studio: Studio, timetable: Timetable, weeks: list[ReleaseWeek]) -> Job | None:
    """Adds the stories of the past open weeks, in order; returns the job that this week inherits, still untold."""
    season = _Season(studio, timetable, count(LAST_NUMBER - 8 * MOST_A_WEEK * len(weeks), 8))
    for back, week in zip(range(len(weeks), 0, -1), weeks, strict=True):
        season.tell_week(week, back)
    return Job(studio, weeks[-1], STATEMENT, f"CRQ{LAST_NUMBER:012d}") if weeks else None


@dataclass
class _Season:
    """`numbers` are those of the CRQs; `arriving` are the applications that the week before hands on."""

    studio: Studio
    timetable: Timetable
    numbers: Iterator[int]
    used: Counter[str] = field(default_factory=Counter)
    arriving: set[str] = field(default_factory=set)

    def tell_week(self, week: ReleaseWeek, back: int) -> None:
        fates, chosen = FATES.get(back, ()), self._choose(back)
        self.arriving = {name for name, fate in zip(chosen, fates, strict=False) if fate in MOVING}
        for turn, name in enumerate(chosen):
            fate = fates[turn] if turn < len(fates) else Fate.FINE
            job = Job(self.studio, week, self._next_idea(name), f"CRQ{next(self.numbers):012d}")
            self.timetable.add(past(job, fate, turn))
        self._tell_office(week, back)

    def _choose(self, back: int) -> list[str]:
        """Five or six applications; the statements are kept for the one that this week inherits."""
        free = [name for name in PAST if name not in self.arriving and not (back <= 2 and name == STATEMENTS)]
        random = self.studio.diary.random
        return random.sample(free, random.randint(5, MOST_A_WEEK))

    def _tell_office(self, week: ReleaseWeek, back: int) -> None:
        add, studio = self.timetable.add, self.studio
        add(office.review(studio, week, cancelled=back in REVIEW_CANCELLED))
        if back not in SENT_BY_THE_CLOCK:
            add(office.plan_email(studio, week, INTRODUCTIONS.get(back, "")))
        add(office.batch(studio, week))
        add(office.completion_email(studio, week))

    def _next_idea(self, application: str) -> Idea:
        self.used[application] += 1
        return idea(application, self.used[application] - 1)
