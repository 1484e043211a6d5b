"""What happens to the deployments of a past week, from the first pull request to the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum, auto

from crq.models import Document
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from releaseflow.demo.job import Job
from releaseflow.demo.timetable import Story

Kind = Document.Kind


class Fate(Enum):
    """How a deployment ends, and what goes wrong on the way."""

    FINE = auto()
    REWORKED = auto()  # a reviewer asks for changes first
    RETURNED = auto()  # the manager asks for changes, then approves
    LATE = auto()  # not approved in time: held, and moved to the next week
    EXEMPTED = auto()  # not approved in time; the director lets it be installed all the same
    DENIED = auto()  # the same, but the director does not
    MOVED = auto()  # moved before the cutoff
    FORGOTTEN = auto()  # no CRQ at the cutoff: held, then withdrawn
    WITHDRAWN = auto()
    RETRIED = auto()  # the first install fails
    BACKED_OUT = auto()  # the team finds an error in production
    NOT_REACHED = auto()  # the install window closes first


def due(week: ReleaseWeek, key: str, **offset: float) -> datetime:
    """The instant of an open week's milestone, moved by `hours=…` or `minutes=…`."""
    at = week.due(key)
    if at is None:
        raise ValueError(f"The {week} is skipped.")
    return at + timedelta(**offset)


def past(job: Job, fate: Fate, turn: int) -> Story:
    """One deployment; `turn` is its place in the order of Thursday's installs."""
    yield from proposed(job, reworked=fate is Fate.REWORKED)
    if fate is Fate.FORGOTTEN:
        yield from forgotten(job)
        return
    yield from requested(job)
    if fate is Fate.WITHDRAWN:
        yield job.studio.diary.between(due(job.week, Deadline.CUTOFF, hours=-5), due(job.week, Deadline.CUTOFF))
        job.do("withdraw", by=job.crew.manager, reason="The rule changes again in spring, so this would be done twice.")
        return
    if fate is Fate.MOVED:
        yield job.studio.diary.between(due(job.week, Deadline.CUTOFF, hours=-4), due(job.week, Deadline.CUTOFF))
        job.move("The partner's test system is not ready before Friday.")
    elif fate is Fate.LATE:
        yield from late(job)
    yield from documented(job)
    yield from staged(job)
    if fate in {Fate.EXEMPTED, Fate.DENIED}:
        yield from asked(job, granted=fate is Fate.EXEMPTED)
    if fate is not Fate.EXEMPTED:
        yield from decided(job, returned=fate is Fate.RETURNED)
    yield from installed(job, fate, turn)


def proposed(job: Job, *, reworked: bool = False) -> Story:
    """Submitted, reviewed, discussed in the weekly review, planned."""
    diary, week = job.studio.diary, job.week
    review = due(week, Deadline.CODE_REVIEW)
    yield diary.between(review - timedelta(hours=50), review - timedelta(hours=4))
    job.submit()
    if reworked:
        yield diary.between(review - timedelta(hours=3), review - timedelta(minutes=30))
        job.ask_for_changes("Please cover the case where the account is closed.")
    yield review + timedelta(minutes=diary.random.randint(8, 45))
    job.decide()
    yield diary.between(review + timedelta(hours=1), review + timedelta(hours=7))
    job.plan()
    if reworked:
        yield diary.between(due(week, Deadline.PLAN_EMAIL, hours=-3), due(week, Deadline.PLAN_EMAIL))
        job.push_again()
    yield diary.between(due(week, Deadline.PLAN_EMAIL), due(week, Deadline.PLAN_EMAIL, hours=5))
    job.review()


def requested(job: Job) -> Story:
    yield job.studio.diary.between(due(job.week, Deadline.PLAN_EMAIL), due(job.week, Deadline.CUTOFF, hours=-5))
    job.open_crq()


def documented(job: Job) -> Story:
    """The team's two documents; what came along from another week is not attached twice."""
    for kind, hours in ((Kind.JUSTIFICATION, -2), (Kind.TESTS, -1)):
        if not job.crq.documents.filter(kind=kind).exists():
            yield job.studio.diary.between(_not_before(job, hours - 3), due(job.week, Deadline.CUTOFF, hours=hours))
            job.attach(kind)


