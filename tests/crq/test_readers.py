"""Who gets an e-mail and who does not: by role, team, day of a deputy, following, choice and own act."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.mail import Topic
from accounts.models import Deputy, Muted, User
from accounts.roles import Role
from crq.deadlines import enforce
from crq.exemptions import EXEMPTION
from crq.flow import CRQ_FLOW
from crq.following import FOLLOWER
from crq.models import CRQ, ExemptionRequest, Follower
from deployments.flow import CODE_REVIEW, DEPLOYMENT
from deployments.models import CodeReview, Deployment
from notifications.models import Email, Letter
from tests.cast import Cast
from tests.factories import RepositoryFactory, person
from tests.stages import Stage, a_week, moment
from workflow import clock
from workflow.machine import begin, perform

TEAM = {"developer", "reviewer", "manager", "second_manager"}
DEVOPS = {"devops", "second_devops"}
MONDAY = date(2026, 12, 7)


def told(kind: str, cast: Cast) -> set[str]:
    """The cast's names of those who got this kind; an address of nobody in the cast stands for itself."""
    names = {value.email: name for name, value in vars(cast).items() if isinstance(value, User)}
    addresses = Email.objects.filter(letter__kind=kind).values_list("to", flat=True)
    return {names.get(address, address) for address in addresses}


def follow(deployment: Deployment, by: User) -> Follower:
    follower: Follower = begin(FOLLOWER, "follow", Follower(deployment=deployment, user=by), by=by)
    return follower


def lend(principal: User, to: User, role: Role, first: date, days: int = 1) -> None:
    Deputy.objects.create(for_user=principal, deputy=to, role=role, starts=first, ends=first + timedelta(days=days - 1))


def move(stage: Stage, deployment: Deployment, by: User | None = None) -> None:
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    perform(DEPLOYMENT, "move", deployment, by=by or stage.cast.manager, reason="Later", week=following)


def returned(stage: Stage) -> None:
    perform(CRQ_FLOW, "return", stage.ready().crq, by=stage.cast.manager, reason="Say more")


def moved(stage: Stage) -> None:
    move(stage, stage.plan())


def withdrawn(stage: Stage) -> None:
    perform(DEPLOYMENT, "withdraw", stage.plan(), by=stage.cast.developer, reason="Not needed")


def failed(stage: Stage) -> None:
    deployment = stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=9)):
        perform(DEPLOYMENT, "fail", deployment, by=stage.cast.devops, reason="Out of disk")


def backed_out(stage: Stage) -> None:
    deployment = stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=9)):
        perform(DEPLOYMENT, "back_out", deployment, by=stage.cast.devops)


def missed(stage: Stage) -> None:
    stage.plan()
    enforce(moment(stage.week, "cutoff", seconds=1))


def asked(stage: Stage) -> ExemptionRequest:
    deployment = stage.ready()
    enforce(moment(stage.week, "approval", seconds=1))
    words = {"why": "Law", "why_now": "Date", "risk": "Low"}
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        found: ExemptionRequest = begin(
            EXEMPTION,
            "request",
            ExemptionRequest(crq=CRQ.objects.get(deployment=deployment), **words),
            by=stage.cast.manager,
        )
    return found


def denied(stage: Stage) -> None:
    request = asked(stage)
    with clock.frozen(moment(stage.week, "approval", hours=2)):
        perform(EXEMPTION, "deny", request, by=stage.cast.director, reason="It can wait")


def cancelled(stage: Stage) -> None:
    perform(CODE_REVIEW, "cancel", CodeReview.objects.get(), by=stage.cast.scrum_master, reason="Nothing")


