"""Two schedulers at once: each person is reminded, and each agenda sent, once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from accounts.models import Membership
from accounts.roles import Role
from crq.coverage import warn_coverage
from crq.models import Reminded
from crq.reminders import remind
from deployments.invitations import send_agendas
from deployments.models import CodeReview, Deployment
from notifications.models import Email, Letter
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week, moment
from tests.support.threads import at_once
from workflow import clock

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stage(transactional_db: None) -> Stage:
    return Stage(Cast.assemble(), a_week())


def copies(kind: str) -> list[int]:
    return list(Counter(Email.objects.filter(letter__kind=kind).values_list("to", flat=True)).values())


def test_two_schedulers_remind_once(stage: Stage) -> None:
    with clock.frozen(EARLY):
        stage.planned()
    now = moment(stage.week, "cutoff", hours=-2)

    written = at_once(*[lambda: remind(now)] * 3, at=now)

    assert sorted(written) == [0, 0, max(written)]
    assert copies("reminder") == [1, 1]
    assert Reminded.objects.filter(milestone__key="cutoff").count() == 1


def test_two_schedulers_warn_once_that_nobody_can_approve(stage: Stage) -> None:
    """Also without a letter that nobody gets, which the second one would have written in vain."""
    with clock.frozen(EARLY):
        stage.plan()
    Membership.objects.filter(role=Role.MANAGER).delete()
    now = moment(stage.week, "cutoff", hours=-2)

    warned = at_once(*[lambda: warn_coverage(now)] * 3, behind=Deployment.objects.all(), at=now)

    assert sorted(warned) == [0, 0, 1]
    assert Letter.objects.filter(kind="coverage_warning").count() == 1


def test_two_schedulers_send_the_agenda_once(stage: Stage) -> None:
    early = CodeReview.objects.get().at - timedelta(hours=3)

    sent = at_once(*[lambda: send_agendas(early)] * 3, at=early)

    assert sum(sent) == 1
    assert set(copies("review_agenda")) == {1}
