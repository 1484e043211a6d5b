"""The week board: cells, bands, next steps, views and deadlines, as each person sees them at each stage."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import User
from crq.board import Board, board
from crq.deadlines import enforce
from crq.models import CRQ
from crq.rows import Row
from deployments.flow import DEPLOYMENT
from deployments.models import ClosedDay, Deployment, ReleaseWeek
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, THURSDAY, Stage, a_week, moment
from workflow import clock
from workflow.machine import perform

COLUMNS = ("PRs", "CRQ", "Docs", "Plan", "Branch", "Approval", "Install", "Verify")


def look(stage: Stage, by: User, *, at: datetime = EARLY, view: str = "", thursday: date = THURSDAY) -> Board:
    found = board(thursday, by=by, now=at, view=view)
    assert found is not None
    return found


def only_row(stage: Stage, by: User, *, at: datetime = EARLY) -> Row:
    [band] = look(stage, by, at=at).bands
    [row] = band.rows
    return row


def states(row: Row) -> dict[str, str]:
    """The cells that say something, by column."""
    named = zip(COLUMNS, row.cells, strict=True)
    return {column: cell.state for column, cell in named if cell.state not in {"done", "none"}}


def elsewhere(stage: Stage, *, other_team: bool = False) -> Stage:
    """The same people with another application."""
    team = stage.cast.other_team if other_team else stage.cast.team
    application = ApplicationFactory(team=team)
    cast = replace(stage.cast, application=application, repository=RepositoryFactory(application=application))
    if other_team:
        cast = replace(cast, developer=cast.other_developer, manager=cast.other_manager)
    return Stage(cast, stage.week)


# --- Cells ---------------------------------------------------------------------------------------------------
def test_an_unreviewed_pull_request_is_the_reviewers_turn_and_not_the_authors(stage: Stage) -> None:
    stage.join(stage.plan(), stage.submit())

    assert states(only_row(stage, stage.cast.reviewer))["PRs"] == "you"
    assert "PRs" not in states(only_row(stage, stage.cast.developer))


def test_one_of_two_approved_pull_requests_is_partly_done(stage: Stage) -> None:
    deployment = stage.planned()
    stage.join(deployment, stage.submit())

    row = only_row(stage, stage.cast.manager)

    assert (row.cells[0].state, row.cells[0].note) == ("part", "1/2")
    assert row.cells[0].sentence == "PRs: 1 of 2 done"


@pytest.mark.parametrize(
    ("who", "turns"),
    [
        ("developer", {"Docs": "you"}),
        ("devops", {"Plan": "you", "Branch": "you"}),
        ("manager", {}),
        ("outsider", {}),
    ],
)
def test_evidence_is_the_turn_of_its_owner(stage: Stage, who: str, turns: dict[str, str]) -> None:
    stage.with_crq()

    assert states(only_row(stage, getattr(stage.cast, who))) == turns


def test_one_document_of_two_is_partly_done(stage: Stage) -> None:
    stage.attach(stage.with_crq().crq, "justification")

    assert states(only_row(stage, stage.cast.manager)) == {"Docs": "part"}
    assert only_row(stage, stage.cast.developer).cells[2].note == "1/2"


def test_approval_is_the_managers_turn_and_others_wait(stage: Stage) -> None:
    stage.ready()

    assert states(only_row(stage, stage.cast.manager)) == {"Approval": "you"}
    assert states(only_row(stage, stage.cast.developer)) == {"Approval": "wait"}


def test_whoever_opened_the_crq_waits_for_another_manager(stage: Stage) -> None:
    deployment = stage.with_crq()
    CRQ.objects.filter(deployment=deployment).update(opened_by=stage.cast.manager)
    for kind in ("justification", "tests", "plan"):
        stage.attach(deployment.crq, kind)
    stage.merge(deployment)

    row = only_row(stage, stage.cast.manager)

    assert states(row) == {"Approval": "wait"}
    assert row.next.detail.startswith("Samuel Ortiz · since")


def test_install_and_verification(stage: Stage) -> None:
    stage.cleared()
    assert states(only_row(stage, stage.cast.devops)) == {}

    stage.complete_batch()
    at = moment(stage.week, "install", minutes=1)
    assert states(only_row(stage, stage.cast.devops, at=at)) == {"Install": "you"}
    assert states(only_row(stage, stage.cast.developer, at=at)) == {"Install": "wait"}


def test_the_owning_team_verifies_and_the_installer_does_not(stage: Stage) -> None:
    stage.installed()
    at = moment(stage.week, "install", minutes=30)

    assert states(only_row(stage, stage.cast.developer, at=at)) == {"Verify": "you"}
    assert states(only_row(stage, stage.cast.devops, at=at)) == {"Verify": "wait"}


def test_what_is_missing_after_its_deadline_is_blocked(stage: Stage) -> None:
    stage.planned()
    at = moment(stage.week, "cutoff", seconds=1)

    row = only_row(stage, stage.cast.developer, at=at)

    assert states(row) == {"CRQ": "stop"}
    assert row.cells[1].sentence == "CRQ: late, was due Tue Dec 8, 2:00 pm ET"


def test_exactly_at_the_deadline_is_on_time(stage: Stage) -> None:
    stage.planned()

    assert "stop" not in states(only_row(stage, stage.cast.developer, at=moment(stage.week, "cutoff"))).values()


def test_a_failed_core_dev_deployment_blocks_the_branch(stage: Stage) -> None:
    deployment = stage.with_crq()
    names = {pull.repository_id: "release/1" for pull in deployment.pull_requests.all()}
    perform(DEPLOYMENT, "record_branch", deployment, by=stage.cast.devops, names=names)
    perform(DEPLOYMENT, "record_core_dev", deployment, by=stage.cast.devops, result="failed")

    row = only_row(stage, stage.cast.devops)

    assert states(row)["Branch"] == "stop"
    assert row.cells[4].sentence == "Branch: the deployment to core dev failed"


def test_a_backed_out_install_shows_what_had_been_reached(stage: Stage) -> None:
    deployment = stage.installed()
    at = moment(stage.week, "install", hours=1)
    with clock.frozen(at):
        perform(DEPLOYMENT, "back_out", deployment, by=stage.cast.devops)

    row = only_row(stage, stage.cast.devops, at=at)

    assert [cell.state for cell in row.cells] == ["done"] * 6 + ["stop", "none"]
    assert row.cells[6].sentence == "Install: backed out"
    assert row.next.text == "Backed out"


# --- Bands and next steps ------------------------------------------------------------------------------------
def test_bands_go_by_what_is_due_next(stage: Stage) -> None:
    stage.planned()
    elsewhere(stage).cleared()
    elsewhere(stage).with_crq()

    labels = [(band.label, band.count) for band in look(stage, stage.cast.manager).bands]

    assert labels == [("Due by Tue 2:00 pm", 1), ("Due by Tue 5:00 pm", 1), ("Ready for Thursday", 1)]


def test_held_installing_and_done_have_bands_of_their_own(stage: Stage) -> None:
    held = elsewhere(stage).planned()
    deployment = stage.installed()
    at = moment(stage.week, "install", minutes=30)
    enforce(at)
    assert stage.fresh(held).status == Deployment.Status.HELD
    assert [band.label for band in look(stage, stage.cast.manager, at=at).bands] == ["Held", "Installing"]

    with clock.frozen(at):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)

    assert [band.label for band in look(stage, stage.cast.manager, at=at).bands] == ["Held", "Done"]


def test_what_is_late_but_not_held_stands_first(stage: Stage) -> None:
    stage.planned()
    elsewhere(stage).cleared()

    labels = [band.label for band in look(stage, stage.cast.manager, at=moment(stage.week, "cutoff", seconds=1)).bands]

    assert labels == ["Overdue", "Ready for Thursday"]


@pytest.mark.parametrize(
    ("stage_name", "who", "text", "detail"),
    [
        ("planned", "manager", "Create the CRQ", "Hannah Cole · since 10:00 am"),
        ("planned", "developer", "Create the CRQ", "You · since 10:00 am"),
        ("with_crq", "manager", "Attach the business justification", "Hannah Cole · since 10:00 am"),
        ("with_crq", "devops", "Attach the install and backout plan", "You · since 10:00 am"),
        ("ready", "developer", "Waiting for manager approval", "Anita Desai · since 10:00 am"),
        ("ready", "manager", "Review and approve", "You · since 10:00 am"),
        ("cleared", "manager", "Ready", "Installs Thursday after batch"),
    ],
)
def test_the_next_step_names_its_owner_and_since_when(
    stage: Stage, stage_name: str, who: str, text: str, detail: str
) -> None:
    getattr(stage, stage_name)()

    step = only_row(stage, getattr(stage.cast, who)).next

    assert (step.text, step.detail) == (text, detail)
    assert step.is_you == detail.startswith("You")
    assert bool(step.action_label) == step.is_you


def test_the_next_step_of_a_pull_request_says_what_it_needs(stage: Stage) -> None:
    stage.join(stage.plan(), stage.submit())

    step = only_row(stage, stage.cast.manager).next

    assert step.text == "#481 needs one more approval"
    assert step.detail == "Hannah Cole · since 10:00 am"


def test_requested_changes_are_the_authors_turn(stage: Stage) -> None:
    stage.review(stage.join(stage.plan(), stage.submit()), "changes_requested")

    step = only_row(stage, stage.cast.developer).next

    assert (step.text, step.tone, step.is_you) == ("#481 is blocked: Wei Zhang asked for changes", "stop", True)
    assert not only_row(stage, stage.cast.reviewer).next.text.startswith("Review")


def test_on_another_day_since_says_the_day(stage: Stage) -> None:
    stage.planned()

    step = only_row(stage, stage.cast.manager, at=EARLY + timedelta(days=1)).next

    assert step.detail == "Hannah Cole · since Mon Dec 7"


def test_nobody_who_could_approve_is_said(stage: Stage) -> None:
    stage.ready()
    stage.cast.team.memberships.filter(role="manager").delete()

    step = only_row(stage, stage.cast.developer).next

    assert (step.text, step.detail) == ("No manager can approve it yet", "Dev Manager · Identity · since 10:00 am")
    assert step.tone == "stop"


def test_a_held_deployment_says_why_and_the_manager_moves_it(stage: Stage) -> None:
    stage.planned()
    at = moment(stage.week, "cutoff", minutes=1)
    enforce(at)

    step = only_row(stage, stage.cast.manager, at=at).next

    assert step.text == "Not done by Tue Dec 8, 2:00 pm ET: CRQ created."
    assert (step.is_you, step.action_label, step.tone) == (True, "Move", "stop")


def test_a_failed_install_is_devops_turn(stage: Stage) -> None:
    deployment = stage.installing()
    at = moment(stage.week, "install", minutes=10)
    with clock.frozen(at):
        perform(DEPLOYMENT, "fail", deployment, by=stage.cast.devops, reason="The service does not start.")

    row = only_row(stage, stage.cast.second_devops, at=at)

    assert row.next.text == "The install failed: try again or back out"
    assert row.next.is_you
    assert states(row)["Install"] == "stop"


def test_a_verified_install_says_by_whom(stage: Stage) -> None:
    deployment = stage.installed()
    at = moment(stage.week, "install", minutes=40)
    with clock.frozen(at):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)

    row = only_row(stage, stage.cast.manager, at=at)

    assert (row.next.text, row.next.detail) == ("Verified", "Hannah Cole · today, 2:40 pm ET")
    assert (row.done, row.total) == (8, 8)


def test_a_deputy_of_the_manager_sees_the_managers_turn(stage: Stage) -> None:
    stage.ready()
    day = THURSDAY - timedelta(days=3)
    stage.cast.manager.deputies.create(deputy=stage.cast.outsider, role="manager", starts=day, ends=day)

    assert only_row(stage, stage.cast.outsider).next.is_you


# --- What left the week --------------------------------------------------------------------------------------
def test_the_old_week_shows_what_moved_on_and_why(stage: Stage) -> None:
    deployment = stage.ready()
    following = a_week(THURSDAY + timedelta(days=7))
    perform(
        DEPLOYMENT, "move", deployment, by=stage.cast.manager, week=following, reason="The vendor asked for a week."
    )

    [band] = look(stage, stage.cast.manager).bands
    [row] = band.rows
    assert band.label == "Left this week"
    assert (row.next.text, row.next.detail) == ("Moved to Thu Dec 17", "Anita Desai · The vendor asked for a week.")
    assert not set(states(row).values()) & {"you", "wait", "stop"}

    [[there]] = [band.rows for band in look(stage, stage.cast.manager, thursday=following.thursday).bands]
    assert there.meta.endswith("moved from Thu Dec 10")
    assert there.next.text == "Merge and create the release branch"


def test_a_withdrawn_deployment_stays_with_its_reason(stage: Stage) -> None:
    perform(DEPLOYMENT, "withdraw", stage.planned(), by=stage.cast.developer, reason="Not needed any more.")

    found = look(stage, stage.cast.developer)

    assert [(band.label, band.rows[0].next.text) for band in found.bands] == [("Left this week", "Withdrawn")]
    assert found.bands[0].rows[0].next.detail == "Not needed any more."
    assert found.subtitle == "No deployments for code install on Thursday, December 10"


def test_in_a_band_ones_own_turn_comes_first(stage: Stage) -> None:
    elsewhere(stage, other_team=True).plan("Ledger rounding")
    stage.planned()

    [band] = look(stage, stage.cast.developer).bands

    assert [row.next.is_you for row in band.rows] == [True, False]


# --- Views ---------------------------------------------------------------------------------------------------
def test_each_view_shows_its_own(stage: Stage) -> None:
    stage.planned()
    elsewhere(stage).cleared()
    elsewhere(stage, other_team=True).plan("Ledger rounding")
    tuesday = moment(stage.week, "cutoff", hours=-2)

    found = look(stage, stage.cast.developer, at=tuesday)
    due = look(stage, stage.cast.developer, at=tuesday, view="due")
    mine = look(stage, stage.cast.other_developer, at=tuesday, view="mine")

    assert [(view.label, view.count) for view in found.views] == [
        ("All", 3),
        ("Due today", 2),
        ("Blocked", 0),
        ("My teams", 2),
    ]
    assert [view.label for view in due.views if view.current] == ["Due today"]
    assert sum(band.count for band in due.bands) == 2
    assert [row.title for band in mine.bands for row in band.rows] == ["Ledger rounding"]


def test_blocked_shows_what_is_stuck(stage: Stage) -> None:
    stage.review(stage.join(stage.plan(), stage.submit()), "changes_requested")
    elsewhere(stage).cleared()

    found = look(stage, stage.cast.devops, view="blocked")

    assert [row.title for band in found.bands for row in band.rows] == ["Session timeout for the admin portal"]
    assert [view.label for view in found.views] == ["All", "Due today", "Blocked"]


def test_an_unknown_view_shows_all(stage: Stage) -> None:
    stage.planned()

    found = look(stage, stage.cast.developer, view="nonsense")

    assert len(found.bands) == 1
    assert not found.is_filtered


# --- Deadlines -----------------------------------------------------------------------------------------------
def test_the_rail_tells_how_far_the_week_is(stage: Stage) -> None:
    stage.planned()
    elsewhere(stage).cleared()
    enforce(moment(stage.week, "plan_email", seconds=1))
    tuesday = moment(stage.week, "cutoff", hours=-2, minutes=-18)

    found = look(stage, stage.cast.manager, at=tuesday)

    assert [(step.label, step.tally, step.state) for step in found.rail] == [
        ("Plan shared", "2 planned", "past"),
        ("PRs and CRQs", "1 of 2", "now"),
        ("Docs and branch", "1 of 2", "next"),
        ("CRQ approvals", "1 of 2", ""),
        ("Code install", "0 of 2", ""),
        ("Status email", "Not sent", ""),
    ]
    assert [step.node for step in found.rail] == ["done", "you", "none", "none", "none", "none"]
    assert [step.when for step in found.rail][1:] == [
        "Today, 2:00 pm ET",
        "Today",
        "Today, 5:00 pm ET",
        "Thu, about 2:00 pm",
        "Thu, after install",
    ]
    assert found.next_due is not None
    assert (found.next_due.at, found.next_due.label) == (
        moment(stage.week, "cutoff"),
        "until pull requests and CRQs are due",
    )


def test_the_countdown_names_the_day_when_it_is_not_today(stage: Stage) -> None:
    found = look(stage, stage.cast.manager)

    assert found.next_due is not None
    assert found.next_due.label == "until pull requests and CRQs are due on Tuesday"


def test_a_missed_step_is_marked(stage: Stage) -> None:
    stage.planned()

    found = look(stage, stage.cast.manager, at=moment(stage.week, "cutoff", seconds=1))

    assert [(step.state, step.node) for step in found.rail][1:3] == [("past", "stop"), ("now", "you")]


def test_when_the_week_is_over_nothing_is_counted_down(stage: Stage) -> None:
    found = look(stage, stage.cast.manager, at=moment(stage.week, "install_close", seconds=1))

    assert found.next_due is None
    assert not found.can_plan
    assert [step.state for step in found.rail] == ["past"] * 5 + ["next"]


def test_the_heads_say_when_their_columns_are_due(stage: Stage) -> None:
    heads = [(head.due, head.columns) for head in look(stage, stage.cast.manager).columns]

    assert heads == [
        ("Tue 2 pm", ["PRs", "CRQ"]),
        ("Tuesday", ["Docs", "Plan", "Branch"]),
        ("Tue 5 pm", ["Approval"]),
        ("Thursday", ["Install", "Verify"]),
    ]


@pytest.mark.parametrize(
    ("who", "may"), [("developer", True), ("scrum_master", True), ("devops", False), ("outsider", False)]
)
def test_planners_may_add_a_deployment(stage: Stage, who: str, may: bool) -> None:
    assert look(stage, getattr(stage.cast, who)).can_plan is may


# --- The page ------------------------------------------------------------------------------------------------
def page(client: Client, stage: Stage, week: ReleaseWeek, query: str = "") -> str:
    client.force_login(stage.cast.developer)
    response = client.get(f"{week.get_absolute_url()}{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_page_shows_the_rows_and_what_to_do(client: Client, stage: Stage) -> None:
    stage.planned()

    html = page(client, stage, stage.week)

    assert "Week of December 10" in html
    assert "Due by Tue 2:00 pm" in html
    assert "Create CRQ" in html


def test_an_empty_week_says_how_to_fill_it(client: Client, stage: Stage) -> None:
    html = page(client, stage, stage.week)

    assert "No deployments planned for this week yet" in html
    assert "New deployment" in html


def test_an_empty_view_is_not_an_empty_week(client: Client, stage: Stage) -> None:
    stage.planned()

    html = page(client, stage, stage.week, "?view=blocked")

    assert "No deployment of this week is in this view." in html


def test_a_skipped_week_says_why(client: Client, stage: Stage) -> None:
    ClosedDay.objects.create(day=date(2026, 12, 24), name="Christmas Eve")
    week = a_week(date(2026, 12, 24))

    html = page(client, stage, week)

    assert "No code install this week" in html
    assert "Christmas Eve" in html
    assert "/deployments/new/?week=" not in html


def test_there_is_a_way_to_the_weeks_around(stage: Stage) -> None:
    a_week(date(2026, 12, 3))
    a_week(date(2026, 12, 17))

    found = look(stage, stage.cast.developer)

    assert (found.previous_url, found.next_url) == ("/weeks/2026-12-03/", "/weeks/2026-12-17/")
    assert look(stage, stage.cast.developer, thursday=date(2026, 12, 3)).previous_url == ""


@pytest.mark.parametrize("address", ["/weeks/2026-11-19/", "/weeks/2026-12-09/", "/weeks/2026-13-45/"])
def test_a_week_that_does_not_exist_is_not_found(client: Client, stage: Stage, address: str) -> None:
    client.force_login(stage.cast.developer)

    assert client.get(address).status_code == 404


@pytest.mark.parametrize("deployments", [1, 3])
@pytest.mark.parametrize("who", ["developer", "devops", "outsider"])
def test_the_page_takes_ten_statements(
    client: Client, stage: Stage, django_assert_num_queries, who: str, deployments: int
) -> None:
    stage.ready()
    for _ in range(deployments - 1):
        elsewhere(stage).cleared()
    client.force_login(getattr(stage.cast, who))

    with django_assert_num_queries(10):
        client.get(stage.week.get_absolute_url())


def test_rows_that_left_take_two_statements_more(client: Client, stage: Stage, django_assert_num_queries) -> None:
    stage.ready()
    following = a_week(THURSDAY + timedelta(days=7))
    for _ in range(2):
        perform(
            DEPLOYMENT,
            "move",
            elsewhere(stage).ready(),
            by=stage.cast.manager,
            week=following,
            reason="Not tested yet.",
        )
    perform(DEPLOYMENT, "withdraw", elsewhere(stage).ready(), by=stage.cast.manager, reason="Not needed.")
    client.force_login(stage.cast.manager)

    with django_assert_num_queries(12):
        client.get(stage.week.get_absolute_url())


def test_a_past_deadline_is_told_as_it_was(stage: Stage) -> None:
    """One was ready at each deadline, one never; the second caught up with the first deadline an hour late."""
    elsewhere(stage).cleared()
    deployment = stage.planned()
    for key in ("cutoff", "approval"):
        enforce(moment(stage.week, key, seconds=1))
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        stage.open_crq(deployment)

    found = look(stage, stage.cast.manager, at=moment(stage.week, "approval", hours=2))

    assert [(step.label, step.tally, step.node) for step in found.rail][1:4] == [
        ("PRs and CRQs", "1 of 2 at the deadline", "stop"),
        ("Docs and branch", "1 of 2 at the deadline", "stop"),
        ("CRQ approvals", "1 of 2 at the deadline", "stop"),
    ]


def test_what_left_a_week_after_its_deadline_still_counts_there(stage: Stage) -> None:
    following = a_week(THURSDAY + timedelta(days=7))
    deployment = stage.ready()
    enforce(moment(stage.week, "cutoff", seconds=1))
    with clock.frozen(moment(stage.week, "cutoff", hours=1)):
        perform(DEPLOYMENT, "move", deployment, by=stage.cast.manager, week=following, reason="Not tested yet.")

    found = look(stage, stage.cast.manager, at=moment(stage.week, "cutoff", hours=2))

    assert found.rail[1].tally == "1 of 1 at the deadline"


@pytest.mark.parametrize("deployments", [1, 3])
def test_a_past_week_takes_one_statement_more(
    client: Client, stage: Stage, django_assert_num_queries, deployments: int
) -> None:
    stage.ready()
    for _ in range(deployments - 1):
        elsewhere(stage).cleared()
    enforce(moment(stage.week, "approval", seconds=1))
    client.force_login(stage.cast.developer)

    with clock.frozen(moment(stage.week, "approval", hours=1)), django_assert_num_queries(11):
        client.get(stage.week.get_absolute_url())