@pytest.mark.parametrize(
    ("kind", "act", "expected"),
    [
        ("approval_needed", Stage.ready, {"manager", "second_manager"}),
        ("crq_returned", returned, TEAM - {"manager"} | {"devops"}),
        ("moved", moved, TEAM - {"manager"}),
        ("withdrawn", withdrawn, TEAM - {"developer"}),
        ("verify_needed", Stage.installed, {"developer", "reviewer"}),
        ("window_open", Stage.installing, TEAM | DEVOPS),
        ("install_failed", failed, TEAM | DEVOPS | {"scrum_master"}),
        ("backed_out", backed_out, TEAM | {"second_devops", "scrum_master"}),
        ("deadline_missed", missed, TEAM | {"scrum_master"}),
        ("exemption_requested", asked, {"director"}),
        ("exemption_decided", denied, TEAM | DEVOPS | {"scrum_master"}),
        ("review_cancelled", cancelled, {"developer", "reviewer", "other_developer"} | DEVOPS),
    ],
)
def test_each_kind_goes_to_those_whom_it_concerns(stage: Stage, kind: str, act: Any, expected: set[str]) -> None:
    act(stage)
    assert told(kind, stage.cast) == expected


def test_whoever_has_left_is_told_nothing(stage: Stage) -> None:
    User.objects.filter(pk__in=[stage.cast.reviewer.pk, stage.cast.scrum_master.pk]).update(is_active=False)
    missed(stage)
    assert told("deadline_missed", stage.cast) == TEAM - {"reviewer"}


@pytest.mark.parametrize(("first", "is_told"), [(-1, False), (0, True), (1, False)])
def test_a_deputy_is_told_inside_the_dates(stage: Stage, first: int, is_told: bool) -> None:
    lend(stage.cast.manager, stage.cast.outsider, Role.MANAGER, MONDAY + timedelta(days=first))
    stage.ready()
    assert ("outsider" in told("approval_needed", stage.cast)) is is_told


@pytest.mark.parametrize(("first", "is_told"), [(0, False), (1, True)])
def test_the_directors_deputy_decides_inside_the_dates(stage: Stage, first: int, is_told: bool) -> None:
    lend(stage.cast.director, stage.cast.outsider, Role.DIRECTOR, MONDAY + timedelta(days=first))
    asked(stage)
    assert ("outsider" in told("exemption_requested", stage.cast)) is is_told


@pytest.mark.parametrize(("first", "is_told"), [(0, False), (1, True)])
def test_a_deputy_in_the_team_hears_what_the_team_hears(stage: Stage, first: int, is_told: bool) -> None:
    lend(stage.cast.developer, stage.cast.outsider, Role.DEVELOPER, MONDAY + timedelta(days=first))
    missed(stage)
    assert ("outsider" in told("deadline_missed", stage.cast)) is is_told


def test_a_deputy_acts_in_two_names(stage: Stage) -> None:
    lend(stage.cast.manager, stage.cast.other_manager, Role.MANAGER, MONDAY)
    perform(CRQ_FLOW, "return", stage.ready().crq, by=stage.cast.other_manager, reason="Say more")
    letters = Letter.objects.filter(kind="crq_returned")
    assert {"Omar Haddad for Anita Desai asked for changes" in letter.text for letter in letters} == {True}


def test_who_may_not_approve_is_not_asked_to(stage: Stage) -> None:
    deployment = stage.planned()
    begin(CRQ_FLOW, "open", CRQ(deployment=deployment), by=stage.cast.manager)
    for kind in ("justification", "tests", "plan"):
        stage.attach(stage.fresh(deployment).crq, kind)
    stage.merge(deployment)
    assert told("approval_needed", stage.cast) == {"second_manager"}


# --- Followers -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["moved", "withdrawn", "crq_returned", "approval_voided"])
def test_followers_hear_of_what_happens(stage: Stage, kind: str) -> None:
    deployment = stage.cleared() if kind == "approval_voided" else stage.ready()
    follow(deployment, stage.cast.other_developer)
    other = stage.beside()
    follow(other.plan("Another one"), stage.cast.other_manager)
    match kind:
        case "moved":
            move(stage, deployment)
        case "withdrawn":
            perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed")
        case "crq_returned":
            perform(CRQ_FLOW, "return", deployment.crq, by=stage.cast.manager, reason="Say more")
        case _:
            stage.attach(deployment.crq, "tests", b"newer")

    assert "other_developer" in told(kind, stage.cast)
    assert "other_manager" not in told(kind, stage.cast)
    letter = Letter.objects.get(kind=kind, emails__to=stage.cast.other_developer.email)
    assert "because you follow this deployment" in " ".join(letter.text.split())


