"""Tasks of deliverables and of the week's e-mails: there for whoever owes them, gone when they are done."""

from datetime import datetime, timedelta

import pytest
from django.db.models import Q

from accounts.models import User
from crq.announcing import ANNOUNCEMENT, draft
from crq.deadlines import enforce
from crq.flow import CRQ_FLOW
from crq.gathering import dated
from crq.inbox import announcements, concerning, recent_weeks, tasks, waiting, with_announcements
from crq.models import CRQ, ExemptionRequest
from crq.turns import Turns
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.inbox import Task
from workflow.machine import perform


def everything(by: User, now: datetime) -> list[Turns]:
    fresh = User.objects.get(pk=by.pk)
    gathered = concerning(fresh, dated(recent_weeks(now)), now=now)
    return [Turns(facts, by=fresh, now=now) for facts in gathered.facts]


def owed(by: User, now: datetime = EARLY) -> list[Task]:
    return [task for turns in everything(by, now) for task in tasks(turns)]


def verbs(by: User, now: datetime = EARLY) -> list[str]:
    return [task.verb for task in owed(by, now)]


def awaited(by: User, now: datetime = EARLY) -> list[tuple[str, str]]:
    return [(task.verb, task.who) for turns in everything(by, now) for task in waiting(turns)]


def mails(now: datetime) -> list[str]:
    return [task.subject for task in announcements(dated(with_announcements(recent_weeks(now))), now=now)]


DOCUMENTS = ["Attach the business justification", "Attach the test results"]
PLAN = "Attach the install and backout plan"
BRANCH = "Merge and create the release branch"


# --- Who owes what at each stage -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage_name", "who", "expected"),
    [
        ("plan", "developer", ["Add a pull request to", "Create the CRQ"]),
        ("plan", "manager", []),
        ("planned", "developer", ["Create the CRQ"]),
        ("planned", "reviewer", ["Create the CRQ"]),
        ("planned", "devops", []),
        ("with_crq", "developer", DOCUMENTS),
        ("with_crq", "devops", [PLAN, BRANCH]),
        ("with_crq", "manager", []),
        ("ready", "developer", []),
        ("ready", "devops", []),
        ("ready", "manager", ["Approve the CRQ"]),
        ("ready", "second_manager", ["Approve the CRQ"]),
        ("cleared", "manager", []),
        ("cleared", "devops", []),
        ("installing", "devops", ["Finish"]),
        ("installing", "developer", []),
        ("installed", "developer", ["Verify"]),
        ("installed", "devops", []),
        ("installed", "manager", []),
    ],
)
def test_tasks_of_each_role_at_each_stage(stage: Stage, stage_name: str, who: str, expected: list[str]) -> None:
    getattr(stage, stage_name)()

    assert verbs(getattr(stage.cast, who)) == expected


@pytest.mark.parametrize("who", ["outsider", "director", "scrum_master", "other_developer", "other_manager"])
@pytest.mark.parametrize("stage_name", ["planned", "with_crq", "ready", "installed"])
def test_others_owe_nothing(stage: Stage, stage_name: str, who: str) -> None:
    getattr(stage, stage_name)()

    assert owed(getattr(stage.cast, who)) == []
    assert awaited(getattr(stage.cast, who)) == []


def test_a_task_says_what_when_and_why(stage: Stage) -> None:
    deployment = stage.ready()

    [task] = owed(stage.cast.manager)

    assert task == Task(
        verb="Approve the CRQ",
        subject="Session timeout for the admin portal",
        url=f"/crqs/{deployment.crq.number}/",
        why=f"Identity · {deployment.crq.number} · installs Thu Dec 10",
        due=moment(stage.week, "approval"),
        since=EARLY,
        pick=deployment.crq.number,
    )


