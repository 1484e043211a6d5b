"""The present week as it stands on its Tuesday at 11:42 am: eight deployments, each at another stage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import User
from crq.models import Document
from deployments.models import ReleaseWeek
from deployments.policy import Deadline
from releaseflow.demo import office
from releaseflow.demo.catalogue import NEXT_WEEK, QUEUE, Idea
from releaseflow.demo.job import Job, Studio
from releaseflow.demo.stories import documented, due, proposed, staged
from releaseflow.demo.timetable import Story, Timetable, eastern
from workflow.eastern import eastern_day

Kind = Document.Kind
BEFORE_CUTOFF = timedelta(hours=2, minutes=18)

SESSION = Idea(
    "Admin portal",
    "Session timeout for the admin portal",
    ("Expire idle admin sessions after 20 minutes", "Warn before the session ends"),
)
INTAKE = Idea(
    "Claims intake",
    "Claims intake form, third revision",
    ("Ask for the place of loss on a map", "Third revision of the intake form"),
)
LEDGER = Idea("Ledger", "Ledger rounding on partial refunds", ("Round partial refunds half to even",))
ADDRESS = Idea(
    "Address lookup",
    "Address lookup: switch provider",
    ("Ask the new provider for suggestions", "Show the new suggestions", "Fall back to the old provider"),
)
RETRY = Idea("Card payments", "Card retry rules", ("Retry soft declines after an hour", "Never retry stolen cards"))
EXPORT = Idea("Warehouse export", "Nightly export to the warehouse", ("Start the export when the books are closed",))
PUSH = Idea(
    "Mobile gateway",
    "Push notification opt-in",
    (
        "Ask before the first notification",
        "Store the answer per device",
        "Respect quiet hours",
        "Stop pushing to signed-out phones",
    ),
)


@dataclass(frozen=True)
class Days:
    """The two working days that matter: that of the cutoff, and the one before."""

    today: date
    yesterday: date

    def at(self, wall: str) -> datetime:
        return eastern(self.today, wall)

    def before(self, wall: str) -> datetime:
        return eastern(self.yesterday, wall)


def present(week: ReleaseWeek) -> datetime:
    """The instant at which the demonstration begins: 11:42 am on the day of the cutoff."""
    return due(week, Deadline.CUTOFF) - BEFORE_CUTOFF


def tell(
    studio: Studio, timetable: Timetable, week: ReleaseWeek, following: ReleaseWeek, inherited: Job | None
) -> None:
    """Adds the stories of the present week, of the first plans for the following one, and of the queue."""
    today = eastern_day(present(week))
    days = Days(today, studio.diary.workday_before(today))
    for story in (
        _session(Job(studio, week, SESSION, "CRQ000000418207"), days),
        _intake(Job(studio, week, INTAKE, "CRQ000000418190"), days),
        _ledger(Job(studio, week, LEDGER), days),
        _address(Job(studio, week, ADDRESS, "CRQ000000418185"), days),
        _retry(Job(studio, week, RETRY, "CRQ000000418233"), days),
        _approved(Job(studio, week, EXPORT, "CRQ000000418151"), days, "10:41"),
        _approved(Job(studio, week, PUSH, "CRQ000000418164"), days, "11:05"),
        *([_statement(inherited, days)] if inherited else []),
        office.review(studio, week),
        office.plan_email(
            studio, week, "Eight deployments this week. The address lookup is new to Claims; please test with care."
        ),
    ):
        timetable.add(story)
    sessions, debits = NEXT_WEEK
    timetable.add(_next_week(Job(studio, following, sessions), days.before("14:20")))
    timetable.add(_put_off(Job(studio, week, debits), days))
    for number, idea in enumerate(QUEUE):
        timetable.add(_queued(Job(studio, following, idea), days.at(f"10:{12 + number * 9}")))


def _person(job: Job, name: str) -> User:
    return next(each for each in (*job.crew.developers, *job.studio.organisation.devops) if each.name == name)


def _cast(job: Job, lead: str, reviewer: str, devops: str = "Grace Okafor") -> None:
    job.lead, job.reviewer, job.devops = (_person(job, name) for name in (lead, reviewer, devops))


def _planned(job: Job, numbers: dict[int, tuple[str, int]] | None = None) -> Story:
    """Submitted before the weekly review, planned after it; not reviewed yet."""
    diary, review = job.studio.diary, due(job.week, Deadline.CODE_REVIEW)
    yield diary.between(review - timedelta(hours=30), review - timedelta(hours=3))
    job.submit(numbers)
    yield review + timedelta(minutes=diary.random.randint(8, 45))
    job.decide()
    yield diary.between(review + timedelta(hours=1), review + timedelta(hours=7))
    job.plan()


def _session(job: Job, days: Days) -> Story:
    """Waits for Anita Desai since 10:58."""
    _cast(job, "Hannah Cole", "Wei Zhang")
    yield from _planned(job, {0: ("identity-admin", 482), 1: ("session-service", 119)})
    yield days.before("16:42")
    job.open_crq()
    yield days.at("09:02")
    job.review(by=_person(job, "Tomás Rivera"))
    yield days.at("09:14")
    job.review()
    yield days.at("09:24")
    job.attach(Kind.TESTS)
    yield days.at("09:31")
    job.attach(Kind.JUSTIFICATION)
    yield days.at("09:33")
    job.attach(Kind.TESTS, version=2)
    yield days.at("10:12")
    job.attach(Kind.PLAN)
    yield days.at("10:41")
    job.merge()
    yield days.at("10:58")
    job.core_dev()


def _intake(job: Job, days: Days) -> Story:
    """One pull request still needs its review; one document is there."""
    _cast(job, "Marcus Oyelaran", "Daniel Weiss")
    yield from _planned(job, {1: ("claims-intake", 1207)})
    yield days.before("15:20")
    job.open_crq()
    yield days.before("16:05")
    job.review(leave_out=(1,))
    yield days.at("10:04")
    job.attach(Kind.JUSTIFICATION)


def _ledger(job: Job, days: Days) -> Story:
    """Reviewed, and without a CRQ."""
    _cast(job, "Lena Fischer", "Jonas Berg")
    yield from _planned(job)
    yield days.at("10:20")
    job.review()


def _address(job: Job, days: Days) -> Story:
    """Merged, but core dev refuses it."""
    _cast(job, "Sofia Marino", "Marcus Oyelaran")
    yield from _planned(job)
    yield days.before("11:30")
    job.open_crq()
    yield days.before("13:10")
    job.review()
    yield days.before("14:45")
    job.attach(Kind.JUSTIFICATION)
    yield days.before("15:02")
    job.attach(Kind.TESTS)
    yield days.at("09:48")
    job.attach(Kind.PLAN)
    yield days.at("10:35")
    job.merge()
    yield days.at("11:02")
    job.core_dev("failed")


def _retry(job: Job, days: Days) -> Story:
    """Added after the plan went out; everything but the test results."""
    _cast(job, "Priya Raman", "Erik Dahl", "Ivan Petrov")
    yield days.before("11:05")
    job.submit()
    yield days.before("11:40")
    job.plan()
    yield days.before("14:10")
    job.review()
    yield days.before("14:32")
    job.open_crq()
    yield days.before("15:15")
    job.attach(Kind.JUSTIFICATION)
    yield days.at("08:55")
    job.attach(Kind.PLAN)
    yield days.at("09:40")
    job.merge()
    yield days.at("10:26")
    job.core_dev()


def _approved(job: Job, days: Days, wall: str) -> Story:
    """Ready for Thursday."""
    yield from _planned(job)
    yield days.before("09:50")
    job.review()
    yield days.before("10:30")
    job.open_crq()
    yield days.before("11:20")
    job.attach(Kind.JUSTIFICATION)
    job.attach(Kind.TESTS)
    yield days.before("15:30")
    job.attach(Kind.PLAN)
    yield days.at("09:05")
    job.merge()
    yield days.at("09:50")
    job.core_dev()
    yield days.at(wall)
    job.approve()


def _statement(job: Job, days: Days) -> Story:
    """Missed last week's approval and was moved here; waits for Samuel Ortiz since 9:20."""
    _cast(job, "Lena Fischer", "Amara Nwosu")
    yield from proposed(job)
    yield job.studio.diary.between(due(job.week, Deadline.PLAN_EMAIL), due(job.week, Deadline.CUTOFF, hours=-5))
    job.open_crq()
    yield from documented(job)
    yield from staged(job)
    yield due(job.week, Deadline.APPROVAL, hours=17, minutes=20)
    job.move("Samuel was ill on Tuesday and nobody else could approve.", by=job.studio.organisation.scrum_master)
    yield days.before("16:20")
    job.merge()
    yield days.at("09:20")
    job.core_dev()


def _put_off(job: Job, days: Days) -> Story:
    """In the plan that went out, and moved a week since."""
    yield from _planned(job)
    yield days.before("14:21")
    job.move("The bank's sandbox is down until Wednesday.")


def _next_week(job: Job, at: datetime) -> Story:
    yield at - timedelta(minutes=35)
    job.submit()
    yield at
    job.plan()


def _queued(job: Job, at: datetime) -> Story:
    """Submitted for tomorrow's review, nothing more."""
    yield at
    job.submit()
