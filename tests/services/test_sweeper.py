"""The sweeper is killed, doubled, or hours late: each deadline is enforced once, in order, as of its instant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crq.announcing import ANNOUNCEMENT
from crq.deadlines import JUDGED, enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import ExemptionRequest, Snapshot
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, Milestone, ReleaseWeek, Repository
from deployments.policy import Deadline
from notifications.models import Email, Letter
from tests.cast import Cast
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage, a_week, moment
from tests.support.starts import environment_of_test, go, waiting
from workflow import clock
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Refused

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

SWEEPER = Path(__file__).with_name("sweeper.py")
KILLED = -9
WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: a switch turns it off"}
POINTS = [
    ("before claim", "cutoff"),
    ("after claim", "cutoff"),
    ("after snapshots", "cutoff"),
    ("after hold", "cutoff"),
    ("after commit", "cutoff"),
    ("after effects", "plan_email"),
    ("after hold", "approval"),
    ("after effects", "approval"),
    ("after effects", "exemption_close"),
    ("after effects", "install_close"),
    ("after commit", "install_close"),
]


@pytest.fixture
def environment(transactional_db: None) -> dict[str, str]:
    return environment_of_test()


def past(week: ReleaseWeek, at: datetime) -> None:
    """All deadlines of the week are over, a minute apart, in their order."""
    order = list(Deadline)
    for milestone in week.milestones.all():
        milestone.due_at = at - timedelta(minutes=len(order) - order.index(Deadline(milestone.key)))
        milestone.save(update_fields=["due_at"])


def ahead(week: ReleaseWeek, at: datetime) -> None:
    for number, milestone in enumerate(week.milestones.all()):
        milestone.due_at = at + timedelta(days=7, hours=number)
        milestone.save(update_fields=["due_at"])


def a_busy_week() -> ReleaseWeek:
    """One cleared, one ready, one with an open request, one hardly begun; every deadline is over by the real clock."""
    with clock.frozen(EARLY):
        cleared, ready, asking, begun = stages = _teams_of(Cast.assemble(), a_week())
        week = cleared.week
        following = a_week(week.thursday + timedelta(weeks=1))
        cleared.cleared()
        ready.ready()
        crq = asking.open_crq(asking.plan("Asks for an exemption"))
        begun.plan("Hardly begun")
    with clock.frozen(moment(week, "cutoff", hours=-1)):
        begin(EXEMPTION, "request", ExemptionRequest(crq=crq, **WORDS), by=stages[0].cast.manager)
    now = clock.now()
    past(week, now)
    ahead(following, now)
    return week


def _teams_of(cast: Cast, week: ReleaseWeek) -> list[Stage]:
    """The cast with four applications of its team."""
    repositories: list[Repository] = [cast.repository]
    repositories += [RepositoryFactory(application__team=cast.team) for _ in range(3)]
    return [Stage(replace(cast, repository=each), week, each.application) for each in repositories]


def faults(weeks: list[ReleaseWeek], deployments: int) -> list[str]:
    """What is missing or there twice after every deadline of these weeks was enforced; `deployments` were in each."""
    milestones = Milestone.objects.filter(week__in=weeks)
    found = [f"{each} is not enforced" for each in milestones.filter(enforced_at=None)]
    enforced = Counter(Event.objects.filter(action="enforce").values_list("object_id", flat=True))
    found += [f"{each} was enforced {enforced[each.pk]} times" for each in milestones if enforced[each.pk] != 1]
    for milestone in milestones.filter(key__in=JUDGED):
        if (taken := Snapshot.objects.filter(milestone=milestone).count()) != deployments:
            found.append(f"{milestone} has {taken} snapshots of {deployments}")
    holds = Counter(Event.objects.filter(action="hold").values_list("object_id", flat=True))
    found += [f"deployment {pk} was held {times} times" for pk, times in holds.items() if times > 1]
    letters = Counter(Letter.objects.values_list("kind", "subject", "text"))
    found += [
        f"{kind} was written {times} times: {subject}" for (kind, subject, _), times in letters.items() if times > 1
    ]
    emails = Counter(Email.objects.values_list("letter", "to"))
    return found + [f"letter {letter} goes to {to} twice" for (letter, to), times in emails.items() if times > 1]


# --- Killed --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("point", "key"), POINTS, ids=lambda word: str(word).replace(" ", "-"))
def test_what_a_killed_sweeper_left_the_next_one_does_once(environment: dict[str, str], point: str, key: str) -> None:
    week = a_busy_week()
    with waiting(SWEEPER, environment, point, key) as process:
        assert go(process) == [""]
        assert process.returncode == KILLED

    enforce(clock.now())

    assert faults([week], deployments=4) == []
    assert Event.objects.filter(action="hold").count() == 4
    assert Event.objects.filter(action="lapse").count() == 1
    assert Event.objects.filter(action="move").count() == 4
    sent = Event.objects.filter(object_type=ANNOUNCEMENT.name, action="send")
    assert [each.data["edition"] for each in sent] == ["final", "first"]


def test_killed_a_hundred_times_at_random(environment: dict[str, str]) -> None:
    weeks = several_weeks(8, 2)

    with waiting(SWEEPER, environment, "chaos") as process:
        [written] = go(process)
        assert process.returncode == 0

    assert int(written) >= 10, f"Killed only {written} times: no proof."
    assert faults(weeks, deployments=2) == []


# --- Two at once ---------------------------------------------------------------------------------------------
def several_weeks(weeks: int, deployments: int) -> list[ReleaseWeek]:
    """Weeks with this many deployments each, whose deadlines are all over; nothing is open to be moved to."""
    cast = Cast.assemble()
    applications = [ApplicationFactory(team=cast.team) for _ in range(deployments)]
    made = [a_week(EARLY.date() + timedelta(days=3, weeks=number)) for number in range(weeks)]
    with clock.frozen(EARLY):
        for week in made:
            for application in applications:
                Stage(cast, week, application).plan(f"{application} in the {week}")
    now = clock.now()
    for number, week in enumerate(made):
        past(week, now - timedelta(hours=len(made) - number))
    return made


def test_two_sweepers_at_once_do_everything_once(environment: dict[str, str]) -> None:
    weeks = several_weeks(5, 6)

    with waiting(SWEEPER, environment) as first, waiting(SWEEPER, environment) as second:
        assert go(first, second) == ["", ""]
        assert (first.returncode, second.returncode) == (0, 0)

    assert faults(weeks, deployments=6) == []
    assert Event.objects.filter(action="hold").count() == 30
    told = Email.objects.filter(letter__kind="deadline_missed")
    assert told.count() == 5 * 5  # one digest a week for two developers, two managers and Maya


# --- Late ----------------------------------------------------------------------------------------------------
@pytest.fixture
def stage(transactional_db: None) -> Stage:
    with clock.frozen(EARLY):
        return Stage(Cast.assemble(), a_week())


def test_nine_hours_late_both_deadlines_are_enforced_in_order_as_of_their_instants(stage: Stage) -> None:
    """Nobody did anything meanwhile, so the state is that of the instants."""
    with clock.frozen(EARLY):
        deployment = stage.ready()
    late = moment(stage.week, "cutoff", hours=9)

    with clock.frozen(late):
        done = enforce(late)

    judged = [each.milestone.key for each in done if each.milestone.key in JUDGED]
    assert judged == [Deadline.CUTOFF, Deadline.APPROVAL]
    cutoff, approval = Snapshot.objects.order_by("milestone__due_at")
    assert (cutoff.missing, cutoff.status) == ([], "planned")
    assert (approval.missing, approval.status) == (["approved"], "planned")
    assert stage.fresh(deployment).held_reason == "Not done by Tue Dec 8, 5:00 pm ET: CRQ approved."
    enforced = Event.objects.filter(action="enforce").order_by("pk").values_list("data__key", flat=True)
    assert list(enforced) == ["code_review", "plan_email", "cutoff", "approval"]


def test_a_fact_recorded_after_the_instant_is_late_although_no_sweeper_runs(stage: Stage) -> None:
    """The CRQ comes 10 minutes after the cutoff; the sweeper only at night. The first action after it settles first."""
    with clock.frozen(EARLY):
        deployment = stage.planned()
    with clock.frozen(moment(stage.week, "cutoff", minutes=10)):
        stage.open_crq(deployment)
        assert stage.fresh(deployment).status == Deployment.Status.HELD
    with clock.frozen(moment(stage.week, "cutoff", hours=9)):
        enforce(clock.now())

    cutoff = Snapshot.objects.get(milestone__key="cutoff")
    assert cutoff.missing == ["crq"]
    assert cutoff.taken_at == moment(stage.week, "cutoff", minutes=10)
    assert Event.objects.filter(action="hold").count() == 1


def test_a_late_approval_leaves_the_same_record_as_if_the_sweeper_had_been_there(stage: Stage) -> None:
    with clock.frozen(EARLY):
        deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", microseconds=1)), pytest.raises(Refused, match="Approval was due"):
        perform(CRQ_FLOW, "approve", deployment.crq, by=stage.cast.manager)
    with clock.frozen(moment(stage.week, "approval", hours=9)):
        enforce(clock.now())

    assert Snapshot.objects.get(milestone__key="approval").missing == ["approved"]
    assert Event.objects.filter(action="hold").count() == 1
    # One digest for the Scrum Master and one for the team, each to a person once.
    missed = Email.objects.filter(letter__kind="deadline_missed").values_list("to", flat=True)
    assert len(missed) == len(set(missed)) == 5


def test_what_was_moved_away_before_a_late_sweep_is_still_judged_by_the_week_it_left(stage: Stage) -> None:
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    with clock.frozen(EARLY):
        deployment = stage.plan()
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, reason="Not ready", week=following)
    with clock.frozen(moment(stage.week, "approval", hours=9)):
        enforce(clock.now())

    judged = Snapshot.objects.order_by("milestone__due_at").values_list("milestone__week", "milestone__key")
    assert list(judged) == [(stage.week.pk, "cutoff"), (stage.week.pk, "approval")]
    assert Deployment.objects.get().status == Deployment.Status.PLANNED
