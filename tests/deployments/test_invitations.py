"""The agenda of the weekly review: to Dev Teams and DevOps, the day before, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.mail import Topic
from accounts.models import Muted
from deployments.flow import CODE_REVIEW
from deployments.invitations import send_agendas
from deployments.models import CodeReview
from notifications.models import Email, Letter
from tests.stages import Stage
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused


def sent(at: datetime) -> int:
    with clock.frozen(at):
        return send_agendas(at)


def review_at() -> datetime:
    return CodeReview.objects.get().at


def letters() -> list[Letter]:
    return list(Letter.objects.filter(kind="review_agenda"))


@pytest.mark.parametrize(("hours", "expected"), [(-24.001, 0), (-24, 1), (-1, 1), (0, 1), (0.001, 0)])
def test_from_the_day_before_until_it_begins(stage: Stage, hours: float, expected: int) -> None:
    assert sent(review_at() + timedelta(hours=hours)) == expected


def test_to_developers_and_devops_alone(stage: Stage) -> None:
    Muted.objects.create(user=stage.cast.reviewer, topic=Topic.AGENDA)
    sent(review_at() - timedelta(hours=20))
    cast = stage.cast
    expected = {cast.developer, cast.other_developer, cast.devops, cast.second_devops}
    assert set(Email.objects.values_list("to", flat=True)) == {person.email for person in expected}


def test_once_for_each_time_of_the_review(stage: Stage) -> None:
    first = review_at()
    assert [sent(first - timedelta(hours=hours)) for hours in (24, 23, 1)] == [1, 0, 0]
    review = CodeReview.objects.get()
    with clock.frozen(first - timedelta(hours=1)):
        perform(CODE_REVIEW, "reschedule", review, by=None, at=first + timedelta(hours=2))
    assert sent(first) == 1


def test_of_two_at_once_one_sends(stage: Stage) -> None:
    with clock.frozen(review_at() - timedelta(hours=3)):
        perform(CODE_REVIEW, "announce", CodeReview.objects.get(), by=None)
        with pytest.raises(Refused, match="went out already"):
            perform(CODE_REVIEW, "announce", CodeReview.objects.get(), by=None)
    assert len(letters()) == 2  # one to the Dev Teams, one to DevOps


def test_a_cancelled_review_has_none(stage: Stage) -> None:
    early = review_at() - timedelta(days=3)
    with clock.frozen(early):
        perform(CODE_REVIEW, "cancel", CodeReview.objects.get(), by=stage.cast.scrum_master, reason="Nothing")
    assert sent(review_at() - timedelta(hours=3)) == 0


def test_it_lists_what_waits_with_its_age_and_approvals(stage: Stage) -> None:
    at = review_at() - timedelta(hours=5)
    with clock.frozen(at - timedelta(days=2)):
        stage.review(stage.submit(title="Expire idle sessions"))
        stage.submit(title="A second one")
    sent(at)
    text = " ".join(letters()[0].text.split())
    assert letters()[0].subject.endswith("2 pull requests")
    assert "Identity Expire idle sessions 1 of 1 approvals: it is fully approved" in text
    assert "Hannah Cole, submitted 2 days ago" in text
    assert "A second one 0 of 1 approvals: it needs one more approval" in text


def test_with_nothing_submitted_it_says_so(stage: Stage) -> None:
    sent(review_at() - timedelta(hours=5))
    assert letters()[0].subject.endswith("nothing submitted yet")


def test_a_quiet_run_costs_one_statement(stage: Stage, django_assert_num_queries: Any) -> None:
    early = review_at() - timedelta(days=2)
    with django_assert_num_queries(1):
        assert send_agendas(early) == 0
