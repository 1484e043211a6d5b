"""The warning that nobody could approve what is planned, three days before a Tuesday deadline."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Deputy, Membership
from accounts.roles import Role
from crq.coverage import gaps, tasks, warn_coverage
from crq.flow import CRQ_FLOW
from crq.guards import possible_approvers
from crq.models import CRQ
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from notifications.models import Email, Letter
from tests.factories import TeamFactory
from tests.stages import EARLY, Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform, refusal


@pytest.fixture
def alone(stage: Stage) -> Stage:
    """The team with only one manager."""
    Membership.objects.filter(user=stage.cast.second_manager, role=Role.MANAGER).delete()
    return stage


def opened_by_the_manager(stage: Stage) -> Deployment:
    deployment = stage.planned()
    begin(CRQ_FLOW, "open", CRQ(deployment=deployment), by=stage.cast.manager)
    return stage.fresh(deployment)


def sentences(stage: Stage, **offset: float) -> list[str]:
    return [gap.sentence for gap in gaps(moment(stage.week, "cutoff", **offset))]


def test_the_only_manager_who_opened_the_crq_leaves_nobody(alone: Stage) -> None:
    opened_by_the_manager(alone)

    [sentence] = sentences(alone)
    assert sentence.startswith("Nobody can approve it by Tue Dec 8, 5:00 pm ET: Anita Desai opened the CRQ.")
    assert sentence.endswith("Identity needs another Dev Manager.")


def test_one_free_manager_is_enough(stage: Stage) -> None:
    opened_by_the_manager(stage)
    assert sentences(stage) == []


def test_an_author_does_not_count_even_before_there_is_a_crq(alone: Stage) -> None:
    deployment = alone.planned()
    deployment.pull_requests.update(author=alone.cast.manager)

    [sentence] = sentences(alone)
    assert "Anita Desai wrote a pull request on it" in sentence


def test_without_a_crq_any_manager_is_enough(alone: Stage) -> None:
    alone.plan()
    assert sentences(alone) == []


def test_a_team_without_a_manager(stage: Stage) -> None:
    Membership.objects.filter(role=Role.MANAGER).delete()
    stage.plan()

    assert sentences(stage) == ["Nobody can approve it by Tue Dec 8, 5:00 pm ET: Identity has no Dev Manager."]


def test_a_manager_who_left_does_not_count(alone: Stage) -> None:
    alone.plan()
    alone.cast.manager.is_active = False
    alone.cast.manager.save()

    assert len(sentences(alone)) == 1


def test_a_deputy_of_whoever_opened_it_is_no_help(alone: Stage) -> None:
    """What the warning says is what the guard does."""
    deployment = opened_by_the_manager(alone)
    day = date(2026, 12, 8)
    Deputy.objects.create(
        for_user=alone.cast.manager, deputy=alone.cast.outsider, role=Role.MANAGER, starts=day, ends=day
    )
    now = moment(alone.week, "cutoff")

    assert len(sentences(alone)) == 1
    no = refusal(CRQ_FLOW, "approve", deployment.crq, by=alone.cast.outsider, now=now)
    assert no is not None
    assert no.sentence.startswith("Anita Desai, for whom you act, opened this CRQ")
    assert possible_approvers(deployment.crq, day) == []


@pytest.mark.parametrize(
    ("key", "offset", "found"),
    [
        ("cutoff", {"days": -3, "seconds": -1}, 0),
        ("cutoff", {"days": -3}, 1),
        ("approval", {}, 1),
        ("approval", {"seconds": 1}, 0),
    ],
)
def test_from_three_days_before_the_first_deadline_until_the_last(
    alone: Stage, key: str, offset: dict[str, float], found: int
) -> None:
    opened_by_the_manager(alone)
    assert len(gaps(moment(alone.week, key, **offset))) == found


def test_only_what_is_planned_counts(stage: Stage) -> None:
    deployment = opened_by_the_manager(stage)
    perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
    Membership.objects.filter(role=Role.MANAGER).delete()

    assert sentences(stage) == []


def test_the_scrum_master_is_told_once(alone: Stage) -> None:
    opened_by_the_manager(alone)
    for minutes in (0, 1, 600):
        warn_coverage(moment(alone.week, "cutoff", days=-1, minutes=minutes))

    letter = Letter.objects.get(kind="coverage_warning")
    assert [email.to for email in Email.objects.filter(letter=letter)] == [alone.cast.scrum_master.email]
    assert "Anita Desai opened the CRQ" in " ".join(letter.text.split())
    assert letter.subject == "Nobody can approve: Session timeout for the admin portal"


def test_another_week_is_another_warning(alone: Stage) -> None:
    following = a_week(alone.week.thursday + timedelta(days=7))
    deployment = opened_by_the_manager(alone)
    assert warn_coverage(moment(alone.week, "cutoff", days=-1)) == 1
    with clock.frozen(EARLY):
        perform(DEPLOYMENT, "move", deployment, by=alone.cast.manager, reason="Later", week=following)

    assert warn_coverage(moment(following, "cutoff", days=-1)) == 1


def test_the_task_names_the_page_and_the_deadline(alone: Stage) -> None:
    deployment = opened_by_the_manager(alone)

    [task] = tasks(gaps(moment(alone.week, "cutoff")))
    assert (task.verb, task.subject) == ("Find an approver for", deployment.title)
    assert (task.url, task.due) == (deployment.crq.get_absolute_url(), alone.week.due("approval"))


@pytest.mark.parametrize("rows", [1, 3])
def test_as_many_statements_for_three_as_for_one(alone: Stage, django_assert_num_queries: Any, rows: int) -> None:
    for each in [alone, alone.beside(), alone.beside()][:rows]:
        opened_by_the_manager(each)
    TeamFactory()
    now = moment(alone.week, "cutoff")

    with django_assert_num_queries(4):
        assert len(gaps(now)) == rows


def test_a_quiet_day_costs_one_statement(alone: Stage, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert warn_coverage(EARLY) == 0
