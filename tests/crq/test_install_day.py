"""Install day: the batch, each role's acts, who did what, and what is not installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import User
from crq.deadlines import enforce
from crq.install_day import InstallDay
from crq.install_rows import Row
from deployments.flow import DEPLOYMENT, WEEK
from deployments.models import ClosedDay, Deployment, ReleaseWeek
from deployments.weeks import open_week
from tests.cast import Cast
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

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

    assert (batch.done, batch.heading) == (False, "Batch: running · expected about 2:00 pm ET")
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

    assert batch.heading == "Batch: not started · expected about Thu Dec 10, 2:00 pm ET"
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
    assert [row.reason for row in after.held] == ["Not done by Tue Dec 8, 5:00 pm ET: CRQ approved."]


def test_the_plan_document_is_one_click_away(client: Client, stage: Stage, afternoon: datetime) -> None:
    deployment = stage.cleared()
    plan = deployment.crq.documents.get(kind="plan")

    shown = only_row(client, stage.cast.devops, afternoon).plan

    assert shown is not None
    assert (shown.url, shown.name, shown.text_url) == (plan.get_absolute_url(), "plan.pdf", "")


def test_a_plan_that_is_text_is_read_in_place(client: Client, stage: Stage, afternoon: datetime) -> None:
    deployment = stage.ready()
    stage.attach(deployment.crq, "plan", b"1. Stop <the> queue\n", name="plan.txt")
    stage.approve(deployment.crq)
    shown = only_row(client, stage.cast.devops, afternoon).plan

    assert shown is not None
    assert "1. Stop &lt;the&gt; queue" in client.get(shown.text_url).content.decode()


def test_a_plan_whose_file_was_changed_is_not_read_in_place(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()
    stage.attach(deployment.crq, "plan", b"1. Stop the queue\n", name="plan.txt")
    plan = deployment.crq.documents.get()
    client.force_login(stage.cast.devops)
    Path(plan.file.path).write_bytes(b"1. Drop the database\n")
    changed = client.get(f"{plan.get_absolute_url()}text/").content.decode()
    Path(plan.file.path).unlink()
    missing = client.get(f"{plan.get_absolute_url()}text/").content.decode()

    assert "is not the one that was attached" in changed
    assert "Drop the database" not in changed
    assert "cannot be read now" in missing


def test_a_document_that_is_no_text_is_not_read_in_place(client: Client, stage: Stage) -> None:
    plan = stage.cleared().crq.documents.get(kind="plan")
    client.force_login(stage.cast.devops)

    assert client.get(f"{plan.get_absolute_url()}text/").status_code == 404


# --- Steps, order, and what follows --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("reach", "stages"),
    [
        ("cleared", [("Waiting", "now"), ("Installing", ""), ("Installed", ""), ("Verified", "")]),
        ("installing", [("Waiting", "past"), ("Installing", "now"), ("Installed", ""), ("Verified", "")]),
        ("verified", [("Waiting", "past"), ("Installing", "past"), ("Installed", "past"), ("Verified", "past")]),
        (
            "failed",
            [
                ("Waiting", "past"),
                ("Installing", "past"),
                ("Installed", "past"),
                ("Failed", "stop"),
                ("Backed out", ""),
            ],
        ),
        ("backed_out", [("Waiting", "past"), ("Installing", "past"), ("Installed", "past"), ("Backed out", "stop")]),
    ],
)
def test_the_steps_show_how_far_it_is(
    client: Client, stage: Stage, afternoon: datetime, *, reach: str, stages: list[tuple[str, str]]
) -> None:
    bring(stage, reach, afternoon)

    row = only_row(client, stage.cast.outsider, afternoon)

    assert [(each.label, each.state) for each in row.stages] == stages


def test_who_started_is_on_it(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "installing", afternoon)

    assert (
        only_row(client, stage.cast.developer, afternoon).who_line == "Grace Okafor is on this since today, 2:05 pm ET."
    )


def test_devops_puts_the_run_in_order(client: Client, stage: Stage, afternoon: datetime) -> None:
    first, second, third = (elsewhere(stage).cleared() for _ in range(3))
    page = look(client, stage.cast.devops, afternoon)
    with clock.frozen(afternoon):
        client.post(page.order_url, {"deployment": third.pk, "place": "2", "to": "up"})

    rows = look(client, stage.cast.devops, afternoon).rows

    assert [row.key for row in rows] == [first.pk, third.pk, second.pk]
    event = Event.objects.get(action="reorder")
    assert (event.actor, event.data) == (stage.cast.devops, {"deployment": third.title, "place": 2})


@pytest.mark.parametrize(
    ("place", "to", "sentence"),
    [
        ("1", "down", "The order changed after you opened this page. Look again."),
        ("0", "up", "It is at the end of the order already."),
        ("0", "sideways", "This deployment is not in the run of the week."),
    ],
)
def test_an_order_that_cannot_be_is_refused(stage: Stage, place: str, to: str, sentence: str) -> None:
    first = elsewhere(stage).cleared()
    elsewhere(stage).cleared()

    with pytest.raises(Refused, match=sentence):
        perform(WEEK, "reorder", stage.week, by=stage.cast.devops, deployment=str(first.pk), place=place, to=to)


@pytest.mark.parametrize("role", ["developer", "manager", "scrum_master", "outsider"])
def test_only_devops_changes_the_order(client: Client, stage: Stage, afternoon: datetime, role: str) -> None:
    deployments = [elsewhere(stage).cleared() for _ in range(2)]
    by = getattr(stage.cast, role)

    assert look(client, by, afternoon).order_url == ""
    with pytest.raises(Refused, match="Only DevOps can do this"):
        perform(WEEK, "reorder", stage.week, by=by, deployment=str(deployments[0].pk), place="0", to="down")


def test_the_last_outcome_opens_the_completion_email(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "installed", afternoon)
    before = look(client, stage.cast.scrum_master, afternoon).completion_url
    with clock.frozen(afternoon):
        perform(DEPLOYMENT, "verify", Deployment.objects.get(), by=stage.cast.developer)

    assert before == ""
    assert look(client, stage.cast.scrum_master, afternoon).completion_url == "/emails/"
    assert look(client, stage.cast.devops, afternoon).completion_url == ""


# --- Live, and on the wall -----------------------------------------------------------------------------------
@pytest.mark.parametrize("view", ["", "?view=wall"])
def test_a_live_page_gets_nothing_until_something_changes(
    client: Client, stage: Stage, afternoon: datetime, view: str
) -> None:
    bring(stage, "cleared", afternoon)
    client.force_login(stage.cast.developer)
    live = {"HX-Request": "true"}
    with clock.frozen(afternoon):
        address = client.get(INSTALL_DAY + view).context["live_url"]
        same = client.get(address, headers=live)
        perform(DEPLOYMENT, "start", Deployment.objects.get(), by=stage.cast.devops)
        changed = client.get(address, headers=live)

    assert (same.status_code, same.content) == (204, b"")
    assert changed.status_code == 200
    assert changed.content.decode().count('id="live"') == 1
    assert "<html" not in changed.content.decode()


def test_the_wall_has_no_controls_and_renews_itself(client: Client, stage: Stage, afternoon: datetime) -> None:
    bring(stage, "cleared", afternoon)
    client.force_login(stage.cast.devops)
    with clock.frozen(afternoon):
        answer = client.get(f"{INSTALL_DAY}?view=wall")
    wall = answer.content.decode()

    assert "Session timeout for the admin portal" in wall
    assert answer.headers["Refresh"] == "60"
    assert 'hx-trigger="every 15s"' in wall
    assert "<form" not in wall
    assert "<button" not in wall


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

    with looking(client, getattr(stage.cast, role), afternoon) as get, django_assert_num_queries(10):
        page = get().context["page"]

    assert (len(page.rows), len(page.uncleared)) == (count, count)
