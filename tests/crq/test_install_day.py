"""Install day: the batch, each role's acts, who did what, and what is not installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import User
from crq.deadlines import enforce
from crq.install_day import InstallDay, Row
from deployments.flow import DEPLOYMENT
from deployments.models import ClosedDay, Deployment, ReleaseWeek
from deployments.weeks import open_week
from tests.cast import Cast
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform

INSTALL_DAY = "/weeks/2026-12-10/install/"


@pytest.fixture
def afternoon(stage: Stage) -> datetime:
    """Half an hour into Thursday's install."""
    return moment(stage.week, "install", minutes=30)


@contextmanager
def looking(client: Client, by: User, at: datetime) -> Iterator[Callable[[], Any]]:
    client.force_login(by)
    with clock.frozen(at):
        yield lambda: client.get(INSTALL_DAY)


def look(client: Client, by: User, at: datetime) -> InstallDay:
    with looking(client, by, at) as get:
        page: InstallDay = get().context["page"]
    return page


def only_row(client: Client, by: User, at: datetime) -> Row:
    [row] = look(client, by, at).rows
    return row


def elsewhere(stage: Stage) -> Stage:
    """The same people with another application."""
    application = ApplicationFactory(team=stage.cast.team)
    cast = replace(stage.cast, application=application, repository=RepositoryFactory(application=application))
    return Stage(cast, stage.week)