def staged(job: Job) -> Story:
    """The plan of DevOps, release branch, core dev."""
    diary = job.studio.diary
    if not job.crq.documents.filter(kind=Kind.PLAN).exists():
        yield diary.between(due(job.week, Deadline.CUTOFF, hours=-1), due(job.week, Deadline.CUTOFF, minutes=20))
        job.attach(Kind.PLAN)
    yield diary.between(due(job.week, Deadline.CUTOFF, hours=-1), due(job.week, Deadline.CUTOFF, minutes=40))
    job.merge()
    yield diary.between(due(job.week, Deadline.CUTOFF, minutes=41), due(job.week, Deadline.APPROVAL, minutes=-75))
    job.core_dev()


def decided(job: Job, *, returned: bool = False) -> Story:
    diary, approval = job.studio.diary, due(job.week, Deadline.APPROVAL)
    if returned:
        yield approval - timedelta(minutes=70)
        job.send_back("The justification does not say what happens to open cases. Please add it.")
        yield approval - timedelta(minutes=44)
        job.attach(Kind.JUSTIFICATION, version=2)
    yield diary.between(approval - timedelta(minutes=40), approval - timedelta(minutes=4))
    job.approve()


def late(job: Job) -> Story:
    """Without test results in time nothing is approved: held at the deadline, moved on Wednesday morning."""
    yield due(job.week, Deadline.CUTOFF, hours=-1)
    job.attach(Kind.JUSTIFICATION)
    yield due(job.week, Deadline.APPROVAL, hours=16, minutes=job.studio.diary.random.randint(10, 90))
    job.move("The test results came too late for this week.")


def asked(job: Job, *, granted: bool) -> Story:
    """Ready, but nobody approved it in time. Wednesday: asked, decided, and without a grant moved and staged again."""
    yield due(job.week, Deadline.APPROVAL, hours=16, minutes=job.studio.diary.random.randint(5, 40))
    job.ask_for_exemption(
        "I was travelling on Tuesday afternoon and had no connection.",
        "The regulator expects the change in production before the end of the month.",
        "Low: it ran on core dev overnight, and backing out takes ten minutes.",
    )
    yield due(job.week, Deadline.APPROVAL, hours=18, minutes=job.studio.diary.random.randint(5, 50))
    if granted:
        job.answer("grant", "The evidence was complete on time; only the approval was late.")
        return
    job.answer("deny", "Nothing breaks if this waits for a week, and Thursday is full.")
    yield due(job.week, Deadline.APPROVAL, hours=19)
    job.move("The exemption was denied.")
    yield from staged(job)


def forgotten(job: Job) -> Story:
    yield due(job.week, Deadline.CUTOFF, minutes=job.studio.diary.random.randint(50, 120))
    job.do(
        "withdraw", by=job.crew.manager, reason="Nobody opened the CRQ in time, and it can wait for the next quarter."
    )


def installed(job: Job, fate: Fate, turn: int) -> Story:
    """Thursday afternoon, one after the other."""
    diary, start = job.studio.diary, due(job.week, Deadline.INSTALL, minutes=17 + 11 * turn)
    if fate is Fate.NOT_REACHED:
        yield due(job.week, Deadline.INSTALL_CLOSE, minutes=5)
        job.carried_over()
        yield from _again(job, turn)
        return
    yield start
    job.do("start")
    if fate is Fate.RETRIED:
        yield diary.soon(start, (9, 14))
        job.do("fail", reason="The health check of the second node did not answer within two minutes.")
        yield diary.soon(start, (24, 31))
        job.do("retry")
    yield diary.soon(start, (33, 44)) if fate is Fate.RETRIED else diary.soon(start, (8, 19))
    job.do("finish")
    yield diary.soon(start, (50, 75))
    if fate is Fate.BACKED_OUT:
        job.do("fail", by=job.lead, reason="Amounts over 10,000 dollars are shown without cents.")
        yield diary.soon(start, (78, 95))
        job.do("back_out")
        return
    job.do("verify", by=job.lead)


def _again(job: Job, turn: int) -> Iterator[datetime]:
    yield from staged(job)
    yield from decided(job)
    yield from installed(job, Fate.FINE, turn)


def _not_before(job: Job, hours: float) -> datetime:
    return max(job.crq.opened_at + timedelta(minutes=15), due(job.week, Deadline.CUTOFF, hours=hours))
