"""Rows are locked in one order, so that nobody waits in a circle; where it happens after all, it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from crq.models import CRQ
from deployments import planning
from deployments.flow import DEPLOYMENT, PULL_REQUEST, lock_deployment
from deployments.models import CodeReview, Deployment, PullRequest, ReleaseWeek
from deployments.schedule import NewClosedDays, apply, preview
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week
from tests.support import services
from tests.support.threads import at_once, wait_for_the_queue
from workflow import clock, transactions
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Call, Refused
from workflow.transactions import whole

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
WORK = Callable[[], Any]


@pytest.fixture(autouse=True)
def _postgres() -> None:
    if connection.vendor != "postgresql":
        services.missing("PostgreSQL as the test database", "TEST_DATABASE=postgres")


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    with clock.frozen(EARLY):
        return Stage(Cast.assemble(), a_week())


@pytest.fixture
def following(stage: Stage) -> ReleaseWeek:
    return a_week(stage.week.thursday + timedelta(weeks=1))


@pytest.fixture
def only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock is an error: nothing is tried again."""
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)


def together(behind: Any, *works: WORK) -> list[Any]:
    """All of them wait behind the same row; the first named is the first in its queue."""

    def in_turn(number: int, work: WORK) -> WORK:
        def begin_when_it_is_ones_turn() -> Any:
            wait_for_the_queue(number)
            return work()

        return begin_when_it_is_ones_turn

    queued = [in_turn(number, work) for number, work in enumerate(works)]
    return at_once(*queued, behind=type(behind)._default_manager.filter(pk=behind.pk), at=EARLY)


def outcomes(results: list[Any]) -> list[bool]:
    return [not isinstance(each, Refused) for each in results]


# --- One order -----------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("only_once")
def test_a_stale_plan_form_and_a_withdrawal(stage: Stage, following: ReleaseWeek) -> None:
    """The form still offers a pull request that was planned meanwhile, and now is being withdrawn."""
    with clock.frozen(EARLY):
        deployment = stage.ready()
        target = Stage(stage.cast, following).plan()
    pull_request = PullRequest.objects.get()

    results = together(
        pull_request,
        lambda: planning.change_scope(target, add=[pull_request], remove=[], by=stage.cast.developer),
        lambda: perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed"),
    )

    assert outcomes(results) == [False, True]
    assert Deployment.objects.get(pk=deployment.pk).status == "withdrawn"
    assert PullRequest.objects.get().status == "submitted"


@pytest.mark.usefixtures("only_once")
def test_a_stale_plan_form_and_a_move_into_the_same_week(stage: Stage, following: ReleaseWeek) -> None:
    other = stage.beside()
    with clock.frozen(EARLY):
        deployment = stage.ready()
    pull_request = PullRequest.objects.get()

    results = together(
        following,
        lambda: planning.plan_deployment(
            other.application, following, "Stale", [pull_request], by=stage.cast.developer
        ),
        lambda: perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, reason="Later", week=following),
    )

    assert outcomes(results) == [False, True]
    assert Deployment.objects.get().week == following


@pytest.mark.usefixtures("only_once")
def test_two_plans_of_each_others_pull_request(stage: Stage, following: ReleaseWeek) -> None:
    """Each adds a free one to its deployment and wants the one that the other's deployment contains."""
    with clock.frozen(EARLY):
        mine, theirs = stage.ready(), Stage(stage.cast, following).plan()
        theirs_pull = stage.join(theirs, stage.submit())
    my_pull = mine.pull_requests.get()

    results = together(
        mine,
        lambda: planning.change_scope(theirs, add=[my_pull], remove=[], by=stage.cast.developer),
        lambda: planning.change_scope(mine, add=[theirs_pull], remove=[], by=stage.cast.reviewer),
    )

    assert outcomes(results) == [False, False]


@pytest.mark.usefixtures("only_once")
def test_planning_one_and_changing_the_scope_with_the_same(stage: Stage) -> None:
    with clock.frozen(EARLY):
        deployment, free = stage.ready(), stage.submit()
    inside = deployment.pull_requests.get()

    results = together(
        deployment,
        lambda: perform(PULL_REQUEST, "plan", free, by=stage.cast.developer, deployment=deployment),
        lambda: planning.change_scope(deployment, add=[free], remove=[inside], by=stage.cast.reviewer),
    )

    assert outcomes(results) == [True, False]
    assert set(deployment.pull_requests.values_list("pk", flat=True)) == {free.pk, inside.pk}


@pytest.mark.usefixtures("only_once")
def test_a_review_decides_while_the_calendar_changes(stage: Stage, following: ReleaseWeek) -> None:
    """The decision plans into the week's deployment; the change of the calendar moves week, review and deployment."""
    with clock.frozen(EARLY):
        deployment = Stage(stage.cast, following).plan()
        free = stage.submit()
        wish = NewClosedDays(add=(closed_day(following),))
        digest = preview(wish, EARLY).digest
    review = CodeReview.objects.get(week=following)

    results = together(
        deployment,
        lambda: planning.decide(review, free, "planned", by=stage.cast.scrum_master),
        lambda: apply(wish, by=stage.cast.administrator, digest=digest),
    )

    assert outcomes(results) == [True, True]