def test_each_task_leads_to_its_form(stage: Stage) -> None:
    deployment = stage.planned()
    assert [task.url for task in owed(stage.cast.developer)] == [f"/deployments/{deployment.pk}/crq/"]

    number = stage.open_crq(deployment).number

    assert {task.url for task in owed(stage.cast.developer)} == {f"/crqs/{number}/#attach"}
    assert [task.url for task in owed(stage.cast.devops)] == [
        f"/crqs/{number}/#attach",
        f"/deployments/{deployment.pk}/merge/",
    ]


# --- Done is gone --------------------------------------------------------------------------------------------
def test_an_attached_document_is_no_task_any_more(stage: Stage) -> None:
    deployment = stage.with_crq()

    stage.attach(deployment.crq, "justification")

    assert verbs(stage.cast.developer) == ["Attach the test results"]


def test_branch_and_core_dev_are_one_task_until_the_branch_is_there(stage: Stage) -> None:
    deployment = stage.with_crq()
    names = {pull.repository_id: "release/1" for pull in deployment.pull_requests.all()}

    perform(DEPLOYMENT, "record_branch", deployment, by=stage.cast.devops, names=names)

    assert verbs(stage.cast.devops) == [PLAN, "Deploy to core dev"]


def test_whoever_opened_the_crq_is_not_asked_to_approve_it(stage: Stage) -> None:
    deployment = stage.ready()
    CRQ.objects.filter(pk=deployment.crq.pk).update(opened_by=stage.cast.manager)

    assert verbs(stage.cast.manager) == []
    assert awaited(stage.cast.manager) == [("Waiting for manager approval", "Samuel Ortiz")]
    assert verbs(stage.cast.second_manager) == ["Approve the CRQ"]


def test_the_batch_opens_the_install(stage: Stage) -> None:
    stage.cleared()
    stage.complete_batch()

    [task] = owed(stage.cast.devops, moment(stage.week, "install", minutes=1))

    assert (task.verb, task.url) == ("Start", "/weeks/2026-12-10/install/")
    assert task.due == moment(stage.week, "install_close")


def test_a_held_deployment_is_the_managers_to_move(stage: Stage) -> None:
    stage.planned()
    at = moment(stage.week, "cutoff", seconds=1)
    enforce(at)

    [task] = owed(stage.cast.manager, at)

    assert (task.verb, task.due) == ("Move or withdraw", None)
    assert task.why.endswith("Not done by Tue Dec 8, 2:00 pm ET: CRQ created.")
    assert [task.verb for task in owed(stage.cast.developer, at)] == ["Create the CRQ"]  # an exemption needs one


def test_a_returned_crq_is_the_teams_turn_until_the_content_changes(stage: Stage) -> None:
    crq = stage.ready().crq
    perform(CRQ_FLOW, "return", crq, by=stage.cast.manager, reason="Add the load test.")

    assert [task.verb for task in owed(stage.cast.developer, EARLY)] == ["Answer the changes asked for on"]
    assert owed(stage.cast.manager, EARLY) == []
    stage.attach(crq, "tests", b"with the load test")
    assert owed(stage.cast.developer, EARLY) == []
    assert [task.verb for task in owed(stage.cast.manager, EARLY)] == ["Approve the CRQ"]


def test_a_granted_exemption_leaves_time_until_the_install(stage: Stage) -> None:
    deployment = stage.ready()
    ExemptionRequest.objects.create(
        crq=deployment.crq,
        week=stage.week,
        status=ExemptionRequest.Status.GRANTED,
        why="The vendor was late.",
        why_now="The old certificate ends on Friday.",
        risk="Small.",
        requested_by=stage.cast.manager,
        requested_at=EARLY,
        decided_by=stage.cast.director,
        decided_at=EARLY,
        decision_reason="The certificate cannot wait.",
    )

    [task] = owed(stage.cast.manager)

    assert task.due == moment(stage.week, "install")


def test_a_verified_deployment_asks_nothing_of_anybody(stage: Stage) -> None:
    deployment = stage.installed()
    at = moment(stage.week, "install", hours=1)
    with clock.frozen(at):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)

    assert [verbs(person, at) for person in User.objects.all() if verbs(person, at)] == []


