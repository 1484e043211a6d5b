"""Approving and returning on the page of a CRQ: who is told, what is kept, and what changed meanwhile side by side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crq import seen
from crq.models import CRQ, Decision
from crq.readiness import Facts
from deployments.flow import DEPLOYMENT, PULL_REQUEST
from deployments.models import Deployment
from notifications.models import Email
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform

HOUR = timedelta(hours=1)


def decide(client: Client, stage: Stage, deployment: Deployment, action: str = "approve", **changed: Any) -> Any:
    """As the manager, who looks at the page of `deployment` as it is in memory."""
    client.force_login(stage.cast.manager)
    facts = Facts.fresh(deployment)
    given = {"action": action, "digest": facts.digest, "seen": seen.token(facts), "reason": "Go ahead."} | changed
    return client.post(reverse("decide", args=[deployment.crq.number]), given)


def test_an_approval_keeps_the_note_and_tells_who_brought_the_evidence(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    client.force_login(stage.cast.manager)
    page = client.get(deployment.crq.get_absolute_url()).content.decode()

    answer = decide(client, stage, deployment)

    assert "Hannah and Grace are emailed" in page
    assert answer["Location"] == deployment.crq.get_absolute_url()
    assert Decision.objects.get().reason == "Go ahead."
    emailed = Email.objects.filter(letter__kind="crq_approved").values_list("recipient__first_name", flat=True)
    assert set(emailed) == {"Hannah", "Grace"}


def test_statements_of_decisions(client: Client, stage: Stage, django_assert_num_queries: Any) -> None:
    """Session and person, locks, facts, roles, decision, audit trail, letters: none of it is asked twice."""
    crq = stage.ready().crq
    client.force_login(stage.cast.manager)
    digest = Facts.fresh(crq.deployment).digest

    with django_assert_num_queries(28):
        client.post(reverse("act", args=["crq", crq.pk, "approve"]), {"digest": digest})
    with clock.frozen(EARLY + HOUR), django_assert_num_queries(27):  # the clearance goes, too
        client.post(reverse("act", args=["crq", crq.pk, "return"]), {"reason": "How is it rolled back?"})
    with clock.frozen(EARLY + 2 * HOUR), django_assert_num_queries(22):
        client.post(reverse("act", args=["crq", crq.pk, "return"]), {"reason": "And by whom?"})


def test_asking_for_changes_without_saying_which_keeps_the_page(client: Client, stage: Stage) -> None:
    answer = decide(client, stage, stage.ready(), "return", reason="  ")

    assert answer.status_code == 422
    assert "Say why in a few words" in answer.content.decode()
    assert not Decision.objects.exists()


def test_a_refused_decision_keeps_the_note(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    with clock.frozen(moment(stage.week, "approval", seconds=1)):
        answer = decide(client, stage, deployment, reason="I read all of it.")

    assert answer.status_code == 422
    assert "Approval was due Tue Dec 8" in answer.content.decode()
    assert "<title>Problem: " in answer.content.decode()


@pytest.mark.parametrize("action", ["void", "close", "attach_tests", "", "nonsense"])
def test_no_other_action_is_a_decision(client: Client, stage: Stage, action: str) -> None:
    assert decide(client, stage, stage.ready(), action).status_code == 404


@pytest.mark.parametrize("by", ["developer", "devops", "director", "other_manager", "outsider"])
def test_nobody_else_decides(client: Client, stage: Stage, by: str) -> None:
    crq = stage.ready().crq
    client.force_login(getattr(stage.cast, by))

    answer = client.post(reverse("decide", args=[crq.number]), {"action": "approve"})

    assert answer.status_code == 422
    assert CRQ.objects.get().status == CRQ.Status.OPEN


def test_a_document_attached_meanwhile_is_shown_beside_what_was_looked_at(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    facts = Facts.fresh(deployment)
    looked_at = {"digest": facts.digest, "seen": seen.token(facts)}
    stage.attach(deployment.crq, "plan", b"%PDF-1.4 other", name="New plan.pdf")

    answer = decide(client, stage, deployment, reason="Reads well.", **looked_at)
    page = answer.content.decode()
    again = decide(client, stage, deployment, reason="Reads well.")

    assert answer.status_code == 409
    assert "plan.pdf (version 1)" in page
    assert "New plan.pdf (version 2)" in page
    assert "Grace Okafor, " in page
    assert "Reads well.</textarea>" in page
    assert CRQ.objects.get().status == CRQ.Status.APPROVED
    assert again.status_code == 302


def test_new_commits_and_another_pull_request_are_shown(client: Client, stage: Stage) -> None:
    deployment = stage.ready()
    pull_request = deployment.pull_requests.get()
    facts = Facts.fresh(deployment)
    looked_at = {"digest": facts.digest, "seen": seen.token(facts)}
    perform(PULL_REQUEST, "new_head", pull_request, by=stage.cast.developer, sha="cd" * 20)
    added = stage.join(deployment, stage.submit())

    answer = decide(client, stage, deployment, **looked_at)
    rows = {row.label: (row.before, row.now) for row in answer.context["clash"].rows}

    assert answer.status_code == 409
    assert rows[str(pull_request)] == (f"commit {pull_request.head_sha[:10]}", "commit cdcdcdcdcd")
    assert rows[str(added)] == ("", f"commit {added.head_sha[:10]}")
    assert CRQ.objects.get().status == CRQ.Status.OPEN


@pytest.mark.parametrize("garbage", ["x", "p1:zz d", "d99999999", "p9999:" + "a" * 40, "<script>", "p1:" * 9000])
def test_a_garbled_memory_of_the_page_is_left_out(client: Client, stage: Stage, garbage: str) -> None:
    answer = decide(client, stage, stage.ready(), digest="0" * 64, seen=garbage)

    assert answer.status_code == 409
    assert "<script>" not in answer.content.decode()


def test_two_people_recording_at_once_see_each_others_facts(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()
    client.force_login(stage.cast.devops)
    url = reverse("merge", args=[deployment.pk])
    opened = client.get(url).context["form"].token()
    branch = f"branch_{stage.cast.repository.pk}"
    stage.merge(deployment)
    typed = {branch: "release/other", "result": "failed", "build": "", "seen": opened}

    answer = client.post(url, typed)
    page = answer.content.decode()
    second_press = client.post(
        url, {branch: "release/2026-12-10", "result": "success", "build": "build-1042", "seen": opened}
    )
    again = client.post(url, typed | {"seen": answer.context["form"].token()})

    assert answer.status_code == 409
    assert 'value="release/other"' in page
    assert "release/2026-12-10" in page
    assert "Grace Okafor, " in page
    assert (second_press.status_code, again.status_code) == (302, 302)
    assert Deployment.objects.get().core_dev_result == "failed"


def test_a_deployment_that_is_over_can_still_be_commented(stage: Stage) -> None:
    withdrawn = perform(DEPLOYMENT, "withdraw", stage.plan(), by=stage.cast.developer, reason="Not needed")
    perform(DEPLOYMENT, "comment", withdrawn, by=stage.cast.manager, reason="Next year then.")
    assert Deployment.objects.get().status == Deployment.Status.WITHDRAWN
