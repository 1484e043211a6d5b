"""Taking start and installed back: who, for how long, and what follows."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from crq.models import CRQ
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment, PullRequest
from notifications.models import Email
from tests.stages import Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

TEN = timedelta(minutes=10)


def undo(what: str, deployment: Deployment, at: datetime, stage: Stage, by: str = "devops") -> Deployment:
    with clock.frozen(at):
        undone: Deployment = perform(DEPLOYMENT, f"undo_{what}", deployment, by=getattr(stage.cast, by))
    return undone


def started_at(stage: Stage) -> datetime:
    return moment(stage.week, "install", minutes=5)


def installed_at(stage: Stage) -> datetime:
    return moment(stage.week, "install", minutes=20)


def test_a_start_is_taken_back_within_ten_minutes(stage: Stage) -> None:
    undone = undo("start", stage.installing(), started_at(stage) + TEN, stage)

    assert (undone.status, undone.started_at, undone.started_by) == ("cleared", None, None)
    event = Event.objects.latest("pk")
    assert (event.action, event.before, event.after) == ("undo_start", "installing", "cleared")
    assert event.actor == stage.cast.devops


def test_an_install_is_taken_back_with_its_pull_requests(stage: Stage) -> None:
    installed = stage.installed()
    assert set(PullRequest.objects.values_list("status", flat=True)) == {"shipped"}

    undone = undo("finish", installed, installed_at(stage) + TEN, stage)

    assert (undone.status, undone.installed_at, undone.installed_by) == ("installing", None, None)
    assert undone.started_by == stage.cast.devops
    assert set(PullRequest.objects.values_list("status", flat=True)) == {"planned"}
    assert CRQ.objects.get().status == "approved"


def test_the_email_that_went_out_stays_and_the_next_install_sends_another(stage: Stage) -> None:
    installed = stage.installed()
    before = Email.objects.filter(letter__kind="verify_needed").count()
    undone = undo("finish", installed, installed_at(stage) + TEN, stage)
    assert Email.objects.filter(letter__kind="verify_needed").count() == before

    with clock.frozen(installed_at(stage) + 2 * TEN):
        perform(DEPLOYMENT, "finish", undone, by=stage.cast.devops)

    assert Email.objects.filter(letter__kind="verify_needed").count() == 2 * before


def test_after_an_undo_the_work_goes_on(stage: Stage) -> None:
    undone = undo("start", stage.installing(), started_at(stage) + TEN, stage)

    with clock.frozen(started_at(stage) + TEN):
        again = perform(DEPLOYMENT, "start", undone, by=stage.cast.second_devops)

    assert (again.status, again.started_by) == ("installing", stage.cast.second_devops)


@pytest.mark.parametrize("what", ["start", "finish"])
def test_ten_minutes_and_not_an_instant_more(stage: Stage, what: str) -> None:
    deployment = stage.installing() if what == "start" else stage.installed()
    at = started_at(stage) if what == "start" else installed_at(stage)

    with pytest.raises(Refused, match="This could be undone for 10 minutes, until today"):
        undo(what, deployment, at + TEN + timedelta(microseconds=1), stage)


@pytest.mark.parametrize("what", ["start", "finish"])
def test_only_whoever_did_it(stage: Stage, what: str) -> None:
    deployment = stage.installing() if what == "start" else stage.installed()
    at = started_at(stage) if what == "start" else installed_at(stage)

    with pytest.raises(Refused, match=r"Only Grace Okafor, who did this today, 2:\d\d pm ET, can undo it\."):
        undo(what, deployment, at, stage, by="second_devops")


def test_not_when_more_happened_since(stage: Stage) -> None:
    installed = stage.installed()
    undone = undo("finish", installed, installed_at(stage), stage)

    with pytest.raises(Refused, match="More happened since, so this cannot be undone"):
        undo("start", undone, started_at(stage) + TEN, stage)


def test_a_second_try_is_not_a_start(stage: Stage) -> None:
    deployment = stage.installing()
    with clock.frozen(started_at(stage)):
        failed = perform(DEPLOYMENT, "fail", deployment, by=stage.cast.devops, reason="Out of disk")
        retried = perform(DEPLOYMENT, "retry", failed, by=stage.cast.devops)

    with pytest.raises(Refused, match="More happened since"):
        undo("start", retried, started_at(stage), stage)


def test_verified_meanwhile_is_verified(stage: Stage) -> None:
    installed = stage.installed()
    with clock.frozen(installed_at(stage)):
        perform(DEPLOYMENT, "verify", installed, by=stage.cast.developer)

    with pytest.raises(Refused, match="This deployment is verified, so this cannot be done now"):
        undo("finish", installed, installed_at(stage), stage)


def test_pressed_twice_it_happened_once(stage: Stage) -> None:
    deployment = stage.installing()
    undo("start", deployment, started_at(stage), stage)

    with pytest.raises(Refused, match="Grace Okafor did this today, 2:05 pm ET"):
        undo("start", deployment, started_at(stage), stage)
    assert Event.objects.filter(action="undo_start").count() == 1


def test_a_start_is_not_taken_back_after_the_window(stage: Stage) -> None:
    """Nothing would hold it any more: its deadline has passed."""
    deployment = stage.cleared()
    stage.complete_batch()
    close = moment(stage.week, "install_close")
    with clock.frozen(close):
        started = perform(DEPLOYMENT, "start", deployment, by=stage.cast.devops)

    with pytest.raises(Refused, match="The install window closed"):
        undo("start", started, close + timedelta(minutes=1), stage)


def test_the_page_offers_it_to_whoever_pressed_the_button(client: Client, stage: Stage) -> None:
    stage.installed()
    for name, offered in (("devops", True), ("second_devops", False), ("developer", False)):
        client.force_login(getattr(stage.cast, name))
        with clock.frozen(installed_at(stage) + TEN):
            [row] = client.get(f"{stage.week.get_absolute_url()}install/").context["page"].rows
        assert bool(row.undo) == offered, name
        if row.undo:
            assert row.undo.until == "2:30 pm ET"
            assert row.undo.act.confirm == "Identity was e-mailed to verify it. That e-mail is not taken back."


# --- From the notice -----------------------------------------------------------------------------------------
def pressed(client: Client, url: str, by: User, at: datetime) -> str:
    """The page that follows, with its notices."""
    client.force_login(by)
    with clock.frozen(at):
        answer = client.post(url, headers={"referer": "http://testserver/me/"}, follow=True)
    page: str = answer.content.decode()
    return page


def undo_in(page: str) -> str:
    """Where the Undo of the notice leads."""
    [url] = re.findall(r'action="([^"]+)">\s*<input[^>]+>\s*<button[^>]+>Undo</button>', page)
    return str(url)


def test_the_notice_takes_the_start_back(client: Client, stage: Stage) -> None:
    deployment, at = stage.cleared(), started_at(stage)
    stage.complete_batch()
    page = pressed(client, f"/act/deployment/{deployment.pk}/start/", stage.cast.devops, at)

    after = pressed(client, undo_in(page), stage.cast.devops, at + TEN)

    assert stage.fresh(deployment).status == "cleared"
    assert "Taken back: it waits for its start again." in after


def test_the_notice_takes_installed_back(client: Client, stage: Stage) -> None:
    deployment, at = stage.installing(), installed_at(stage)
    page = pressed(client, f"/act/deployment/{deployment.pk}/finish/", stage.cast.devops, at)

    after = pressed(client, undo_in(page), stage.cast.devops, at + TEN)

    assert stage.fresh(deployment).status == "installing"
    assert "Taken back: it is still being installed." in after


def test_the_notice_comes_too_late(client: Client, stage: Stage) -> None:
    deployment, at = stage.cleared(), started_at(stage)
    stage.complete_batch()
    page = pressed(client, f"/act/deployment/{deployment.pk}/start/", stage.cast.devops, at)

    after = pressed(client, undo_in(page), stage.cast.devops, at + TEN + timedelta(seconds=1))

    assert stage.fresh(deployment).status == "installing"
    assert "This could be undone for 10 minutes" in after


def test_the_notice_of_a_second_window_says_that_it_is_done(client: Client, stage: Stage) -> None:
    deployment, at = stage.cleared(), started_at(stage)
    stage.complete_batch()
    url = undo_in(pressed(client, f"/act/deployment/{deployment.pk}/start/", stage.cast.devops, at))
    pressed(client, url, stage.cast.devops, at + TEN)

    after = pressed(client, url, stage.cast.devops, at + TEN)

    assert "Grace Okafor did this today, 2:15 pm ET." in after
    assert Event.objects.filter(action="undo_start").count() == 1


def test_what_cannot_be_taken_back_has_no_undo_in_its_notice(client: Client, stage: Stage) -> None:
    deployment, at = stage.installing(), installed_at(stage)

    page = pressed(client, f"/act/deployment/{deployment.pk}/back_out/", stage.cast.devops, at)

    assert "notice-success" in page
    assert ">Undo</button>" not in page
