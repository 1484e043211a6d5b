"""A CRQ for another change system: every field to paste, as it stands now."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crq.models import CRQ
from tests.stages import Stage


def fields(client: Client, crq: CRQ) -> dict[str, str]:
    answer = client.get(reverse("crq-text", args=[crq.number]))
    return {each.label: each.text for each in answer.context["fields"]}


@pytest.fixture
def developer(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.developer)
    return client


def test_everything_that_is_known_is_there(developer: Client, stage: Stage) -> None:
    crq = stage.cleared().crq
    plan = crq.documents.get(kind="plan")

    found = fields(developer, crq)

    assert found["Number in releaseflow"] == crq.number
    assert found["Summary"] == crq.title
    assert found["Description"].endswith(f"Evidence and decisions: http://testserver/crqs/{crq.number}/")
    assert (found["Service"], found["Support group"]) == ("Admin portal", "Identity")
    assert found["Planned start"] == "Thursday, December 10, 2026, 2:00 pm ET"
    assert found["Requested by"] == f"Hannah Cole, {stage.cast.developer.email}"
    assert found["Approved by"] == "Anita Desai"
    assert found["Source"].startswith("acme/identity-admin#481 at ")
    assert f"version 1, SHA-256 {plan.sha256}" in found["Documents"]
    assert found["Documents"].count("\n") == 2


def test_what_is_not_known_yet_is_left_out(developer: Client, stage: Stage) -> None:
    assert {"Approved by", "Documents"}.isdisjoint(fields(developer, stage.with_crq().crq))


def test_each_field_and_all_of_them_are_copied(developer: Client, stage: Stage) -> None:
    crq = stage.cleared().crq
    CRQ.objects.filter(pk=crq.pk).update(title='Session "timeout" <b>')

    answer = developer.get(reverse("crq-text", args=[crq.number]))

    assert 'data-copy="Session &quot;timeout&quot; &lt;b&gt;"' in answer.text
    assert answer.context["whole"].startswith(f'Number in releaseflow: {crq.number}\nSummary: Session "timeout" <b>\n')
    assert answer.text.count('data-copy="') == len(answer.context["fields"]) + 1


def test_the_page_of_the_crq_leads_there(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq
    assert reverse("crq-text", args=[crq.number]) in developer.get(crq.get_absolute_url()).text


def test_an_unknown_number_is_not_found(developer: Client) -> None:
    assert developer.get(reverse("crq-text", args=["CRQ000000000001"])).status_code == 404


def test_statements_of_the_page(developer: Client, stage: Stage, django_assert_num_queries: Any) -> None:
    crq = stage.cleared().crq

    with django_assert_num_queries(
        14
    ):  # session and person, the deployment with its facts, what is noted of the system
        developer.get(reverse("crq-text", args=[crq.number]))
