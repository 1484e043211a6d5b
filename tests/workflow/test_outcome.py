"""What people read after an action."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from notifications.outbox import listening
from tests.stages import Stage, moment
from workflow import clock
from workflow.outcome import emailed
from workflow.steps import Flow


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["Ann"], "Ann was emailed."),
        (["Ann", "Ben"], "Ann and Ben were emailed."),
        (["Ann", "Ben", "Cleo"], "Ann, Ben and Cleo were emailed."),
        (["Ann", "Ben", "Cleo", "Dan", "Eve"], "Ann, Ben and 3 others were emailed."),
    ],
)
def test_names(names: list[str], words: str) -> None:
    assert emailed(names) == words


def test_who_is_named_are_those_whose_letters_were_queued(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    client.force_login(stage.cast.manager)

    address = f"/act/crq/{deployment.crq.pk}/return/"
    html = client.post(address, {"reason": "Which rollback?"}, follow=True).content.decode()

    said = "Sent back to the team. New documents or commits ask you again. Hannah Cole, Wei Zhang and 2 others"
    assert f"{said} were emailed." in html
    assert "Anita Desai was" not in html


def test_whoever_acts_is_not_told_that_they_were_emailed(client: Client, stage: Stage) -> None:
    deployment = stage.installing()
    with clock.frozen(moment(stage.week, "install", minutes=10)):
        client.force_login(stage.cast.devops)
        html = client.post(
            f"/act/deployment/{deployment.pk}/fail/", {"reason": "Disk is full"}, follow=True
        ).content.decode()

    assert "The failure is recorded. It can be tried again or backed out." in html
    assert "others were emailed." in html
    assert "Grace Okafor," not in html.partition('id="notices"')[2].partition("</div>")[0]


def test_without_letters_nobody_is_named(client: Client, stage: Stage) -> None:
    deployment = stage.cleared()
    stage.complete_batch()
    with clock.frozen(moment(stage.week, "install", minutes=5)):
        client.force_login(stage.cast.devops)
        html = client.post(f"/act/deployment/{deployment.pk}/start/", follow=True).content.decode()

    assert "emailed" not in html.partition('id="notices"')[2].partition("</div>")[0]


def test_listening_ends(stage: Stage) -> None:
    with listening() as first:
        pass
    stage.ready()  # asks for the approval

    assert first == []
    with listening() as second:
        stage.beside().ready()
    assert {email.recipient for email in second} == set(
        User.objects.filter(memberships__role="manager", teams=stage.cast.team)
    )


def test_every_button_of_people_says_what_it_did() -> None:
    silent = [
        f"{flow.name}.{step.action}"
        for flow in Flow.registry.values()
        for step in flow.steps.values()
        if step.roles and step.plain and (step.sources or not step.target) and not step.done
    ]

    # These have forms of their own with a sentence of their own.
    assert set(silent) <= {"exemption.grant", "exemption.deny", "announcement.send"}


# --- Refused -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("reason", "sentence"),
    [(" \n", "Say why in a few words"), ("x" * 4001, "That is too long: at most 4,000 characters are kept.")],
)
def test_a_refused_reason_is_asked_for_again_with_what_was_typed(
    client: Client, stage: Stage, reason: str, sentence: str
) -> None:
    deployment = stage.planned()
    client.force_login(stage.cast.developer)

    address = f"/act/deployment/{deployment.pk}/withdraw/"
    answer = client.post(address, {"reason": reason, "next": "/weeks/2026-12-10/"})

    html = answer.content.decode()
    assert answer.status_code == 422
    assert html.count(sentence) == 2  # at the top and at the field
    assert reason.strip() in html
    assert 'name="next" value="/weeks/2026-12-10/"' in html


def test_a_reason_outlives_that_somebody_was_faster(client: Client, stage: Stage) -> None:
    deployment = stage.planned()
    client.force_login(stage.cast.developer)
    address = f"/act/deployment/{deployment.pk}/withdraw/"
    client.post(address, {"reason": "Not needed."})

    answer = client.post(address, {"reason": "The customer waits."})

    assert answer.status_code == 422
    assert "The customer waits.</textarea>" in answer.content.decode()