def test_an_install_that_was_never_verified_stays_after_its_week(stage: Stage) -> None:
    stage.installed()
    monday = moment(stage.week, "install_close", days=4)

    [task] = owed(stage.cast.developer, monday)

    assert task.late(monday)


# --- Waiting on others ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stage_name", "who", "expected"),
    [
        ("planned", "manager", [("Create the CRQ", "Hannah Cole")]),
        ("ready", "developer", [("Waiting for manager approval", "Anita Desai")]),
        ("installed", "manager", [("Verify the install", "Hannah Cole")]),
        ("installing", "developer", [("Finish the install", "Grace Okafor")]),
        ("cleared", "developer", []),
        ("planned", "devops", []),
    ],
)
def test_a_team_sees_whom_it_waits_for(
    stage: Stage, stage_name: str, who: str, expected: list[tuple[str, str]]
) -> None:
    getattr(stage, stage_name)()

    assert awaited(getattr(stage.cast, who)) == expected


# --- The week's two e-mails ----------------------------------------------------------------------------------
def test_the_plan_is_owed_after_the_code_review_until_it_is_sent(stage: Stage) -> None:
    after = moment(stage.week, "code_review", minutes=1)
    assert mails(moment(stage.week, "code_review")) == []
    assert mails(after) == ["the planned-deployments e-mail for Thu Dec 10"]

    with clock.frozen(after):
        perform(ANNOUNCEMENT, "send", draft("planned_deployments", stage.week), by=stage.cast.scrum_master)

    assert mails(after) == []


def test_the_completion_email_is_owed_when_every_install_has_an_outcome(stage: Stage) -> None:
    deployment = stage.installed()
    enforce(moment(stage.week, "plan_email", seconds=1))
    at = moment(stage.week, "install", hours=1)
    assert mails(at) == []

    with clock.frozen(at):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)
    assert mails(at) == ["the completion e-mail for Thu Dec 10"]

    with clock.frozen(at):
        perform(ANNOUNCEMENT, "send", draft("completion_status", stage.week), by=stage.cast.scrum_master)
    assert mails(at) == []


def test_a_week_whose_deployments_are_all_held_waits_for_its_install_day(stage: Stage) -> None:
    stage.planned()
    tuesday = moment(stage.week, "approval", seconds=1)
    enforce(tuesday)
    assert Deployment.objects.get().status == Deployment.Status.HELD

    assert mails(tuesday) == []
    assert mails(moment(stage.week, "exemption_close")) == ["the completion e-mail for Thu Dec 10"]


def test_without_deployments_no_completion_email_is_owed(stage: Stage) -> None:
    enforce(moment(stage.week, "plan_email", seconds=1))

    assert mails(moment(stage.week, "install")) == []


# --- What is read --------------------------------------------------------------------------------------------
def test_weeks_carry_their_deadlines_in_one_statement(stage: Stage, django_assert_num_queries) -> None:
    cutoff = moment(stage.week, "cutoff")

    with django_assert_num_queries(1):
        [week] = dated(recent_weeks(EARLY))
        assert week.due("cutoff") == cutoff


def test_the_queue_of_the_team_is_read_beside_its_deployments(stage: Stage) -> None:
    stage.join(stage.plan(), stage.submit())
    waiting_one = stage.submit()

    gathered = concerning(stage.cast.developer, dated(recent_weeks(EARLY)), now=EARLY)
    elsewhere = concerning(stage.cast.other_developer, dated(recent_weeks(EARLY)), now=EARLY)

    assert gathered.queue == [waiting_one]
    assert [len(facts.pull_requests) for facts in gathered.facts] == [1]
    assert (elsewhere.queue, elsewhere.facts) == ([], [])


def test_weeks_long_past_are_left_out(stage: Stage) -> None:
    stage.installed()

    assert owed(stage.cast.developer, EARLY + timedelta(weeks=5)) == []
    assert Deployment.objects.filter(Q(status="installed")).count() == 1
