"""Activity: what a filter finds, pages by key, one event, and the files."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Deputy
from crq.flow import CRQ_FLOW
from deployments.flow import DEPLOYMENT
from releaseflow.activity import page
from releaseflow.activity.filters import FilterForm
from releaseflow.activity.words import told
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Flow


def found(**query: Any) -> list[tuple[str, str]]:
    form = FilterForm(query)
    assert not form.errors, form.errors
    return [(event.object_type, event.action) for event in form.found()]


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode("utf-8-sig")


# --- Filters -------------------------------------------------------------------------------------------------
def test_by_person(stage: Stage) -> None:
    stage.cleared()

    assert found(who=str(stage.cast.manager.pk)) == [("crq", "approve")]
    assert ("deployment", "clear") in found(who="releaseflow")
    assert ("crq", "approve") not in found(who="releaseflow")


def test_by_person_with_what_a_deputy_did_for_them(stage: Stage) -> None:
    deputy = Deputy(for_user=stage.cast.manager, deputy=stage.cast.outsider, role="manager")
    deputy.starts = deputy.ends = EARLY.date()
    deputy.save()
    perform(CRQ_FLOW, "approve", stage.ready().crq, by=stage.cast.outsider)

    assert found(who=str(stage.cast.manager.pk)) == [("crq", "approve")]
    assert found(who=str(stage.cast.outsider.pk)) == [("crq", "approve")]


def test_by_object_and_by_verb(stage: Stage) -> None:
    stage.with_crq()

    assert found(what="crq") == [("crq", "open")]
    assert found(what="pull_request.review") == [("pull_request", "review")]
    assert {kind for kind, _ in found(what="pull_request")} == {"pull_request"}


def test_by_week_by_deployment_and_by_words(stage: Stage) -> None:
    deployment = stage.plan("Passkey sign-in")
    other = stage.beside().plan("Ledger rounding")
    perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed for the audit")

    assert found(week="2026-12-10", what="deployment.plan") == [("deployment", "plan")] * 2
    assert found(week="2026-12-17") == []
    assert found(deployment=str(other.pk)) == [("deployment", "plan")]
    assert found(q="passkey audit") == [("deployment", "withdraw")]


@pytest.mark.parametrize("query", ["who=nobody", "what=crq.fly", "week=soon", "deployment=x", "q=%00"])
def test_a_filter_that_makes_no_sense_is_said_so(client: Client, stage: Stage, query: str) -> None:
    stage.plan()
    client.force_login(stage.cast.outsider)

    for address in ("activity", "activity-csv", "activity-jsonl"):
        response = client.get(f"{reverse(address)}?{query}")
        assert response.status_code == 422, address
        assert "This filter finds nothing" in response.content.decode()


# --- Pages by key --------------------------------------------------------------------------------------------
def test_pages_lead_through_everything_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.cleared()
    monkeypatch.setattr(page, "PAGE", 4)
    every = list(FilterForm({}).found().values_list("pk", flat=True))
    keys, before, pages = [], None, []
    while True:
        shown = page.listed(FilterForm({}).found(), before=before)
        pages.append([each.key for day in shown.days for each in day.events])
        keys += pages[-1]
        if shown.older is None:
            break
        before = shown.older

    back = page.listed(FilterForm({}).found(), after=pages[1][0])

    assert keys == every
    assert len(pages) > 2
    assert [each.key for day in back.days for each in day.events] == pages[0]
    assert (back.newer, page.listed(FilterForm({}).found()).newer) == (None, None)


def test_what_happens_meanwhile_moves_no_page(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.with_crq()
    monkeypatch.setattr(page, "PAGE", 2)
    first = page.listed(FilterForm({}).found())
    with clock.frozen(EARLY + timedelta(minutes=1)):
        stage.beside().plan()
    second = page.listed(FilterForm({}).found(), before=first.older)

    newest = [each.key for day in first.days for each in day.events]
    assert max(each.key for day in second.days for each in day.events) < min(newest)


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "after=12345"])
def test_an_unknown_key_shows_the_first_page(client: Client, stage: Stage, query: str) -> None:
    stage.plan()
    client.force_login(stage.cast.outsider)

    first = client.get(reverse("activity")).context["page"]

    assert client.get(f"{reverse('activity')}?{query}").context["page"] == first


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("role", ["outsider", "administrator"])
def test_the_list_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, django_assert_num_queries: Any, *, role: str, count: int
) -> None:
    for _ in range(count):
        stage.beside().plan()
    client.force_login(getattr(stage.cast, role))

    with django_assert_num_queries(6):
        shown = client.get(f"{reverse('activity')}?what=deployment").context["page"]

    assert sum(len(day.events) for day in shown.days) == count


# --- One event -----------------------------------------------------------------------------------------------
def test_one_event_has_an_address_and_says_all(client: Client, stage: Stage) -> None:
    deployment = stage.cleared()
    event = Event.objects.get(object_type="crq", action="approve")
    client.force_login(stage.cast.outsider)
    response = client.get(reverse("event", args=[event.pk]))

    shown = response.context["page"]
    assert (shown.told.who, shown.told.text, shown.change) == ("Anita Desai", "approved the CRQ", "open → approved")
    assert shown.told.subject_url == deployment.get_absolute_url()
    assert ("Digest", event.data["digest"]) in shown.data
    assert client.get(reverse("event", args=[event.pk + 10_000])).status_code == 404


def test_every_step_has_words(stage: Stage) -> None:
    for flow in Flow.registry.values():
        for action in flow.steps:
            event = Event(pk=1, object_type=flow.name, object_id=1, action=action, subject="It", at=EARLY)
            text = told(event).text
            assert text, (flow.name, action)
            assert "{" not in text


# --- Files ---------------------------------------------------------------------------------------------------
def test_csv_has_what_the_filter_finds_and_runs_nothing(client: Client, stage: Stage) -> None:
    stage.plan("=HYPERLINK(1)")
    stage.beside().plan("Ledger")
    client.force_login(stage.cast.outsider)
    response = client.get(f"{reverse('activity-csv')}?q=hyperlink")
    rows = list(csv.DictReader(StringIO(body(response))))

    assert response["Content-Disposition"] == 'attachment; filename="activity.csv"'
    assert [row["Subject"][0] for row in rows] == ["'"]
    assert rows[0]["At"] == "2026-12-07T10:00:00-05:00"
    assert (rows[0]["Actor"], rows[0]["Action"], rows[0]["Week"]) == ("Hannah Cole", "plan", "2026-12-10")


def test_json_lines_are_objects(client: Client, stage: Stage) -> None:
    deployment = stage.plan("=Plain")
    client.force_login(stage.cast.outsider)
    response = client.get(f"{reverse('activity-jsonl')}?what=deployment")
    [row] = [json.loads(line) for line in body(response).splitlines()]

    assert response.streaming
    assert (row["at"], row["object_key"], row["week"]) == ("2026-12-07T15:00:00Z", deployment.pk, "2026-12-10")
    assert row["subject"].startswith("=Plain")


def test_a_stranger_signs_in_first(client: Client, db: None) -> None:
    for name in ("activity", "activity-csv", "activity-jsonl"):
        assert client.get(reverse(name)).status_code == 302
