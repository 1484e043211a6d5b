"""Nudging whoever is next: once a day, by the deployment's people, to those who can act."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from crq.nudges import NUDGE
from deployments.flow import PULL_REQUEST
from deployments.models import Deployment
from notifications.models import Email
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform, refusal
from workflow.models import Event
from workflow.steps import Refused


def nudge(deployment: Deployment, by: User) -> None:
    perform(NUDGE, "nudge", deployment, by=User.objects.get(pk=by.pk))


def nudged() -> list[str]:
    return sorted(Email.objects.filter(letter__kind="nudge").values_list("recipient__first_name", flat=True))


def why_not(deployment: Deployment, by: User) -> str:
    fresh = Deployment.objects.get(pk=deployment.pk)
    no = refusal(NUDGE, "nudge", fresh, by=User.objects.get(pk=by.pk), now=clock.now())
    return no.sentence if no else ""


@pytest.mark.parametrize(
    ("state", "who", "asked"),
    [
        ("ready", "developer", ["Anita", "Samuel"]),  # whoever may approve
        ("with_crq", "manager", ["Hannah"]),  # who opened the CRQ
        ("planned", "manager", ["Hannah"]),  # who wrote the pull request
        ("plan", "manager", ["Hannah", "Wei"]),  # all developers of the team
    ],
)
def test_those_who_can_act_are_asked(stage: Stage, state: str, who: str, asked: list[str]) -> None:
    deployment = getattr(stage, state)()

    nudge(deployment, getattr(stage.cast, who))

    assert nudged() == asked


def test_reviewers_are_asked_rather_than_the_author(stage: Stage) -> None:
    deployment = stage.plan()
    stage.join(deployment, stage.submit())

    nudge(deployment, stage.cast.manager)

    assert nudged() == ["Wei"]


def test_it_is_recorded_in_the_deployments_story(stage: Stage) -> None:
    deployment = stage.ready()

    nudge(deployment, stage.cast.developer)

    event = Event.objects.get(action="nudge")
    assert (event.deployment_id, event.week, event.actor) == (deployment.pk, stage.week.thursday, stage.cast.developer)
    assert event.data["asked"] == ["Anita Desai", "Samuel Ortiz"]


def test_once_a_day(stage: Stage) -> None:
    deployment = stage.ready()
    nudge(deployment, stage.cast.developer)

    sentence = "Hannah Cole nudged Anita Desai and Samuel Ortiz today at 10:00 am ET. Tomorrow you can again."
    assert why_not(deployment, stage.cast.reviewer) == sentence
    with pytest.raises(Refused, match="nudged Anita Desai"):
        nudge(deployment, stage.cast.reviewer)
    assert nudged() == ["Anita", "Samuel"]

    with clock.frozen(EARLY + timedelta(hours=14, minutes=1)):  # after midnight, Eastern
        nudge(deployment, stage.cast.reviewer)
    assert nudged() == ["Anita", "Anita", "Samuel", "Samuel"]


def test_when_it_is_somebody_elses_turn_on_the_same_day_they_can_be_asked(stage: Stage) -> None:
    deployment = stage.planned()
    nudge(deployment, stage.cast.manager)
    stage.open_crq(deployment)
    for kind in ("justification", "tests"):
        stage.attach(stage.fresh(deployment).crq, kind)

    nudge(deployment, stage.cast.manager)

    assert nudged() == ["Grace", "Hannah", "Ivan"]


def test_nobody_is_asked_twice_on_one_day_when_the_turn_came_back(stage: Stage) -> None:
    deployment = stage.planned()
    nudge(deployment, stage.cast.manager)  # Hannah, for the CRQ
    stage.open_crq(deployment)
    deployment = stage.fresh(deployment)
    for kind in ("justification", "tests"):
        stage.attach(deployment.crq, kind)
    nudge(deployment, stage.cast.manager)  # DevOps, for the plan
    perform(PULL_REQUEST, "new_head", deployment.pull_requests.get(), by=stage.cast.developer, sha="f" * 40)

    nudge(deployment, stage.cast.manager)  # Wei, for the review

    stage.review(deployment.pull_requests.get(), "changes_requested")
    with pytest.raises(Refused, match="nudged"):
        nudge(deployment, stage.cast.manager)  # Hannah again
    assert nudged() == ["Grace", "Hannah", "Ivan", "Wei"]


def test_nobody_nudges_about_their_own_turn(stage: Stage) -> None:
    assert why_not(stage.ready(), stage.cast.manager) == "This is your turn."


def test_outsiders_do_not_nudge(stage: Stage) -> None:
    deployment = stage.ready()

    assert "can do this:" in why_not(deployment, stage.cast.other_developer)
    assert why_not(deployment, stage.cast.scrum_master) == ""


def test_what_is_over_waits_for_nobody(stage: Stage) -> None:
    assert why_not(stage.cleared(), stage.cast.developer) == "This waits for nobody now."


def test_the_letter_says_what_is_next_and_until_when(stage: Stage) -> None:
    deployment = stage.ready()

    nudge(deployment, stage.cast.developer)

    letter = Email.objects.filter(letter__kind="nudge")[0].letter
    assert letter.subject == "Hannah Cole asks about Session timeout for the admin portal"
    words = " ".join(letter.text.split())
    assert "What is next: Waiting for manager approval. It is due Tue Dec 8, 5:00 pm ET." in words
    assert f"http://testserver/crqs/{deployment.crq.number}/" in letter.text


def test_the_button_works_and_then_says_why_not(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    client.force_login(stage.cast.developer)

    html = client.post(f"/act/nudge/{deployment.pk}/nudge/", follow=True).content.decode()

    assert "Nudged. Anita Desai and Samuel Ortiz were emailed." in html
    assert "today at 10:00 am ET. Tomorrow you can again." in html
    assert 'aria-disabled="true"' in html


def test_a_missed_deadline_is_settled_before_anybody_is_asked(stage: Stage) -> None:
    deployment = stage.with_crq()

    with clock.frozen(moment(stage.week, "approval", seconds=1)):
        nudge(deployment, stage.cast.scrum_master)

    assert stage.fresh(deployment).status == "held"
    assert nudged() == ["Anita", "Samuel"]
    assert Event.objects.get(action="nudge").data["step"].startswith("Not done by Tue Dec 8, 5:00 pm ET")
