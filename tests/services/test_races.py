"""In the same instant: a person against the deadline, and two persons against each other, on real connections."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any, Self

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction

from accounts.models import User
from crq import announcing, effects
from crq.announcing import ANNOUNCEMENT, draft
from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Announcement, Decision, ExemptionRequest, Snapshot
from crq.readiness import Facts
from deployments import planning
from deployments.flow import DEPLOYMENT, PULL_REQUEST, WEEK
from deployments.models import Deployment, Milestone, PullRequest, ReleaseWeek
from deployments.weeks import open_week
from notifications.models import Email, Letter
from tests.api.programs import Program
from tests.cast import Cast
from tests.factories import ApplicationFactory
from tests.stages import EARLY, PDF, Stage, a_week, moment
from tests.support import services
from tests.support.threads import at_once
from workflow import clock
from workflow import models as audit
from workflow.machine import begin, perform
from workflow.steps import Flow, Refused

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

TRIALS = 200
LEAD = timedelta(milliseconds=60)
WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: a switch turns it off"}


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    """The cast in the week; unlike in the suite's own `stage`, rows are committed, and the clock runs."""
    with clock.frozen(EARLY):
        return Stage(Cast.assemble(), a_week())


@pytest.fixture
def postgres() -> None:
    if connection.vendor != "postgresql":
        services.missing("PostgreSQL as the test database", "TEST_DATABASE=postgres")


# --- The deadline --------------------------------------------------------------------------------------------
@dataclass
class Trial:
    """One approval around one instant, and what was left when both were done."""

    due: datetime
    released_at: datetime | None
    approved_at: datetime | None
    status: str
    crq: str
    missing: list[str]
    holds: int

    @property
    def faults(self) -> list[str]:
        approved = self.approved_at is not None
        late_lock = self.released_at is not None and self.released_at > self.due
        found = {
            "approved after the deadline": approved and self.approved_at > self.due,  # type: ignore[operator]
            "approved although its turn came after the deadline": approved and late_lock,
            "approved and held": approved and (self.holds > 0 or self.status == "held"),
            "left undecided": self.status not in {"cleared", "held"},
            "CRQ and deployment disagree": (self.crq == "approved") != (self.status == "cleared"),
            "the snapshot disagrees": ("approved" in self.missing) == approved,
            "held twice": self.holds > 1,
        }
        return [fault for fault, is_so in found.items() if is_so]