def closed_day(week: ReleaseWeek) -> Any:
    from deployments.calendar import ClosedDay

    return ClosedDay(week.thursday - timedelta(days=2), "Founders' Day", "holiday")


# --- Tried again ---------------------------------------------------------------------------------------------
@pytest.fixture
def crossing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[Deployment, Deployment]:
    """Two deployments; whoever withdraws one waits, the first time, until the other is locked, and then wants it."""
    with clock.frozen(EARLY):
        pair = stage.ready(), stage.beside().ready()
    both, met = Barrier(2), set[int]()
    before = DEPLOYMENT.consequences["withdraw"]

    def cross(call: Call) -> None:
        before(call)
        if call.obj.pk in met:
            return
        met.add(call.obj.pk)
        both.wait(10)
        lock_deployment(pair[0].pk if call.obj.pk == pair[1].pk else pair[1].pk)

    monkeypatch.setitem(DEPLOYMENT.consequences, "withdraw", cross)
    return pair


def _withdrawals(stage: Stage, pair: tuple[Deployment, Deployment]) -> list[WORK]:
    return [
        lambda each=each: perform(DEPLOYMENT, "withdraw", each, by=stage.cast.developer, reason="Not needed")  # type: ignore[misc]
        for each in pair
    ]


def test_two_who_waited_for_each_other_both_succeed(
    stage: Stage, crossing: tuple[Deployment, Deployment], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "workflow.transactions")

    results = at_once(*_withdrawals(stage, crossing), at=EARLY)

    assert outcomes(results) == [True, True]
    assert "deadlock detected" in caplog.text, "There was none: no proof."
    assert Event.objects.filter(object_type="deployment", action="withdraw").count() == 2
    assert set(CRQ.objects.values_list("closure", flat=True)) == {"withdrawn"}


def test_who_has_to_give_up_for_good_reads_a_sentence(
    stage: Stage, crossing: tuple[Deployment, Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)

    results = at_once(*_withdrawals(stage, crossing), at=EARLY)

    [refused] = [each for each in results if isinstance(each, Refused)]
    assert refused.refusal.code == "busy"
    assert Deployment.objects.filter(status="withdrawn").count() == 1


def test_two_buttons_pressed_at_once_are_no_error_page(stage: Stage, crossing: tuple[Deployment, Deployment]) -> None:
    """Two people press the button in their browsers; neither sees an error page, and both are done."""

    def press(deployment: Deployment) -> int:
        browser = Client()
        browser.force_login(stage.cast.developer)
        status: int = browser.post(f"/act/deployment/{deployment.pk}/withdraw/", {"reason": "Not needed"}).status_code
        return status

    assert at_once(*(lambda each=each: press(each) for each in crossing), at=EARLY) == [302, 302]
    assert Deployment.objects.filter(status="withdrawn").count() == 2


def test_beginning_something_is_tried_again_as_well(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = iter([True, True, False])
    deployment = Deployment(application=stage.application, week=stage.week, title="Again")
    before = DEPLOYMENT.join

    def join(obj: Deployment) -> None:
        assert before is not None
        before(obj)
        if next(failures):
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '40001'; END $$")

    monkeypatch.setattr(DEPLOYMENT, "join", join)
    with clock.frozen(EARLY):
        begin(DEPLOYMENT, "plan", deployment, by=stage.cast.developer)

    assert Deployment.objects.get() == deployment
    assert Event.objects.filter(object_type="deployment").count() == 1


def test_inside_a_callers_transaction_the_caller_decides(stage: Stage) -> None:
    tries = []

    @whole
    def work() -> None:
        tries.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'as if' USING ERRCODE = '40P01'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        work()
    assert len(tries) == 1
    with pytest.raises(Refused):
        work()
    assert len(tries) == 1 + transactions.ATTEMPTS


def test_another_database_error_is_not_tried_again(transactional_db: None) -> None:
    tries = []

    @whole
    def work() -> None:
        tries.append(1)
        raise OperationalError("The disk is full")

    with pytest.raises(OperationalError):
        work()
    assert len(tries) == 1


def test_a_pull_request_that_changes_deployments_while_it_is_waited_for(
    stage: Stage, following: ReleaseWeek, only_once: None
) -> None:
    """It is locked anew from the start, with its new deployment first; here, with one attempt, it is a sentence."""
    with clock.frozen(EARLY):
        deployment, free = stage.ready(), stage.submit()

    results = together(
        free,
        lambda: planning.change_scope(deployment, add=[free], remove=[], by=stage.cast.developer),
        lambda: perform(PULL_REQUEST, "review", free, by=stage.cast.reviewer, verdict="approved"),
    )

    assert outcomes(results) == [True, False]
    assert results[1].refusal.code == "busy"
