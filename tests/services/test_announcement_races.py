"""An announcement on hold: taken back in the same instant in which its delivery begins, on real connections."""

from __future__ import annotations

import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from crq import announcing
from crq.announcing import ANNOUNCEMENT
from crq.announcing_clock import send_chosen, send_updates
from crq.models import Announcement
from deployments.flow import DEPLOYMENT
from notifications import delivery
from notifications.models import Email, Letter, Stakeholder
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week, moment
from tests.support import services
from tests.support.threads import at_once
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgres")]

Kind, Status = Announcement.Kind, Announcement.Status
TRIALS = 40
LEAVES = EARLY + timedelta(minutes=10)
JUST_BEFORE = LEAVES - timedelta(milliseconds=1)


@pytest.fixture
def postgres() -> None:
    if connection.vendor != "postgresql":
        services.missing("PostgreSQL as the test database", "TEST_DATABASE=postgres")


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    """The cast in the week with a committed deployment, and more readers than a delivery takes at once."""
    with clock.frozen(EARLY):
        stage = Stage(Cast.assemble(), a_week())
        stage.plan()
    Stakeholder.objects.bulk_create(Stakeholder(email=f"reader{n}@example.com") for n in range(30))
    return stage


def sent(stage: Stage, trial: int = 0) -> Announcement:
    with clock.frozen(EARLY + timedelta(microseconds=trial)):
        done: Announcement = perform(
            ANNOUNCEMENT, "send", announcing.draft(Kind.PLANNED, stage.week), by=stage.cast.scrum_master
        )
    return done


def take_back(stage: Stage, announcement: Announcement) -> Announcement:
    with clock.frozen(JUST_BEFORE):
        back: Announcement = perform(ANNOUNCEMENT, "take_back", announcement, by=stage.cast.scrum_master)
    return back


def test_it_is_taken_back_from_all_or_from_nobody(stage: Stage) -> None:
    outcomes: Counter[str] = Counter()
    for trial in range(TRIALS):
        mail.outbox.clear()
        announcement, early = sent(stage, trial), random.uniform(-0.02, 0.02)

        def deliver(pause: float = early) -> int:
            time.sleep(max(pause, 0))
            return delivery.deliver(lambda: LEAVES + timedelta(seconds=1)).sent

        def cancel(pause: float = early, announcement: Announcement = announcement) -> Announcement:
            time.sleep(max(-pause, 0))
            return take_back(stage, announcement)

        delivered, answer = at_once(deliver, cancel)
        rows = Email.objects.filter(letter=announcement.letter)
        is_refused = isinstance(answer, Refused)
        outcomes["refused" if is_refused else "taken back"] += 1
        assert delivered == len(mail.outbox) == (rows.count() if is_refused else 0)
        assert rows.exclude(cancelled_at=None).count() == (0 if is_refused else rows.count())
        assert Announcement.objects.get(pk=announcement.pk).status == (Status.SENT if is_refused else Status.DRAFT)
        if is_refused:
            Announcement.objects.filter(pk=announcement.pk).delete()

    assert set(outcomes) == {"refused", "taken back"}, outcomes


def test_a_delivery_that_has_just_begun_is_waited_for_and_seen(stage: Stage) -> None:
    announcement = sent(stage)
    rows = Email.objects.filter(letter=announcement.letter)

    def begin() -> None:
        delivery._lease(LEAVES, Email.objects.all())

    [answer] = at_once(lambda: take_back(stage, announcement), behind=rows, before_release=begin)

    assert isinstance(answer, Refused)
    begun = min(delivery.BATCH, rows.count())
    assert f"It has left for {begun} of {rows.count()} recipients already" in str(answer)
    assert not rows.exclude(cancelled_at=None).exists()


def test_two_take_it_back_once(stage: Stage) -> None:
    announcement = sent(stage)

    results = at_once(*[lambda: take_back(stage, announcement)] * 2)

    assert sorted(isinstance(each, Refused) for each in results) == [False, True]


def test_two_sweepers_send_at_the_chosen_time_once(stage: Stage) -> None:
    at = EARLY + timedelta(hours=1)
    with clock.frozen(EARLY):
        draft = announcing.draft(Kind.PLANNED, stage.week)
        perform(ANNOUNCEMENT, "schedule", draft, by=stage.cast.scrum_master, at=at)

    counts = at_once(*[lambda: send_chosen(at + timedelta(seconds=1))] * 2, at=at + timedelta(seconds=1))

    assert sorted(counts) in ([0, 1], [1, 0])
    assert Letter.objects.filter(kind=Kind.PLANNED).count() == 1


def test_two_sweepers_send_an_update_once(stage: Stage) -> None:
    with clock.frozen(EARLY):
        deployment = stage.beside().installed()
        first = announcing.draft(Kind.COMPLETION, deployment.week)
        perform(ANNOUNCEMENT, "send", first, by=None)
    late = moment(stage.week, "install_close", hours=1)
    with clock.frozen(moment(stage.week, "install", minutes=40)):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)
    stage.week.deployments.filter(status="planned").update(status="held", held_reason="-")

    counts = at_once(*[lambda: send_updates(late)] * 2, at=late)

    assert sorted(counts) == [0, 1]
    assert Letter.objects.filter(kind=Kind.COMPLETION).count() == 2