class Arena:
    """One ready deployment that meets a new `approval` deadline in every trial, each in a week of its own."""

    def __init__(self, stage: Stage) -> None:
        self.threads = {name: ThreadPoolExecutor(1) for name in ("editor", "manager", "sweeper")}
        self.cast = stage.cast
        with clock.frozen(EARLY):
            self.deployment = stage.ready()
        self.crq = self.deployment.crq
        Milestone.objects.update(due_at=datetime(2999, 1, 1, tzinfo=UTC))
        self.weeks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self.threads.values():
            thread.submit(connections.close_all).result(10)
            thread.shutdown()

    def run(self, lead: timedelta, *, editor: bool, clock_before_lock: bool = False) -> Trial:
        """The approval is asked for `lead` before the instant, while a sweeper looks from just before it.

        An `editor` holds the row from before the approval is asked for until after the instant.
        """
        milestone = self._new_deadline()
        before = audit.Event.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        decisions = Decision.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        due = time.monotonic() + (milestone.due_at - clock.now()).total_seconds()
        holding = Event()
        editing = self.threads["editor"].submit(self._edit, due, holding) if editor else None
        asked = due - lead.total_seconds()
        asking = self.threads["manager"].submit(self._approve, asked, holding if editor else None, clock_before_lock)
        sweeping = self.threads["sweeper"].submit(self._sweep, due - 0.002, milestone)
        released_at = editing.result(30) if editing else None
        asking.result(30)
        sweeping.result(30)
        return self._outcome(milestone, released_at, before, decisions)

    def _new_deadline(self) -> Milestone:
        self.weeks += 1
        thursday = EARLY.date() + timedelta(weeks=52 + self.weeks)
        week = ReleaseWeek.objects.create(thursday=thursday, install_day=thursday)
        self.crq.decisions.filter(voided_at=None).update(voided_at=clock.now(), voided_because="The next trial")
        CRQ.objects.update(status="open")
        Deployment.objects.update(week=week, status="planned", held_at=None, held_reason="")
        return Milestone.objects.create(week=week, key="approval", due_at=clock.now() + LEAD)

    def _edit(self, due: float, holding: Event) -> datetime:
        """Somebody else's transaction on the same row; returns when it let go, by the database's clock."""
        _sleep_until(due - 0.03)
        with transaction.atomic():
            DEPLOYMENT.lock(self.deployment.pk)
            holding.set()
            _sleep_until(due + 0.01)
            return clock.now()

    def _approve(self, start: float, after: Event | None, clock_before_lock: bool) -> None:
        _sleep_until(start)
        if after:
            after.wait(10)
        frozen = clock.frozen(clock.now()) if clock_before_lock else nullcontext()
        with frozen, suppress(Refused):
            perform(CRQ_FLOW, "approve", self.crq, by=self.cast.manager)

    def _sweep(self, start: float, milestone: Milestone) -> None:
        """Looks again and again, as beat would, until the deadline is written down."""
        _sleep_until(start)
        while not Milestone.objects.exclude(enforced_at=None).filter(pk=milestone.pk).exists():
            enforce(clock.now())
            assert time.monotonic() < start + 20, "The deadline was not enforced."

    def _outcome(self, milestone: Milestone, released_at: datetime | None, before: int, decisions: int) -> Trial:
        deployment = Deployment.objects.select_related("crq").get(pk=self.deployment.pk)
        approval = self.crq.decisions.filter(pk__gt=decisions, verdict="approved").first()
        return Trial(
            due=milestone.due_at,
            released_at=released_at,
            approved_at=approval.at if approval else None,
            status=deployment.status,
            crq=deployment.crq.status,
            missing=Snapshot.objects.get(milestone=milestone).missing,
            holds=audit.Event.objects.filter(pk__gt=before, object_type="deployment", action="hold").count(),
        )


def _sleep_until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.monotonic()))