def sentences(response: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


def enabled(row: Row) -> list[str]:
    return [act.action for act in row.acts if act.enabled]


# --- The batch -----------------------------------------------------------------------------------------------
def test_the_batch_waits_for_devops(client: Client, stage: Stage, afternoon: datetime) -> None:
    stage.cleared()

    batch = look(client, stage.cast.developer, afternoon).batch

    assert (batch.done, batch.heading) == (False, "Batch running")
    assert batch.act is not None
    assert not batch.act.enabled
    assert "Grace Okafor" in batch.act.why_not


def test_devops_marks_the_batch_complete_once(client: Client, stage: Stage, afternoon: datetime) -> None:
    batch = look(client, stage.cast.devops, afternoon).batch
    assert batch.act is not None
    with clock.frozen(afternoon):
        client.post(batch.act.url)
    stage.week.refresh_from_db()

    after = look(client, stage.cast.second_devops, afternoon).batch

    assert stage.week.batch_completed_by == stage.cast.devops
    assert (after.done, after.act) == (True, None)
    assert after.sentence == "Grace Okafor marked this today, 2:30 pm ET. Installs are open."


def test_before_its_day_the_batch_cannot_be_complete(client: Client, stage: Stage) -> None:
    batch = look(client, stage.cast.devops, EARLY).batch

    assert batch.heading == "Batch not started"
    assert batch.act is not None
    assert batch.act.why_not == "The batch of this week's install runs on Thu Dec 10."


# --- Acts by role --------------------------------------------------------------------------------------------
def test_start_says_why_not_until_the_batch_is_complete(client: Client, stage: Stage, afternoon: datetime) -> None:
    stage.cleared()

    [start] = only_row(client, stage.cast.devops, afternoon).acts

    assert (start.action, start.enabled) == ("start", False)
    assert start.why_not == "Installs open when DevOps marks the batch complete."


@pytest.mark.parametrize(
    ("reach", "role", "actions", "waits_for"),
    [
        ("cleared", "devops", ["start"], ""),
        ("cleared", "developer", [], "Next: DevOps, start install."),
        ("installing", "devops", ["finish", "fail", "back_out"], ""),
        ("installing", "developer", [], "Next: DevOps, mark installed."),
        ("installed", "devops", ["back_out"], ""),
        ("installed", "developer", ["verify", "fail"], ""),
        ("installed", "other_developer", [], "Next: Identity, verify install."),
        ("installed", "manager", [], "Next: Identity, verify install."),
        ("failed", "devops", ["retry", "back_out"], ""),
        ("failed", "developer", [], "Next: DevOps, try again."),
        ("verified", "devops", [], ""),
        ("verified", "developer", [], ""),
        ("backed_out", "devops", [], ""),
    ],
)
def test_each_role_sees_its_own_acts(
    client: Client, stage: Stage, afternoon: datetime, *, reach: str, role: str, actions: list[str], waits_for: str
) -> None:
    bring(stage, reach, afternoon)

    row = only_row(client, getattr(stage.cast, role), afternoon)

    assert enabled(row) == actions
    assert row.waits_for == waits_for


def bring(stage: Stage, reach: str, afternoon: datetime) -> Deployment:
    """One deployment in this status, the batch being complete."""
    if reach == "cleared":
        deployment = stage.cleared()
        stage.complete_batch()
        return deployment
    if reach in {"installing", "installed"}:
        return getattr(stage, reach)()  # type: ignore[no-any-return]
    deployment = stage.installed()
    action, by = {
        "verified": ("verify", stage.cast.developer),
        "failed": ("fail", stage.cast.developer),
        "backed_out": ("back_out", stage.cast.devops),
    }[reach]
    with clock.frozen(afternoon):
        done: Deployment = perform(DEPLOYMENT, action, deployment, by=by, reason="Cents are missing.")
    return done


def test_a_second_person_learns_who_did_it(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "cleared", afternoon)
    [start] = only_row(client, stage.cast.second_devops, afternoon).acts
    with clock.frozen(afternoon):
        perform(DEPLOYMENT, "start", Deployment.objects.get(), by=stage.cast.devops)
        answer = client.post(start.url, headers={"referer": f"http://testserver{INSTALL_DAY}"})

    assert (answer.status_code, answer["Location"]) == (302, f"http://testserver{INSTALL_DAY}")
    assert sentences(answer) == [("info", "Grace Okafor did this today, 2:30 pm ET.")]


def test_the_whole_afternoon_by_buttons(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "cleared", afternoon)
    with clock.frozen(afternoon):
        for by, action in (
            (stage.cast.devops, "start"),
            (stage.cast.devops, "finish"),
            (stage.cast.developer, "verify"),
        ):
            [act] = [act for act in only_row(client, by, afternoon).acts if act.action == action]
            client.post(act.url)

    page = look(client, stage.cast.outsider, afternoon)

    assert page.tally == "1 of 1 verified"
    assert page.rows[0].who_line == "Hannah Cole verified the install today, 2:30 pm ET."


def test_a_failure_is_shown_with_its_reason(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "failed", afternoon)

    row = only_row(client, stage.cast.scrum_master, afternoon)

    assert (row.state, row.status_label) == ("stop", "Failed")
    assert row.who_line == "Hannah Cole reported a failure today, 2:30 pm ET: Cents are missing."


# --- What is not installed -----------------------------------------------------------------------------------
def test_held_and_uncleared_deployments_stand_apart(client: Client, stage: Stage, afternoon: datetime) -> None:
    stage.ready()
    elsewhere(stage).cleared()
    before = look(client, stage.cast.devops, moment(stage.week, "approval"))
    enforce(moment(stage.week, "approval", seconds=1))

    after = look(client, stage.cast.devops, afternoon)

    assert [row.reason for row in before.uncleared] == ["Still missing: CRQ approved."]
    assert (len(after.rows), after.uncleared) == (1, [])
    assert [row.reason for row in after.held] == ["Missed Tue Dec 8, 5:00 pm ET: CRQ approved."]


def test_the_plan_document_is_one_click_away(client: Client, stage: Stage, afternoon: datetime) -> None:
    deployment = stage.cleared()
    plan = deployment.crq.documents.get(kind="plan")

    assert only_row(client, stage.cast.devops, afternoon).plan_url == plan.get_absolute_url()


def test_a_skipped_week_says_why(client: Client, cast: Cast) -> None:
    ClosedDay.objects.create(day=date(2026, 12, 10), name="Year-end freeze", kind="freeze")
    open_week(date(2026, 12, 10))
    client.force_login(cast.devops)

    answer = client.get(INSTALL_DAY)

    assert answer.status_code == 200
    assert "Year-end freeze" in answer.content.decode()
    assert "Mark batch complete" not in answer.content.decode()


def test_a_week_that_does_not_exist_is_not_found(client: Client, cast: Cast) -> None:
    client.force_login(cast.devops)

    assert client.get("/weeks/2031-01-02/install/").status_code == 404
    assert not ReleaseWeek.objects.exists()


# --- Costs ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["devops", "developer", "outsider"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_page_costs_the_same_for_one_and_three(
    client: Client,
    stage: Stage,
    afternoon: datetime,
    *,
    django_assert_num_queries: Any,
    role: str,
    count: int,
) -> None:
    for _ in range(count):
        elsewhere(stage).cleared()
        elsewhere(stage).ready()
    stage.complete_batch()

    with looking(client, getattr(stage.cast, role), afternoon) as get, django_assert_num_queries(15):
        page = get().context["page"]

    assert (len(page.rows), len(page.uncleared)) == (count, count)
