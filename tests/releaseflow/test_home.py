"""My tasks, the frame around every page, and the ways to the current week."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Membership, User
from accounts.roles import Role
from crq.deadlines import enforce
from deployments.flow import CODE_REVIEW
from deployments.models import ClosedDay, CodeReview
from releaseflow.home import Home, home
from tests.factories import ApplicationFactory, RepositoryFactory
from tests.stages import EARLY, THURSDAY, Stage, a_week, moment
from workflow import clock
from workflow.machine import perform


def look(by: User, at: datetime = EARLY) -> Home:
    return home(User.objects.get(pk=by.pk), now=at)


def shown(by: User, at: datetime = EARLY) -> dict[str, list[str]]:
    """What each group says, as "verb subject"."""
    return {group.label: [f"{line.verb} {line.subject}" for line in group.tasks] for group in look(by, at).groups}


def elsewhere(stage: Stage) -> Stage:
    """The same people with another application of the team."""
    application = ApplicationFactory(team=stage.cast.team)
    repository = RepositoryFactory(application=application)
    return Stage(replace(stage.cast, application=application, repository=repository), stage.week)


# --- Groups --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "hours", "group"),
    [
        ("approval", 1, "Overdue"),
        ("approval", 0, "Due today"),
        ("approval", -5, "Due today"),
        ("approval", -24, "This week"),
        ("approval", -24 * 4, "Later"),
    ],
)
def test_tasks_are_grouped_by_when_they_are_due(stage: Stage, key: str, hours: int, group: str) -> None:
    stage.ready()

    assert shown(stage.cast.manager, moment(stage.week, key, hours=hours)) == {
        group: ["Approve the CRQ Session timeout for the admin portal"]
    }


def test_a_late_task_is_marked_and_counted(stage: Stage) -> None:
    stage.ready()

    found = look(stage.cast.manager, moment(stage.week, "approval", seconds=1))

    assert [line.late for group in found.groups for line in group.tasks] == [True]
    assert found.subtitle == "1 task, 1 overdue"


def test_the_subtitle_says_what_is_next(stage: Stage) -> None:
    stage.with_crq()

    found = look(stage.cast.developer, moment(stage.week, "cutoff"))

    assert found.subtitle == "2 tasks, the next is due today, 5:00 pm ET"
    assert found.count == 2


# --- Pull requests -------------------------------------------------------------------------------------------
def test_a_planned_pull_request_is_reviewed_by_the_others_of_its_team(stage: Stage) -> None:
    pull_request = stage.join(stage.plan(), stage.submit())

    assert "Review identity-admin #481: Expire idle sessions" in shown(stage.cast.reviewer)["This week"]
    assert "Review" not in str(shown(stage.cast.developer))
    assert shown(stage.cast.other_developer) == {}

    stage.review(pull_request)

    assert "Review" not in str(shown(stage.cast.reviewer))


def test_a_new_head_asks_the_reviewer_again(stage: Stage) -> None:
    from deployments.flow import PULL_REQUEST

    pull_request = stage.review(stage.join(stage.plan(), stage.submit()))
    assert "Review" not in str(shown(stage.cast.reviewer))

    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="f" * 40)

    assert "Review identity-admin #481" in str(shown(stage.cast.reviewer))


def test_one_who_reviewed_the_head_is_not_asked_while_another_approval_is_missing(stage: Stage) -> None:
    stage.cast.repository.required_approvals = 2
    stage.cast.repository.save()
    third = User.objects.get(pk=stage.cast.outsider.pk)
    Membership.objects.create(user=third, team=stage.cast.team, role=Role.DEVELOPER)

    stage.review(stage.submit())

    assert shown(stage.cast.reviewer) == {}
    assert "Review identity-admin #481" in str(shown(third))


def test_requested_changes_are_the_authors_task(stage: Stage) -> None:
    stage.review(stage.submit(), "changes_requested")

    assert "Rework identity-admin #481: Expire idle sessions" in str(shown(stage.cast.developer))
    assert shown(stage.cast.reviewer) == {}


def test_a_pull_request_of_the_queue_is_due_at_the_next_code_review(stage: Stage) -> None:
    following = a_week(THURSDAY + timedelta(days=7))
    stage.submit()

    [group] = look(stage.cast.reviewer).groups

    assert group.tasks[0].due == moment(following, "code_review")
    assert [task.who for task in look(stage.cast.developer).waiting] == ["Identity · it needs one more approval"]


# --- Scrum Master and DevOps ---------------------------------------------------------------------------------
def test_the_weekly_review_is_held_or_cancelled(stage: Stage) -> None:
    stage.submit()
    at = moment(stage.week, "code_review", days=-1)
    assert shown(stage.cast.scrum_master, at) == {
        "This week": ["Hold or cancel the code review for the week of Thu Dec 10"]
    }

    with clock.frozen(at):
        perform(CODE_REVIEW, "hold", CodeReview.objects.get(), by=stage.cast.scrum_master)

    assert shown(stage.cast.scrum_master, at) == {}


def test_a_review_without_pull_requests_proposes_to_cancel_it(stage: Stage) -> None:
    [group] = look(stage.cast.scrum_master, moment(stage.week, "code_review", hours=-2)).groups

    assert group.tasks[0].verb == "Cancel or hold"
    assert group.tasks[0].why == "No pull request was submitted for it"


def test_only_the_next_review_is_asked_for(stage: Stage) -> None:
    a_week(THURSDAY + timedelta(days=7))
    a_week(THURSDAY + timedelta(days=14))

    reviews = [line for lines in shown(stage.cast.scrum_master).values() for line in lines if "code review" in line]

    assert [line[-10:] for line in reviews] == ["Thu Dec 10", "Thu Dec 17"]


def test_devops_marks_the_batch_complete_on_the_install_day(stage: Stage) -> None:
    stage.cleared()
    thursday = moment(stage.week, "install", hours=-1)
    assert shown(stage.cast.devops, moment(stage.week, "install", days=-1)) == {}
    assert shown(stage.cast.devops, thursday) == {"Due today": ["Mark the batch complete for Thu Dec 10"]}

    stage.complete_batch()

    assert shown(stage.cast.devops, thursday) == {"Due today": ["Start Session timeout for the admin portal"]}


def test_with_nothing_to_install_nobody_marks_the_batch(stage: Stage) -> None:
    stage.planned()

    assert shown(stage.cast.devops, moment(stage.week, "install", hours=-1)) == {}


def test_several_roles_come_together(stage: Stage) -> None:
    Membership.objects.create(user=stage.cast.scrum_master, team=stage.cast.team, role=Role.MANAGER)
    stage.ready()

    said = str(shown(stage.cast.scrum_master))

    assert "Approve the CRQ" in said
    assert "the planned-deployments e-mail" in said


# --- Nothing to do -------------------------------------------------------------------------------------------
def test_without_tasks_the_next_deadline_is_named(stage: Stage) -> None:
    stage.ready()

    found = look(stage.cast.outsider)

    assert (found.groups, found.waiting) == ([], [])
    assert found.empty_sentence == "The next deadline is Tuesday 2:00 pm ET: pull requests and CRQs."


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("cutoff", "today, 2:00 pm ET: pull requests and CRQs."),
        ("approval", "today, 5:00 pm ET: documents, release branches and CRQ approvals."),
        ("install", "today, 6:00 pm ET: installs and their verification."),
    ],
)
def test_each_deadline_says_what_it_is_for(stage: Stage, key: str, words: str) -> None:
    found = look(stage.cast.outsider, moment(stage.week, key))

    assert found.empty_sentence == f"The next deadline is {words}"


def test_without_a_week_that_is_said(db: None) -> None:
    from tests.factories import person

    assert look(person("Nick", "Nowhere")).empty_sentence == "No release week is open yet."


# --- Pages ---------------------------------------------------------------------------------------------------
def test_the_page_shows_tasks_and_what_is_awaited(client: Client, stage: Stage) -> None:
    stage.ready()
    client.force_login(stage.cast.manager)
    html = client.get("/").content.decode()

    assert "<b>Approve the CRQ</b> Session timeout for the admin portal" in html
    assert "1 d 7 h" in html
    assert 'is-you">1<' in html

    client.force_login(stage.cast.developer)
    html = client.get("/").content.decode()

    assert "Waiting on others" in html
    assert "Anita Desai" in html
    assert "Nothing waiting for you" in html


def test_the_frame_has_the_person_and_only_pages_that_exist(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.manager)
    response = client.get("/")

    html = response.content.decode()
    side = html.partition('<nav class="side"')[2].partition('<div class="me"')[0]
    assert re.findall(r"</svg>([^<]+)", side) == [
        "My tasks",
        "Week board",
        "CRQs",
        "Pull requests",
        "Code review",
        "Install day",
        "Exemptions",
        "Emails",
        "Calendar",
        "Activity",
        "Settings",
    ]
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', side) == ["/"]
    assert '<a href="/weeks/2026-12-10/install/">' in side
    assert "Dev Manager · Identity" in html
    assert "Mon Dec 7, 10:00 am ET" in html
    assert response.context["demo"] is None


def test_a_stranger_is_asked_to_sign_in_without_a_statement(
    client: Client, stage: Stage, django_assert_num_queries
) -> None:
    for address in ("/", "/weeks/", "/weeks/2026-12-10/"):
        assert client.get(address).headers["Location"].startswith("/sign-in/")

    with django_assert_num_queries(0):
        html = client.get("/sign-in/").content.decode()

    assert "My tasks" not in html


def test_the_way_to_the_week_people_are_in(client: Client, stage: Stage) -> None:
    a_week(THURSDAY + timedelta(days=7))
    client.force_login(stage.cast.developer)

    assert client.get("/weeks/").headers["Location"] == "/weeks/2026-12-10/"
    with clock.frozen(moment(stage.week, "install_close", seconds=1)):
        client.force_login(stage.cast.developer)
        assert client.get("/weeks/").headers["Location"] == "/weeks/2026-12-17/"
    with clock.frozen(moment(stage.week, "install_close", days=30)):
        client.force_login(stage.cast.developer)
        assert client.get("/weeks/").headers["Location"] == "/weeks/2026-12-17/"


def test_without_any_week_the_board_says_so(client: Client, db: None) -> None:
    from tests.factories import person

    client.force_login(person("Nick", "Nowhere"))

    html = client.get("/weeks/", follow=True).content.decode()

    assert "No release week is open yet. An administrator opens the first ones." in html


@pytest.mark.parametrize("deployments", [1, 3])
@pytest.mark.parametrize(
    "expected", [("developer", 10), ("manager", 11), ("devops", 9), ("scrum_master", 11), ("outsider", 4)]
)
def test_the_page_takes_as_many_statements_for_three_as_for_one(
    client: Client, stage: Stage, django_assert_num_queries, expected: tuple[str, int], deployments: int
) -> None:
    who, statements = expected
    stage.ready()
    stage.submit()
    for _ in range(deployments - 1):
        other = elsewhere(stage)
        other.ready()
        other.submit()
    client.force_login(getattr(stage.cast, who))

    with django_assert_num_queries(statements):
        client.get("/")


def test_an_administrator_confirms_each_years_closed_days_in_time(stage: Stage) -> None:
    """In December the weeks of January are open, and nobody said yet which of its days are holidays."""
    ClosedDay.objects.create(day=date(2026, 12, 25), name="Christmas Day")
    task = "Confirm the holidays and freezes of 2027"

    assert shown(stage.cast.administrator, EARLY - timedelta(weeks=16)) == {}
    assert shown(stage.cast.administrator) == {"This week": [task]}
    assert not any(task in tasks for tasks in shown(stage.cast.scrum_master).values())
    [line] = look(stage.cast.administrator).groups[0].tasks
    assert line.url == "/settings/closed-days/?year=2027&propose=1#propose"

    ClosedDay.objects.create(day=date(2027, 1, 1), name="New Year's Day")
    assert shown(stage.cast.administrator) == {}


def test_whoever_holds_every_role_pays_for_each(client: Client, stage: Stage, django_assert_num_queries) -> None:
    for role in (Role.DEVELOPER, Role.MANAGER):
        Membership.objects.create(user=stage.cast.scrum_master, team=stage.cast.team, role=role)
    stage.cast.scrum_master.appointments.create(role=Role.DEVOPS)
    stage.ready()
    stage.submit()
    enforce(moment(stage.week, "plan_email", seconds=1))
    client.force_login(stage.cast.scrum_master)

    with django_assert_num_queries(20):
        client.get("/")
