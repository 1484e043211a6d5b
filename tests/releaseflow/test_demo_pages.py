"""The demonstration's pages: they exist only with DEMO, anyone becomes anyone by POST, and the clock goes forward."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import User
from deployments.models import Deployment, Milestone, ReleaseWeek
from notifications.models import Email, Letter
from releaseflow.demo import moments
from tests.cast import Cast
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.eastern import machine_time
from workflow.models import DemoClock
from workflow.steps import Refused

PAGES = ("/demo/become/", "/demo/clock/", "/demo/mailbox/", "/demo/mailbox/1/")


@pytest.fixture
def demo(settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.support.demo_urls"
    settings.DEMO = True


def me(client: Client) -> str:
    return str(client.session.get("_auth_user_id", ""))


def words(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def ahead() -> timedelta:
    return DemoClock.shift()


# --- Only in a demonstration ---------------------------------------------------------------------------------
@pytest.mark.parametrize("url", PAGES)
def test_without_demo_there_are_no_such_pages(client: Client, cast: Cast, url: str) -> None:
    client.force_login(cast.developer)

    assert client.get(url).status_code == 404
    assert client.post(url, {"user": cast.manager.pk, "to": "+1h"}).status_code == 404
    assert me(client) == str(cast.developer.pk)


@pytest.mark.parametrize("url", PAGES)
def test_even_when_routed_by_mistake_they_stay_shut(
    client: Client, cast: Cast, demo: None, settings: LazySettings, url: str
) -> None:
    settings.DEMO = False
    client.force_login(cast.developer)

    assert client.post(url, {"user": cast.manager.pk, "to": "+1h"}).status_code == 404
    assert (me(client), ahead()) == (str(cast.developer.pk), timedelta(0))


# --- Becoming someone ----------------------------------------------------------------------------------------
def test_a_stranger_chooses_from_the_sign_in_page(client: Client, cast: Cast, demo: None) -> None:
    page = client.get("/sign-in/").content.decode()
    answer = client.post(
        "/demo/become/", {"user": cast.manager.pk}, headers={"referer": "http://testserver/sign-in/?next=/"}
    )

    assert "Anita Desai, Dev Manager" in page
    assert (me(client), answer["Location"]) == (str(cast.manager.pk), "/")


def test_changing_the_person_stays_on_the_page(client: Client, cast: Cast, demo: None) -> None:
    client.force_login(cast.developer)

    answer = client.post("/demo/become/", {"user": cast.devops.pk}, headers={"referer": "http://testserver/emails/"})

    assert (me(client), answer["Location"]) == (str(cast.devops.pk), "http://testserver/emails/")


def test_becoming_is_no_link(client: Client, cast: Cast, demo: None) -> None:
    assert client.get(f"/demo/become/?user={cast.manager.pk}").status_code == 405
    assert me(client) == ""


@pytest.mark.parametrize("user", ["", "0", "999999", "anita", "-1", "²"])
def test_nobody_becomes_nobody(client: Client, cast: Cast, demo: None, user: str) -> None:
    assert client.post("/demo/become/", {"user": user}).status_code == 404
    assert me(client) == ""


def test_who_is_switched_off_cannot_be_become(client: Client, cast: Cast, demo: None) -> None:
    User.objects.filter(pk=cast.manager.pk).update(is_active=False)

    assert client.post("/demo/become/", {"user": cast.manager.pk}).status_code == 404


# --- The clock -----------------------------------------------------------------------------------------------
def test_the_clock_moves_to_just_after_the_cutoff_and_holds_what_is_late(
    client: Client, stage: Stage, demo: None
) -> None:
    stage.plan()
    client.force_login(stage.cast.developer)
    target = moment(stage.week, "cutoff", minutes=1)
    now = clock.now()

    answer = client.post("/demo/clock/", {"to": machine_time(target)})

    assert ahead() == target - now
    assert words(answer).startswith("It is Tue Dec 8, 2:01 pm ET now. Passed: ")


def test_only_passed_milestones_are_enforced(client: Client, cast: Cast, week: ReleaseWeek, demo: None) -> None:
    target = moment(week, "approval", minutes=1)
    DemoClock.objects.create(ahead=moment(week, "cutoff", minutes=-5) - clock.now())
    client.force_login(cast.developer)

    client.post("/demo/clock/", {"to": machine_time(target)})

    assert [target.date(), *_enforced(week)] == [target.date(), "code_review", "plan_email", "cutoff", "approval"]
    assert abs(clock.now() - target) < timedelta(seconds=30)


def _enforced(week: ReleaseWeek) -> list[str]:
    return list(Milestone.objects.filter(week=week).exclude(enforced_at=None).values_list("key", flat=True))


@pytest.mark.parametrize(
    "to", ["2020-01-01T00:00:00Z", "-1h", "", "tomorrow", "2026-12-08T14:00", "9999-12-31T23:00:00Z"]
)
def test_the_clock_never_goes_back_nor_anywhere_odd(client: Client, cast: Cast, demo: None, to: str) -> None:
    client.force_login(cast.developer)

    answer = client.post("/demo/clock/", {"to": to})

    assert answer.status_code == 302
    assert words(answer).endswith(".")
    assert ahead() == timedelta(0)


def test_the_clock_is_no_link_and_not_for_strangers(client: Client, cast: Cast, demo: None) -> None:
    stranger = client.post("/demo/clock/", {"to": "+1h"})
    client.force_login(cast.developer)

    assert stranger["Location"].startswith("/sign-in/")
    assert client.get("/demo/clock/?to=%2B1h").status_code == 405
    assert ahead() == timedelta(0)


def test_steps_add_up(cast: Cast, demo: None) -> None:
    moments.move_clock("+1h")
    moments.move_clock("+1d")

    assert ahead() == timedelta(days=1, hours=1)


def test_a_stale_page_cannot_turn_the_clock_back(cast: Cast, week: ReleaseWeek, demo: None) -> None:
    first, second = moment(week, "cutoff", minutes=-5), moment(week, "cutoff", minutes=1)
    with clock.frozen(EARLY):
        offered = [value for value, _ in moments.jumps(EARLY)]
    with clock.frozen(second), pytest.raises(Refused, match="only goes forward, and it says Tue Dec 8, 2:01 pm ET"):
        moments.move_clock(offered[0])

    assert offered[:2] == [machine_time(first), machine_time(second)]


def test_every_jump_that_is_offered_lies_ahead_in_order(cast: Cast, week: ReleaseWeek) -> None:
    now = moment(week, "cutoff", minutes=2)

    values = [value for value, _ in moments.jumps(now) if value not in moments.STEPS]

    instants = [datetime.fromisoformat(value) for value in values]
    assert instants == sorted(instants)
    assert instants[0] == moment(week, "approval", minutes=-5)


# --- The mailbox ---------------------------------------------------------------------------------------------
def test_the_mailbox_shows_all_letters_or_one_persons(client: Client, stage: Stage, demo: None) -> None:
    with clock.frozen(EARLY):
        stage.installed()
    client.force_login(stage.cast.outsider)

    everybodys = client.get("/demo/mailbox/").context["box"].mails
    devops_only = client.get("/demo/mailbox/", {"to": stage.cast.devops.email}).context["box"].mails

    assert [mail.at for mail in everybodys] == sorted((mail.at for mail in everybodys), reverse=True)
    assert {mail.pk for mail in devops_only} == set(
        Email.objects.filter(recipient=stage.cast.devops).values_list("letter_id", flat=True)
    )
    assert 0 < len(devops_only) < len(everybodys)
    assert Deployment.objects.count() == 1


def test_a_letter_opens_as_a_page_that_can_do_nothing(client: Client, cast: Cast, demo: None) -> None:
    letter = Letter.objects.create(kind="moved", subject="-", text="-", html="<p>Hello</p>", written_at=EARLY)
    client.force_login(cast.outsider)

    answer = client.get(f"/demo/mailbox/{letter.pk}/")

    assert answer.content == b"<p>Hello</p>"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


# --- The bar -------------------------------------------------------------------------------------------------
def test_the_bar_offers_people_and_moments_on_every_page(
    client: Client, cast: Cast, week: ReleaseWeek, demo: None
) -> None:
    DemoClock.objects.create(ahead=moment(week, "cutoff", minutes=-30) - clock.now())
    client.force_login(cast.outsider)

    page = client.get("/emails/").content.decode()

    assert f'<option value="{cast.outsider.pk}" selected>Nick Nowhere, no role of their own</option>' in page
    assert "Grace Okafor, DevOps</option>" in page
    assert "Tue Dec 8, 1:55 pm ET, before the cutoff</option>" in page
