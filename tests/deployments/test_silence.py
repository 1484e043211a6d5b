"""An install that nobody verifies is asked about again, once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from crq.deadlines import enforce
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from deployments.silence import remind_silence
from notifications.models import Letter
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused


def at(deployment: Deployment, **later: float) -> datetime:
    assert deployment.installed_at is not None
    return deployment.installed_at + timedelta(**later)


def remind(now: datetime) -> int:
    with clock.frozen(now):
        return remind_silence(now)


def asked() -> int:
    return Letter.objects.filter(kind="verify_needed").count()


def test_half_an_hour_of_silence_and_the_team_is_asked_again(stage: Stage) -> None:
    deployment = stage.installed()

    assert remind(at(deployment, minutes=30, seconds=-1)) == 0
    assert remind(at(deployment, minutes=30)) == 1

    assert asked() == 2
    assert stage.fresh(deployment).status == Deployment.Status.INSTALLED
    assert Event.objects.get(action="remind").actor is None
    assert "Grace Okafor installed it" in " ".join(Letter.objects.latest("pk").text.split())


def test_nobody_is_reminded_twice(stage: Stage) -> None:
    deployment = stage.installed()
    for minutes in (30, 31, 300):
        remind(at(deployment, minutes=minutes))

    assert asked() == 2


def test_of_two_at_once_one_reminds(stage: Stage) -> None:
    deployment = stage.installed()
    with clock.frozen(at(deployment, minutes=31)):
        perform(DEPLOYMENT, "remind", deployment, by=None)
        with pytest.raises(Refused, match="reminded already"):
            perform(DEPLOYMENT, "remind", deployment, by=None)

    assert asked() == 2


def test_what_was_verified_or_failed_is_left_alone(stage: Stage) -> None:
    verified = stage.installed()
    with clock.frozen(at(verified, minutes=10)):
        perform(DEPLOYMENT, "verify", verified, by=stage.cast.developer)

    assert remind(at(verified, minutes=31)) == 0


def test_a_second_install_is_silent_by_itself(stage: Stage) -> None:
    deployment = stage.installed()
    remind(at(deployment, minutes=30))
    with clock.frozen(at(deployment, minutes=40)):
        perform(DEPLOYMENT, "fail", deployment, by=stage.cast.developer, reason="Wrong version")
        perform(DEPLOYMENT, "retry", deployment, by=stage.cast.devops)
        again = perform(DEPLOYMENT, "finish", deployment, by=stage.cast.devops)

    assert remind(at(again, minutes=29)) == 0
    assert remind(at(again, minutes=30)) == 1


def test_late_rather_than_never(stage: Stage) -> None:
    deployment = stage.installed()
    close = moment(stage.week, "install_close", hours=20)
    enforce(close)

    assert remind(close) == 1
    assert stage.fresh(deployment).status == Deployment.Status.INSTALLED


def test_people_do_not_press_it(stage: Stage) -> None:
    deployment = stage.installed()
    with clock.frozen(at(deployment, minutes=31)), pytest.raises(Refused, match="by itself"):
        perform(DEPLOYMENT, "remind", deployment, by=stage.cast.scrum_master)
