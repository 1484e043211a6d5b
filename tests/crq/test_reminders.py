"""Reminders: who is reminded of what, when, how often, and what it costs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.mail import Topic
from accounts.models import Deputy, Membership, Muted, User
from accounts.roles import Role, at_work, read_standings, standing
from crq.models import Reminded
from crq.reminders import remind
from deployments.models import CodeReview, Deployment, Milestone
from notifications.models import Email
from releaseflow.home import home
from tests.factories import person
from tests.stages import Stage, moment
from workflow import clock
from workflow.eastern import eastern_day
from workflow.models import Event

DAY: dict[str, float] = {"hours": -24}
TWO: dict[str, float] = {"hours": -2}


def only(stage: Stage, key: str) -> None:
    """Of the week's other deadlines people were reminded before."""
    for each in Milestone.objects.exclude(week=stage.week, key=key):
        for hours in (2, 24):
            Reminded.objects.get_or_create(
                milestone=each, due_at=each.due_at, hours=hours, defaults={"at": each.due_at - timedelta(hours=hours)}
            )


def reminded(stage: Stage, offset: dict[str, float], key: str = "cutoff") -> set[str]:
    """Who got a reminder of this deadline at that moment, by the cast's names."""
    only(stage, key)
    Email.objects.all().delete()
    now = moment(stage.week, key, **offset)
    with clock.frozen(now):
        remind(now)
    names = {value.email: name for name, value in vars(stage.cast).items() if isinstance(value, User)}
    return {names[to] for to in Email.objects.filter(letter__kind="reminder").values_list("to", flat=True)}


def words(stage: Stage, name: str) -> str:
    email = Email.objects.get(letter__kind="reminder", to=getattr(stage.cast, name).email)
    return " ".join(email.letter.text.split())


@pytest.mark.parametrize(
    ("offset", "comes"),
    [
        ({"hours": -24, "microseconds": -1}, False),
        (DAY, True),
        ({"hours": -3}, True),
        (TWO, True),
        ({"seconds": 0}, True),
        ({"microseconds": 1}, False),
    ],
)
def test_from_a_day_before_until_it_is_due(stage: Stage, offset: dict[str, float], comes: bool) -> None:
    stage.planned()
    assert reminded(stage, offset) == ({"developer", "reviewer"} if comes else set())


def test_each_distance_once(stage: Stage) -> None:
    stage.planned()
    came = [bool(reminded(stage, {"hours": hours})) for hours in (-24, -23.99, -12, -2, -1.99, -1)]
    assert came == [True, False, False, True, False, False]
    assert Reminded.objects.filter(milestone__key="cutoff").count() == 2


def test_a_late_scheduler_skips_the_first_when_the_last_is_due(stage: Stage) -> None:
    stage.planned()
    reminded(stage, {"hours": -1})
    assert "One task is due in 2 hours" in words(stage, "developer")
    assert list(Reminded.objects.filter(milestone__key="cutoff").values_list("hours", flat=True)) == [2]


def test_a_deadline_that_moves_is_reminded_of_again(stage: Stage) -> None:
    stage.planned()
    reminded(stage, DAY)
    milestone = Milestone.objects.get(week=stage.week, key="cutoff")
    milestone.due_at += timedelta(hours=1)
    milestone.save()
    stage.week.__dict__.pop("_due", None)
    assert reminded(stage, DAY) == {"developer", "reviewer"}


def test_what_is_done_is_not_reminded_of(stage: Stage) -> None:
    stage.with_crq()
    assert reminded(stage, TWO) == set()


def test_who_is_reminded_of_an_approval(stage: Stage) -> None:
    """The managers; nobody of another team, no developer, and nobody who has left."""
    stage.ready()
    User.objects.filter(pk=stage.cast.second_manager.pk).update(is_active=False)
    assert reminded(stage, TWO, "approval") == {"manager"}


@pytest.mark.parametrize(("first", "is_told"), [(0, False), (1, True), (2, False)])
def test_a_deputy_is_reminded_inside_the_dates(stage: Stage, first: int, is_told: bool) -> None:
    stage.ready()
    day = date(2026, 12, 7) + timedelta(days=first)
    Deputy.objects.create(
        for_user=stage.cast.manager, deputy=stage.cast.outsider, role=Role.MANAGER, starts=day, ends=day
    )
    assert ("outsider" in reminded(stage, TWO, "approval")) is is_told


def test_the_day_before_can_be_muted_and_two_hours_cannot(stage: Stage) -> None:
    stage.planned()
    Muted.objects.create(user=stage.cast.developer, topic=Topic.DAY_BEFORE)
    assert reminded(stage, DAY) == {"reviewer"}
    assert reminded(stage, TWO) == {"developer", "reviewer"}


