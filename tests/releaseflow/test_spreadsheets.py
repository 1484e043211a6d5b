"""Lists as spreadsheets: what the screen is narrowed to, for whom the screen is, at the same cost however long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from crq.exemptions import EXEMPTION
from crq.models import ExemptionRequest
from deployments.models import Application, Delivery, Repository
from notifications.models import Email
from releaseflow.forges.page import cells as deliveries
from tests.deployments.forges import FORGES, connect
from tests.factories import ApplicationFactory, RepositoryFactory, person
from tests.outboxes import queued
from tests.stages import EARLY, Stage, moment
from tests.support.sheets import lines, records
from workflow import clock
from workflow.machine import begin

WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low: a switch turns it off"}
LISTS = {
    "/exemptions/": "exemptions",
    "/settings/people/": "people",
    "/settings/applications/": "applications",
    "/emails/delivery/": "delivery",
    "/pull-requests/": "pull-requests",
    "/crqs/": "crqs",
}
Get = Callable[..., Any]


@pytest.fixture
def get(client: Client, stage: Stage) -> Get:
    def ask(who: str, address: str, **query: str) -> Any:
        client.force_login(getattr(stage.cast, who))
        return client.get(address, query | {"format": "csv"})

    return ask


def asked(stage: Stage) -> ExemptionRequest:
    """A request that waits for its decision, of a deployment of its own."""
    with clock.frozen(moment(stage.week, "approval", hours=-30)):
        deployment = stage.beside().ready()
    with clock.frozen(moment(stage.week, "approval", hours=1)):
        request = ExemptionRequest(crq=deployment.crq, **WORDS)
        return begin(EXEMPTION, "request", request, by=stage.cast.manager)  # type: ignore[no-any-return]


@pytest.mark.parametrize("address", LISTS)
def test_each_list_downloads_under_its_name_and_its_page_leads_there(
    client: Client, stage: Stage, address: str
) -> None:
    client.force_login(stage.cast.administrator)

    answer = client.get(address, {"format": "csv"})

    assert answer["Content-Disposition"] == f'attachment; filename="{LISTS[address]}.csv"'
    assert len(lines(answer)[0]) > 4
    assert "format=csv" in client.get(address).text


# --- Exemptions ----------------------------------------------------------------------------------------------
def test_exemptions_of_the_view(get: Get, stage: Stage) -> None:
    request = asked(stage)

    [row] = records(get("director", "/exemptions/", view="open"))

    assert {name: row[name] for name in ("CRQ", "Team", "State", "Asked by", "Asked at", "Decided by")} == {
        "CRQ": request.crq.number,
        "Team": "Identity",
        "State": "Requested",
        "Asked by": "Anita Desai",
        "Asked at": "2026-12-08T18:00:00-05:00",
        "Decided by": "",
    }
    assert records(get("director", "/exemptions/", view="granted")) == []
    assert len(records(get("manager", "/exemptions/", view="mine"))) == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_statements_of_exemptions(client: Client, stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    for _ in range(rows):
        asked(stage)
    client.force_login(stage.cast.director)

    with django_assert_num_queries(5):  # who asks, their roles, the rows, their weeks' milestones
        assert len(records(client.get("/exemptions/", {"format": "csv"}))) == rows


# --- People --------------------------------------------------------------------------------------------------
def test_people_who_are_found(get: Get, stage: Stage) -> None:
    person("=Ida", "Berg")

    [row] = records(get("administrator", "/settings/people/", q="desai"))
    [defused] = records(get("administrator", "/settings/people/", q="berg"))

    assert row["Name"] == "Anita Desai"
    assert row["E-mail"] == stage.cast.manager.email
    assert row["Roles"] == "Dev Manager · Identity"
    assert defused["Name"] == "'=Ida Berg"


def test_people_who_no_longer_sign_in_are_a_list_of_their_own(get: Get, stage: Stage) -> None:
    User.objects.filter(pk=stage.cast.outsider.pk).update(is_active=False)

    assert [row["Name"] for row in records(get("administrator", "/settings/people/", off="1"))] == ["Nick Nowhere"]
    assert not records(get("administrator", "/settings/people/", q="nowhere"))


@pytest.mark.parametrize("who", ["manager", "scrum_master", "director", "outsider"])
def test_people_are_for_administrators(get: Get, who: str) -> None:
    assert get(who, "/settings/people/").status_code == 403


@pytest.mark.parametrize("more", [1, 3])
def test_statements_of_people(client: Client, stage: Stage, more: int, django_assert_num_queries: Any) -> None:
    for number in range(more):
        person("Ida", str(number))
    client.force_login(stage.cast.administrator)

    with django_assert_num_queries(7):
        assert len(records(client.get("/settings/people/", {"format": "csv", "q": "ida"}))) == more


# --- Applications --------------------------------------------------------------------------------------------
def test_applications_are_written_as_they_are_imported(get: Get, stage: Stage, tmp_path: Path) -> None:
    RepositoryFactory(application=stage.cast.application, name="acme/admin-web", required_approvals=2)
    ApplicationFactory(name="Ledger", team=stage.cast.other_team)
    before = set(Repository.objects.values_list("application__name", "url", "forge", "required_approvals"))

    path = tmp_path / "applications.csv"
    path.write_bytes(b"".join(get("outsider", "/settings/applications/").streaming_content))
    Repository.objects.all().delete()
    Application.objects.all().delete()
    call_command("import_applications", str(path))

    assert set(Repository.objects.values_list("application__name", "url", "forge", "required_approvals")) == before
    assert set(Application.objects.values_list("name", flat=True)) == {"Admin portal", "Ledger"}


@pytest.mark.parametrize("more", [1, 3])
def test_statements_of_applications(client: Client, stage: Stage, more: int, django_assert_num_queries: Any) -> None:
    for _ in range(more):
        RepositoryFactory(application=ApplicationFactory())
    client.force_login(stage.cast.outsider)

    with django_assert_num_queries(4):
        assert len(records(client.get("/settings/applications/", {"format": "csv"}))) == more + 1


# --- E-mails and what forges send ----------------------------------------------------------------------------
def test_what_has_not_left(get: Get, stage: Stage) -> None:
    queued("soon@example.com", key="one")
    Email.objects.filter(pk=queued("gone@example.com", key="two")[0].pk).update(
        parked_at=EARLY, attempts=8, last_error="=550 No such user"
    )
    Email.objects.filter(pk=queued("done@example.com", key="three")[0].pk).update(sent_at=EARLY)

    rows = records(get("scrum_master", "/emails/delivery/"))

    assert [(row["To"], row["State"], row["Tries"], row["Last error"]) for row in rows] == [
        ("gone@example.com", "Not delivered", "8", "'=550 No such user"),
        ("soon@example.com", "Waiting", "0", ""),
    ]


@pytest.mark.parametrize("who", ["developer", "manager", "devops", "director", "outsider"])
def test_the_delivery_is_for_those_who_see_to_it(get: Get, who: str) -> None:
    assert get(who, "/emails/delivery/").status_code == 403


@pytest.mark.parametrize("rows", [1, 3])
def test_statements_of_the_delivery(client: Client, stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    queued(*(f"{number}@example.com" for number in range(rows)))
    client.force_login(stage.cast.scrum_master)

    with django_assert_num_queries(4):
        assert len(records(client.get("/emails/delivery/", {"format": "csv"}))) == rows


@pytest.mark.parametrize("rows", [1, 3])
def test_deliveries_of_a_forge(client: Client, stage: Stage, rows: int, django_assert_num_queries: Any) -> None:
    client.force_login(stage.cast.administrator)
    connection = connect(FORGES[0], client, stage.cast.application).connection
    for number in range(rows):
        at = EARLY + timedelta(minutes=number)
        Delivery.objects.create(connection=connection, forge_id=str(number), event="push", received_at=at,
                                body='{"secret": 1}', outcome="failed" if number else "taken")  # fmt: skip

    answer: Any = client.get(connection.get_absolute_url(), {"format": "csv", "only": "trouble"})
    content = b"".join(answer.streaming_content).decode()

    assert content.count("push") == rows - 1
    assert "secret" not in content
    with django_assert_num_queries(1):
        assert len(list(deliveries(connection, ""))) == rows
