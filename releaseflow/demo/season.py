"""Which deployments each past week had, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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
    numbers = (f"CRQ{number:012d}" for number in count(LAST_NUMBER - 8 * MOST_A_WEEK * len(weeks), 8))
    used: Counter[str] = Counter()
    taken: set[str] = set()
    for back, week in zip(range(len(weeks), 0, -1), weeks, strict=True):
        taken = _week(studio, timetable, week, back, taken, used, numbers)
    return Job(studio, weeks[-1], STATEMENT, f"CRQ{LAST_NUMBER:012d}") if weeks else None


def _week(
    studio: Studio,
    timetable: Timetable,
    week: ReleaseWeek,
    back: int,
    taken: set[str],
    used: Counter[str],
    numbers: Iterator[str],
) -> set[str]:
    """The stories of one week without the `taken` applications; returns those that move on to the next."""
    fates = FATES.get(back, ())
    free = [name for name in PAST if name not in taken and not (back <= 2 and name == STATEMENTS)]
    chosen = studio.diary.random.sample(free, studio.diary.random.randint(5, MOST_A_WEEK))
    moving = {name for name, fate in zip(chosen, fates, strict=False) if fate in MOVING}
    for turn, name in enumerate(chosen):
        fate = fates[turn] if turn < len(fates) else Fate.FINE
        job = Job(studio, week, _next_idea(name, used), next(numbers))
        timetable.add(past(job, fate, turn))
    timetable.add(office.review(studio, week, cancelled=back in REVIEW_CANCELLED))
    if back not in SENT_BY_THE_CLOCK:
        timetable.add(office.plan_email(studio, week, INTRODUCTIONS.get(back, "")))
    timetable.add(office.batch(studio, week))
    timetable.add(office.completion_email(studio, week))
    return moving


def _next_idea(application: str, used: Counter[str]) -> Idea:
    used[application] += 1
    return idea(application, used[application] - 1)