def test_an_install_and_its_verification(stage: Stage) -> None:
    stage.installed()
    assert reminded(stage, TWO, "install_close") == {"developer", "reviewer"}


def test_the_review_is_reminded_of_two_hours_before(stage: Stage) -> None:
    assert reminded(stage, {"hours": -24}, "code_review") == set()
    assert reminded(stage, TWO, "code_review") == {"scrum_master"}
    assert "Cancel or hold the code review" in words(stage, "scrum_master")


def test_deadlines_that_come_together_are_one_letter(stage: Stage) -> None:
    """At one o'clock on Tuesday, after a night without a scheduler."""
    ready, begun = stage, stage.beside()
    ready.ready()
    begun.planned()
    manager = stage.cast.manager
    Membership.objects.create(user=manager, team=stage.cast.team, role=Role.DEVELOPER)

    now = moment(stage.week, "cutoff", hours=-1)
    with clock.frozen(now):
        remind(now)

    assert Email.objects.filter(letter__kind="reminder", to=manager.email).count() == 1
    assert "Due Tue Dec 8, 2:00 pm ET:" in words(stage, "manager")
    assert "Due Tue Dec 8, 5:00 pm ET:" in words(stage, "manager")


@pytest.mark.parametrize("key", ["cutoff", "approval", "exemption_close", "install_close"])
@pytest.mark.parametrize("name", ["developer", "reviewer", "manager", "devops", "director", "scrum_master"])
def test_the_letter_says_what_the_page_says(stage: Stage, key: str, name: str) -> None:
    begun, ready = stage.beside(), stage.beside()
    begun.planned()
    begun.submit(title="Waits in the queue")
    ready.ready()
    stage.with_crq()
    reminded(stage, TWO, key)

    by = User.objects.get(pk=getattr(stage.cast, name).pk)
    due = moment(stage.week, key)
    lines = [line for group in home(by, now=moment(stage.week, key, **TWO)).groups for line in group.tasks]
    page = sorted((line.url, line.why) for line in lines if line.due == due)

    found = Email.objects.filter(letter__kind="reminder", to=by.email).select_related("letter")
    assert len(found) == bool(page)
    for url, why in page:
        text = " ".join(found[0].letter.text.split())
        assert f"{' '.join(why.split())} http://testserver{url}" in text
    assert sum(email.letter.text.count("http://testserver/") for email in found) == (len(page) + 3 if page else 0)


def everything_else() -> tuple[Any, ...]:
    return (Event.objects.count(), list(Deployment.objects.values()), list(CodeReview.objects.values()))


def test_reminding_changes_nothing_else(stage: Stage) -> None:
    stage.planned()
    before = everything_else()
    assert reminded(stage, TWO)
    assert everything_else() == before


def test_a_claim_that_breaks_is_given_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.planned()
    with monkeypatch.context() as patch:
        patch.setattr("crq.reminders.enqueue_each", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reminded(stage, TWO)
    assert not Reminded.objects.filter(milestone__key="cutoff").exists()
    assert reminded(stage, TWO) == {"developer", "reviewer"}


# --- What it costs -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("people", [1, 3])
def test_as_many_statements_for_three_people_as_for_one(
    stage: Stage, django_assert_num_queries: Any, people: int
) -> None:
    """Each has tasks of their own, and so a letter of their own."""
    stage.planned()
    only(stage, "cutoff")
    for number in range(people - 1):
        more = person("More", f"People {number}", team=stage.cast.team, role=Role.DEVELOPER)
        pull_request = stage.submit()
        pull_request.author = more
        pull_request.save()
        stage.join(Deployment.objects.get(), pull_request)
    Membership.objects.filter(user=stage.cast.reviewer).delete()
    now = moment(stage.week, "cutoff", **TWO)

    with clock.frozen(now), django_assert_num_queries(30):
        assert remind(now) == people


def test_a_quiet_half_minute_costs_one_statement(stage: Stage, django_assert_num_queries: Any) -> None:
    stage.planned()
    now = moment(stage.week, "cutoff", days=-1, seconds=-1)
    with django_assert_num_queries(1):
        assert remind(now) == 0


def test_roles_read_together_are_those_read_one_by_one(stage: Stage) -> None:
    day = date(2026, 12, 7)
    for role, principal in ((Role.MANAGER, stage.cast.manager), (Role.DIRECTOR, stage.cast.director)):
        Deputy.objects.create(for_user=principal, deputy=stage.cast.outsider, role=role, starts=day, ends=day)
    together = at_work(day)
    read_standings(together, day)
    assert stage.cast.outsider in together
    for each in together:
        assert standing(each, day) == standing(User.objects.get(pk=each.pk), day)
    assert isinstance(eastern_day(datetime(2026, 12, 7, 15, tzinfo=clock.now().tzinfo)), date)