@pytest.mark.parametrize("why", ["left", "stopped", "muted"])
def test_who_no_longer_follows_hears_nothing(stage: Stage, why: str) -> None:
    deployment, by = stage.plan(), stage.cast.other_developer
    follower = follow(deployment, by)
    if why == "left":
        User.objects.filter(pk=by.pk).update(is_active=False)
    elif why == "stopped":
        perform(FOLLOWER, "unfollow", follower, by=by)
    else:
        Muted.objects.create(user=by, topic=Topic.FOLLOWED)
    move(stage, deployment)
    assert "other_developer" not in told("moved", stage.cast)


def test_a_follower_of_the_team_gets_one_copy(stage: Stage) -> None:
    deployment = stage.plan()
    follow(deployment, stage.cast.reviewer)
    move(stage, deployment)
    assert Email.objects.filter(letter__kind="moved", to=stage.cast.reviewer.email).count() == 1


# --- Choice --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("topic", "kind", "act", "mutes"),
    [
        (Topic.MOVES, "moved", moved, True),
        (Topic.MOVES, "withdrawn", withdrawn, True),
        (Topic.WINDOW, "window_open", Stage.installing, True),
        (Topic.MOVES, "deadline_missed", missed, False),
        (Topic.WINDOW, "verify_needed", Stage.installed, False),
    ],
)
def test_a_muted_topic_spares_its_kinds_and_no_duty(
    stage: Stage, topic: Topic, kind: str, act: Any, mutes: bool
) -> None:
    Muted.objects.create(user=stage.cast.reviewer, topic=topic)
    act(stage)
    assert ("reviewer" not in told(kind, stage.cast)) is mutes


def test_devops_cannot_mute_the_open_window(stage: Stage) -> None:
    Muted.objects.create(user=stage.cast.devops, topic=Topic.WINDOW)
    stage.installing()
    assert "devops" in told("window_open", stage.cast)


# --- Digests -------------------------------------------------------------------------------------------------
def test_one_deadline_is_one_letter_for_each_person_with_what_concerns_them(stage: Stage) -> None:
    """Identity has two held deployments, Billing one; the manager of both teams has them all."""
    stage.plan("First")
    stage.beside().plan("Second")
    both = person("Bo", "Th", team=stage.cast.team, role=Role.MANAGER)
    both.memberships.create(team=stage.cast.other_team, role=Role.DEVELOPER)
    repository = RepositoryFactory(application__team=stage.cast.other_team)
    cast = replace(stage.cast, application=repository.application, developer=stage.cast.other_developer)
    Stage(cast, stage.week).plan("Third")

    enforce(moment(stage.week, "cutoff", seconds=1))

    mails = Email.objects.filter(letter__kind="deadline_missed").select_related("letter")
    held = {mail.to: [name for name in ("First", "Second", "Third") if name in mail.letter.text] for mail in mails}
    assert len(held) == len(mails)
    assert held[stage.cast.scrum_master.email] == ["First", "Second", "Third"]
    assert held[both.email] == ["First", "Second", "Third"]
    assert held[stage.cast.developer.email] == ["First", "Second"]
    assert held[stage.cast.other_developer.email] == ["Third"]


def test_the_letters_of_a_return_use_the_facts_of_its_effect(stage: Stage) -> None:
    crq = stage.ready().crq

    with CaptureQueriesContext(connection) as captured:
        perform(CRQ_FLOW, "return", crq, by=stage.cast.manager, reason="Which rollback?")

    assert sum('FROM "crq_document"' in each["sql"] for each in captured.captured_queries) == 1
