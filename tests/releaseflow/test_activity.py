"""Activity: what a filter finds, pages by key, one event, and the files."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import Deputy
from crq.flow import CRQ_FLOW
from crq.population import population
from deployments.flow import DEPLOYMENT
from releaseflow.activity import page
from releaseflow.activity.filters import FilterForm
from releaseflow.activity.words import told
from tests.stages import EARLY, Stage, a_week
from tests.support.sheets import records
from workflow import clock
from workflow.eastern import EASTERN
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


# --- A period, whole -----------------------------------------------------------------------------------------
def test_a_period_has_all_events_of_its_days(stage: Stage) -> None:
    """The last minute of an Eastern day belongs to it; equal in number and keys to what SQL finds."""
    stage.week = a_week(date(2027, 1, 7))
    with clock.frozen(datetime(2026, 12, 31, 23, 59, tzinfo=EASTERN)):
        stage.plan("The old year")
    with clock.frozen(datetime(2027, 1, 1, 0, 0, tzinfo=EASTERN)):
        stage.beside().plan("The new year")
    form = FilterForm({"since": "2026-10-01", "until": "2026-12-31"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM workflow_event WHERE at >= '2026-10-01 04:00:00' AND at < '2027-01-01 05:00:00'")
        wanted = sorted(key for (key,) in cursor.fetchall())

    assert sorted(form.found().values_list("pk", flat=True)) == wanted != []
    assert not form.found().filter(subject__contains="The new year").exists()


def test_a_period_may_end_with_time_itself(client: Client, stage: Stage) -> None:
    stage.plan()
    client.force_login(stage.cast.outsider)
    for name in ("activity", "activity-csv", "population"):
        response = client.get(reverse(name), {"since": "0001-01-01", "until": "9999-12-31"})

        assert response.status_code == 200


def test_an_empty_period_is_said(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.outsider)
    for address in (reverse("activity"), reverse("population")):
        response = client.get(address, {"since": "2026-12-31", "until": "2026-12-01"})

        assert (response.status_code, "This day is before the first one." in response.content.decode()) == (422, True)


def test_the_deployments_of_a_quarter_are_all_there(client: Client, stage: Stage, django_assert_num_queries) -> None:
    """Equal in number and keys to what SQL finds, with who did what; the same statements for one and for many."""
    installed, planned = stage.installed(), stage.beside().plan()
    client.force_login(stage.cast.outsider)
    stage.week = a_week(date(2027, 1, 7))
    stage.plan("Of the next quarter")
    with connection.cursor() as cursor:
        cursor.execute("SELECT d.id FROM deployments_deployment d JOIN deployments_releaseweek w ON w.id = d.week_id "
                       "WHERE w.thursday BETWEEN '2026-10-01' AND '2026-12-31' ORDER BY d.id")  # fmt: skip
        wanted = [str(key) for (key,) in cursor.fetchall()]
    response = client.get(reverse("population"), {"since": "2026-10-01", "until": "2026-12-31"})
    rows = records(response)

    assert [row["Deployment key"] for row in rows] == wanted == [str(installed.pk), str(planned.pk)]
    assert [rows[0][f"{done} by"] for done in ("Requested", "Approved", "Installed")] == [
        "Hannah Cole", "Anita Desai", "Grace Okafor"
    ]  # fmt: skip
    assert rows[0]["Plan SHA-256"] == installed.crq.documents.get(kind="plan").sha256
    assert rows[0]["CRQ"] == installed.crq.number
    assert "acme/identity-admin#481 at " in rows[0]["Pull requests"]
    assert rows[1]["CRQ"] == rows[1]["Approved by"] == ""
    with django_assert_num_queries(10):
        list(population(date(2026, 10, 1), date(2026, 12, 31)))
    with django_assert_num_queries(10):
        list(population(None, None))