@pytest.mark.usefixtures("postgres")
def test_an_approval_at_the_deadline_is_in_time_or_late_and_never_both(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """200 trials by the real clock; in every fourth somebody else holds the row across the instant."""
    leads = random.Random(5)
    with Arena(stage) as arena:
        trials = []
        for number in range(TRIALS):
            editor = number % 4 == 3
            lead = 20 if editor else 50 if number % 4 == 0 else leads.uniform(-5, 40)
            trials.append(arena.run(timedelta(milliseconds=lead), editor=editor))

    assert [(number, trial.faults) for number, trial in enumerate(trials) if trial.faults] == []
    outcomes = Counter(trial.status for trial in trials)
    assert outcomes["cleared"] >= TRIALS // 20, "Too few approvals were in time for a race."
    assert outcomes["held"] >= TRIALS // 4, "Too few approvals were late for a race."
    assert "Could not enforce" not in caplog.text


@pytest.mark.usefixtures("postgres")
def test_the_trials_notice_a_clock_that_is_read_before_the_lock(stage: Stage) -> None:
    with Arena(stage) as arena:
        trials = [arena.run(timedelta(milliseconds=20), editor=True, clock_before_lock=True) for _ in range(10)]
    assert any("approved although its turn came after the deadline" in trial.faults for trial in trials)


# --- The double click ----------------------------------------------------------------------------------------
Click = Callable[[], Any]


@dataclass
class Outcome:
    """What two clicks came to: who won, what the others were told, and what was written since."""

    won: list[Any]
    refused: list[Refused]
    events: Counter[str]
    letters: list[tuple[str, str]]

    @property
    def tally(self) -> tuple[int, int]:
        return len(self.won), len(self.refused)


class Clicks:
    """Two people do something in the same instant, at a moment of the stage's week."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def __call__(self, *clicks: Click, behind: Any, at: datetime = EARLY) -> Outcome:
        """`behind` is what both wait for: the locked object, or None where nothing is there to lock yet."""
        events = audit.Event.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        emails = Email.objects.order_by("pk").values_list("pk", flat=True).last() or 0
        rows = behind and type(behind)._default_manager.filter(pk=behind.pk)
        results = at_once(*clicks, behind=rows, at=at)
        refused = [each for each in results if isinstance(each, Refused)]
        assert all(str(each).endswith(".") for each in refused), "A refusal is a sentence."
        return Outcome(
            won=[each for each in results if not isinstance(each, Refused)],
            refused=refused,
            events=Counter(audit.Event.objects.filter(pk__gt=events).values_list("action", flat=True)),
            letters=list(Email.objects.filter(pk__gt=emails).values_list("letter__kind", "to")),
        )


@pytest.fixture
def clicks(stage: Stage) -> Clicks:
    return Clicks(stage)


def does(flow: Flow, action: str, obj: Any, by: User, **given: Any) -> Click:
    return lambda: perform(flow, action, obj, by=by, **given)


def each_once(letters: list[tuple[str, str]]) -> bool:
    return len(set(letters)) == len(letters)


def chained(flow: Flow, obj: Any) -> bool:
    """Each event of the object begins with the status in which the one before left it, up to the present one."""
    trail = list(
        audit.Event.objects.filter(object_type=flow.name, object_id=obj.pk)
        .order_by("pk")
        .values_list("before", "after")
    )
    links = [after for _, after in trail[:-1]] == [before for before, _ in trail[1:]]
    return links and trail[-1][1] == type(obj)._default_manager.get(pk=obj.pk).status


def early(make: Callable[[], Any]) -> Any:
    """What a stage makes on its Monday."""
    with clock.frozen(EARLY):
        return make()


def test_approve_twice(stage: Stage, clicks: Clicks) -> None:
    crq = early(stage.ready).crq
    approvals = [does(CRQ_FLOW, "approve", crq, by) for by in (stage.cast.manager, stage.cast.second_manager)]

    outcome = clicks(*approvals, behind=crq.deployment)

    assert outcome.tally == (1, 1)
    assert outcome.refused[0].refusal.code == "done"
    assert outcome.events == {"approve": 1, "clear": 1}
    assert Decision.objects.get().voided_at is None


def test_approve_and_return(stage: Stage, clicks: Clicks) -> None:
    """Both are possible in either order, and the second one's word stands."""
    crq = early(stage.ready).crq

    outcome = clicks(
        does(CRQ_FLOW, "approve", crq, stage.cast.manager),
        does(CRQ_FLOW, "return", crq, stage.cast.second_manager, reason="The plan is thin"),
        behind=crq.deployment,
    )

    assert outcome.tally == (2, 0)
    assert outcome.events["approve"] == outcome.events["return"] == 1
    assert each_once(outcome.letters)
    crq, deployment = CRQ.objects.get(), Deployment.objects.get()
    assert (crq.status, deployment.status) in {("approved", "cleared"), ("open", "planned")}
    assert Decision.objects.filter(verdict="approved", voided_at=None).count() == (crq.status == "approved")
    assert chained(CRQ_FLOW, crq)
    assert chained(DEPLOYMENT, deployment)


def _asked(stage: Stage, *, approve: bool = True) -> ExemptionRequest:
    """A request for what missed the approval, an hour after it."""
    deployment = early(stage.ready)
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        enforce(clock.now())
        request = ExemptionRequest(crq=deployment.crq, **WORDS)
        asked: ExemptionRequest = begin(EXEMPTION, "request", request, by=stage.cast.manager, approve=approve)
    return asked


def test_grant_and_deny(stage: Stage, clicks: Clicks) -> None:
    request = _asked(stage)

    outcome = clicks(
        does(EXEMPTION, "grant", request, stage.cast.director, reason="Go"),
        does(EXEMPTION, "deny", request, stage.cast.director, reason="It can wait"),
        behind=request.crq.deployment,
        at=moment(stage.week, "approval", hours=2),
    )

    assert outcome.tally == (1, 1)
    assert outcome.events["grant"] + outcome.events["deny"] == 1
    assert each_once(outcome.letters)
    status = ExemptionRequest.objects.get().status
    assert (status, Deployment.objects.get().status) in {("granted", "cleared"), ("denied", "held")}


def test_ask_for_an_exemption_twice(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.ready)
    at = moment(stage.week, "approval", hours=1)
    with clock.frozen(at):
        enforce(clock.now())
    managers = (stage.cast.manager, stage.cast.second_manager)

    outcome = clicks(
        *(
            lambda by=by: begin(EXEMPTION, "request", ExemptionRequest(crq=deployment.crq, **WORDS), by=by)
            for by in managers
        ),
        behind=deployment,
        at=at,
    )

    assert outcome.tally == (1, 1)
    assert outcome.events == {"request": 1}
    assert each_once(outcome.letters)


def test_start_twice(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.cleared)
    stage.complete_batch()
    starts = [does(DEPLOYMENT, "start", deployment, by) for by in (stage.cast.devops, stage.cast.second_devops)]

    outcome = clicks(*starts, behind=deployment, at=moment(stage.week, "install", minutes=5))

    assert outcome.tally == (1, 1)
    assert outcome.refused[0].refusal.code == "done"
    assert outcome.events["start"] == 1


def test_finish_and_fail(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.installing)

    outcome = clicks(
        does(DEPLOYMENT, "finish", deployment, stage.cast.devops),
        does(DEPLOYMENT, "fail", deployment, stage.cast.second_devops, reason="Out of disk"),
        behind=deployment,
        at=moment(stage.week, "install", minutes=20),
    )

    assert outcome.tally == (1, 1)
    assert outcome.events["finish"] + outcome.events["fail"] == 1
    assert each_once(outcome.letters)
    assert chained(DEPLOYMENT, deployment)


def test_verify_twice(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.installed)
    verifications = [does(DEPLOYMENT, "verify", deployment, by) for by in (stage.cast.developer, stage.cast.reviewer)]

    outcome = clicks(*verifications, behind=deployment, at=moment(stage.week, "install", minutes=40))

    assert outcome.tally == (1, 1)
    assert outcome.events == {"verify": 1, "close": 1}


def test_withdraw_and_move(stage: Stage, clicks: Clicks) -> None:
    """Withdrawn first, there is nothing to move; moved first, it is withdrawn from the new week."""
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    deployment = early(stage.cleared)

    outcome = clicks(
        does(DEPLOYMENT, "withdraw", deployment, stage.cast.developer, reason="Not needed"),
        does(DEPLOYMENT, "move", deployment, stage.cast.manager, reason="Not ready", week=following),
        behind=deployment,
    )

    assert outcome.tally in {(1, 1), (2, 0)}
    assert outcome.events["withdraw"] == 1
    assert outcome.events["move"] == len(outcome.won) - 1
    assert each_once(outcome.letters)
    assert Deployment.objects.get().status == "withdrawn"
    assert CRQ.objects.get().closure == "withdrawn"
    assert PullRequest.objects.get().status == "submitted"
    assert chained(DEPLOYMENT, deployment)


def test_plan_the_same_application_twice(stage: Stage, clicks: Clicks) -> None:
    people = (stage.cast.developer, stage.cast.scrum_master)
    new = [Deployment(application=stage.application, week=stage.week, title=f"By {by.name}") for by in people]

    outcome = clicks(
        *(lambda obj=obj, by=by: begin(DEPLOYMENT, "plan", obj, by=by) for obj, by in zip(new, people, strict=True)),
        behind=stage.week,
    )

    assert outcome.tally == (1, 1)
    assert "already has a deployment" in str(outcome.refused[0])
    assert outcome.events == {"plan": 1}


def test_move_two_deployments_of_an_application_into_one_week(stage: Stage, clicks: Clicks) -> None:
    second, third = (a_week(stage.week.thursday + timedelta(weeks=n)) for n in (1, 2))
    deployments = [early(Stage(stage.cast, week).plan) for week in (stage.week, second)]

    outcome = clicks(
        *(does(DEPLOYMENT, "move", each, stage.cast.manager, reason="Later", week=third) for each in deployments),
        behind=third,
    )

    assert outcome.tally == (1, 1)
    assert outcome.events == {"move": 1}
    assert Deployment.objects.filter(week=third).count() == 1


def test_plan_one_pull_request_into_two_weeks(stage: Stage, clicks: Clicks) -> None:
    second = a_week(stage.week.thursday + timedelta(weeks=1))
    deployments = [early(Stage(stage.cast, week).plan) for week in (stage.week, second)]
    pull_request = early(stage.submit)

    outcome = clicks(
        *(does(PULL_REQUEST, "plan", pull_request, stage.cast.developer, deployment=each) for each in deployments),
        behind=pull_request,
    )

    assert outcome.tally == (1, 1)
    assert outcome.events == {"plan": 1}
    assert PullRequest.objects.get().deployment is not None


def test_open_the_crq_twice(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.planned)
    people = (stage.cast.developer, stage.cast.reviewer)

    outcome = clicks(
        *(lambda by=by: begin(CRQ_FLOW, "open", CRQ(deployment=deployment), by=by) for by in people), behind=deployment
    )

    assert outcome.tally == (1, 1)
    assert "has its CRQ already" in str(outcome.refused[0])
    assert outcome.events == {"open": 1}


@pytest.mark.usefixtures("postgres")  # SQLite has one writer at a time, so nobody reads the number in between
def test_two_crqs_reach_for_one_number(stage: Stage, clicks: Clicks, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ApplicationFactory(team=stage.cast.team)
    deployments = [early(stage.plan), early(Stage(stage.cast, stage.week, other).plan)]
    both_have_read = Barrier(2)
    monkeypatch.setattr(effects, "own_number", lambda pk: ["CRQ000000418001", both_have_read.wait(10)][0])

    outcome = clicks(
        *(
            lambda each=each: begin(CRQ_FLOW, "open", CRQ(deployment=each), by=stage.cast.developer)
            for each in deployments
        ),
        behind=None,
    )

    assert outcome.tally == (1, 1)
    assert "CRQ000000418001 is" in str(outcome.refused[0])
    assert outcome.events == {"open": 1}


def _attach(stage: Stage, crq: CRQ, content: bytes) -> Click:
    upload = SimpleUploadedFile("tests.pdf", PDF + content, "application/pdf")
    return does(CRQ_FLOW, "attach_tests", crq, stage.cast.developer, kind="tests", file=upload, name="tests.pdf")


def test_attach_two_versions(stage: Stage, clicks: Clicks) -> None:
    crq = early(stage.with_crq).crq

    outcome = clicks(_attach(stage, crq, b"one"), _attach(stage, crq, b"two"), behind=crq.deployment)

    assert outcome.tally == (2, 0)
    assert sorted(crq.documents.values_list("version", flat=True)) == [1, 2]
    assert outcome.events == {"attach_tests": 2}


def test_attach_the_same_file_twice(stage: Stage, clicks: Clicks) -> None:
    crq = early(stage.with_crq).crq

    outcome = clicks(_attach(stage, crq, b"one"), _attach(stage, crq, b"one"), behind=crq.deployment)

    assert outcome.tally == (1, 1)
    assert crq.documents.count() == 1


def test_attach_and_approve(stage: Stage, clicks: Clicks) -> None:
    """Never an approval over content that was not looked at: either it is refused or the new version voids it."""
    crq = early(stage.ready).crq
    looked_at = stage.fresh(crq.deployment)
    digest = Facts.fresh(looked_at).digest

    outcome = clicks(
        does(CRQ_FLOW, "approve", crq, stage.cast.manager, digest=digest),
        _attach(stage, crq, b"new"),
        behind=crq.deployment,
    )

    assert outcome.tally in {(1, 1), (2, 0)}
    assert outcome.events["attach_tests"] == 1
    assert CRQ.objects.get().status == "open"
    assert Deployment.objects.get().status == "planned"
    assert not Decision.objects.filter(verdict="approved", voided_at=None).exists()
    assert each_once([letter for letter in outcome.letters if letter[0] != "approval_needed"])


def test_complete_the_batch_twice(stage: Stage, clicks: Clicks) -> None:
    early(stage.cleared)
    both = [does(WEEK, "complete_batch", stage.week, by) for by in (stage.cast.devops, stage.cast.second_devops)]

    outcome = clicks(*both, behind=stage.week, at=moment(stage.week, "install"))

    assert outcome.tally == (1, 1)
    assert outcome.events == {"complete_batch": 1}
    assert outcome.letters
    assert each_once(outcome.letters)


def test_send_an_announcement_twice(stage: Stage, clicks: Clicks) -> None:
    early(stage.cleared)
    announcement = early(lambda: draft(Announcement.Kind.PLANNED, stage.week))
    both = [does(ANNOUNCEMENT, "send", announcement, stage.cast.scrum_master)] * 2

    outcome = clicks(*both, behind=announcement)

    assert outcome.tally == (1, 1)
    assert outcome.refused[0].refusal.code == "done"
    assert outcome.letters
    assert each_once(outcome.letters)


def test_draft_an_announcement_twice(stage: Stage, clicks: Clicks) -> None:
    outcome = clicks(*[lambda: draft(Announcement.Kind.PLANNED, stage.week)] * 2, behind=None)

    assert outcome.tally == (2, 0)
    assert outcome.events == {"draft": 1}
    assert Announcement.objects.count() == 1


@pytest.mark.parametrize("door", ["flow", "planning"])
def test_submit_a_pull_request_twice(stage: Stage, clicks: Clicks, door: str) -> None:
    def unsaved() -> PullRequest:
        repository = stage.cast.repository
        url = f"{repository.url}/pull/7"
        return PullRequest(
            repository=repository, number=7, title="Seven", url=url, author=stage.cast.developer, head_sha="abc1234"
        )

    submit = {
        "flow": lambda: begin(PULL_REQUEST, "submit", unsaved(), by=stage.cast.developer),
        "planning": lambda: planning.submit(unsaved(), by=stage.cast.developer),
    }[door]

    outcome = clicks(submit, submit, behind=None)

    assert outcome.tally == (1, 1)
    assert "is in releaseflow already" in str(outcome.refused[0])
    assert outcome.events == {"submit": 1}


def test_send_one_request_of_a_program_twice(stage: Stage, clicks: Clicks) -> None:
    deployment = early(stage.ready)
    path = f"deployments/{deployment.pk}/actions/comment"
    with clock.frozen(EARLY):
        program = Program(stage.cast.developer)

    def comment() -> Any:
        return program.post(path, {"text": "Ready?"}, Idempotency_Key="comment-1")

    outcome = clicks(comment, comment, behind=None)

    first, second = outcome.won
    assert (first.status_code, first.content) == (200, second.content)
    assert {answer.get("Idempotency-Replayed") for answer in outcome.won} == {None, "true"}
    assert outcome.events == {"comment": 1}


def test_open_a_week_twice(stage: Stage, clicks: Clicks) -> None:
    thursday = stage.week.thursday + timedelta(weeks=2)

    outcome = clicks(*[lambda: open_week(thursday)] * 2, behind=None)

    assert sorted(week is not None for week in outcome.won) == [False, True]
    assert ReleaseWeek.objects.get(thursday=thursday).milestones.count() == 7
    assert outcome.events == {"open": 1, "schedule": 1}


# --- A person and the sweeper --------------------------------------------------------------------------------
def test_the_sweeper_and_a_person_judge_a_deployment_once(
    stage: Stage, clicks: Clicks, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever looks first after the deadline takes the snapshot; the other finds it."""
    crq = early(stage.ready).crq
    late = moment(stage.week, "approval", seconds=1)

    outcome = clicks(
        lambda: enforce(clock.now()), does(CRQ_FLOW, "approve", crq, stage.cast.manager), behind=crq.deployment, at=late
    )

    assert outcome.tally == (1, 1)
    assert outcome.events["hold"] == 1
    assert each_once(outcome.letters)
    assert Snapshot.objects.filter(milestone__key="approval").count() == 1
    assert "Could not enforce" not in caplog.text


@pytest.mark.usefixtures("postgres")
def test_a_person_and_the_clock_send_the_plan_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The Scrum Master presses the button just when the sweeper has seen that nothing was sent."""
    early(stage.cleared)
    announcement = early(lambda: draft(Announcement.Kind.PLANNED, stage.week))
    at, pressed = moment(stage.week, "plan_email", seconds=1), Event()
    send = does(ANNOUNCEMENT, "send", announcement, stage.cast.scrum_master)

    def slowly(*given: Any) -> Announcement:
        pressed.set()
        time.sleep(0.3)
        return draft(*given)

    monkeypatch.setattr(announcing, "draft", slowly)

    def press() -> None:
        pressed.wait(10)
        send()

    results = at_once(lambda: enforce(clock.now()), press, at=at)

    assert [type(each) for each in results if isinstance(each, Exception)] in ([], [Refused])
    assert Announcement.objects.filter(status="sent").count() == 1
    assert Letter.objects.filter(kind="planned_deployments").count() == 1
    assert "Could not enforce" not in caplog.text


def while_waiting_past(due: datetime, work: Click, *, behind: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The work is asked for a second before the instant; its turn on the row comes a second after it."""
    present = [due - timedelta(seconds=1)]
    monkeypatch.setattr(clock, "now", lambda: present[0])

    def pass_by() -> None:
        present[0] = due + timedelta(seconds=1)

    return at_once(work, behind=type(behind)._default_manager.filter(pk=behind.pk), before_release=pass_by)[0]


@pytest.mark.usefixtures("postgres")
def test_a_pull_request_that_waited_past_the_cutoff_is_late(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment, pull_request = early(stage.ready), early(stage.submit)
    plan = does(PULL_REQUEST, "plan", pull_request, stage.cast.developer, deployment=deployment)

    answer = while_waiting_past(moment(stage.week, "cutoff"), plan, behind=deployment, monkeypatch=monkeypatch)

    assert isinstance(answer, Refused), "The scope changed after the cutoff, with a stamp from before it."


@pytest.mark.usefixtures("postgres")
def test_a_move_that_waited_past_the_cutoff_of_its_target_is_late(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    following, deployment = a_week(stage.week.thursday + timedelta(weeks=1)), early(stage.plan)
    move = does(DEPLOYMENT, "move", deployment, stage.cast.manager, reason="Later", week=following)

    answer = while_waiting_past(moment(following, "cutoff"), move, behind=following, monkeypatch=monkeypatch)

    assert isinstance(answer, Refused), "The deployment arrived after the cutoff, with a stamp from before it."


@pytest.mark.usefixtures("postgres")
def test_an_approval_that_waited_past_the_deadline_is_late(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    crq = early(stage.ready).crq
    approve = does(CRQ_FLOW, "approve", crq, stage.cast.manager)

    answer = while_waiting_past(moment(stage.week, "approval"), approve, behind=crq.deployment, monkeypatch=monkeypatch)

    assert isinstance(answer, Refused)
    assert Deployment.objects.get().status == "held"
