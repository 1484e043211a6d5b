"""Pages of the connections to forges: for administrators, with secrets that are shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.secrets import seal, unseal
from deployments.models import Connection, Delivery
from releaseflow.forges.page import strangers
from tests.deployments.forges import FORGES, Forge, connect
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.models import Event

NEW = {"name": "GitHub of Identity", "forge": "github", "speaks_for": "https://github.com/acme/"}


@pytest.fixture
def admin(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.administrator)
    return client


@pytest.fixture
def forge(admin: Client, stage: Stage) -> Forge:
    return connect(FORGES[0], admin, stage.cast.application)


def test_a_connection_shows_its_secret_once(admin: Client) -> None:
    answer = admin.post("/settings/forges/", NEW)

    connection = Connection.objects.get()
    secret = unseal(connection.secret)
    assert secret in answer.text
    assert f"http://testserver/hooks/{connection.key}/" in answer.text
    assert answer["Cache-Control"] == "no-store"
    assert secret not in admin.get(connection.get_absolute_url()).text
    assert secret not in str(list(Event.objects.values_list("data", "reason", "subject")))


def test_a_name_that_is_taken_keeps_what_was_typed(admin: Client) -> None:
    admin.post("/settings/forges/", NEW)
    answer = admin.post("/settings/forges/", NEW | {"speaks_for": "https://github.com/other"})

    assert answer.status_code == 422
    assert "GitHub of Identity is in releaseflow already." in answer.text
    assert "https://github.com/other" in answer.text


@pytest.mark.parametrize("address", ["http://github.com/acme", "github", "javascript:alert(1)", ""])
def test_an_address_that_is_none(admin: Client, address: str) -> None:
    assert admin.post("/settings/forges/", NEW | {"speaks_for": address}).status_code == 422
    assert not Connection.objects.exists()


def test_a_new_secret_replaces_the_former_after_a_day(admin: Client, forge: Forge) -> None:
    answer = admin.post(f"/settings/forges/{forge.connection.pk}/secret/")

    found = Connection.objects.get()
    assert unseal(found.secret) in answer.text
    assert unseal(found.former_secret) == forge.secret
    assert found.former_until == clock.now() + timedelta(days=1)


@pytest.mark.parametrize("who", ["developer", "manager", "scrum_master", "devops", "director", "outsider"])
def test_nobody_else_sees_or_changes_them(forge: Forge, stage: Stage, who: str) -> None:
    forge.opened("a")
    delivery = Delivery.objects.get()
    forge.client.force_login(getattr(stage.cast, who))

    for path in ("", "people/", f"{forge.connection.pk}/", f"deliveries/{delivery.pk}/"):
        assert forge.client.get(f"/settings/forges/{path}").status_code == 403
    assert forge.client.post("/settings/forges/", NEW).status_code == 403
    assert forge.client.post(f"/settings/forges/{forge.connection.pk}/secret/").status_code == 403
    forge.client.post(f"/act/forge_connection/{forge.connection.pk}/disable/")
    assert Connection.objects.get().active


def test_a_delivery_is_shown_and_taken_again(forge: Forge, django_capture_on_commit_callbacks: Any) -> None:
    forge.opened("a", title="<script>alert(1)</script>")
    delivery = Delivery.objects.get()
    page = forge.client.get(delivery.get_absolute_url())
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text

    with django_capture_on_commit_callbacks(execute=True):
        forge.client.post(f"/act/forge_delivery/{delivery.pk}/replay/")

    assert "taken again" in forge.client.get(delivery.get_absolute_url()).text


def test_only_trouble(forge: Forge) -> None:
    forge.opened("a")
    forge.post("pull_request", b"{")
    page = forge.client.get(f"{forge.connection.get_absolute_url()}?only=trouble")

    assert "The body is not JSON." in page.text
    assert "acme/sessions #482" not in page.text


def test_a_name_is_linked_to_a_person(forge: Forge, stage: Stage) -> None:
    forge.opened("a")
    forge.approved("a", by="weizhang", minute=5)
    assert [(each.login, each.written, each.said) for each in strangers()] == [("hannahc", 1, 0), ("weizhang", 0, 1)]

    link = {"login": "weizhang", "person": stage.cast.reviewer.pk}
    assert forge.client.post("/settings/forges/people/", link).status_code == 302

    assert [each.login for each in strangers()] == ["hannahc"]
    answer = forge.client.post("/settings/forges/people/", link | {"login": "hannahc"})
    assert answer.status_code == 422
    assert "Wei Zhang is weizhang at the forge already." in answer.text


@pytest.mark.parametrize("rows", [1, 3])
def test_the_pages_ask_as_often_for_many_rows(forge: Forge, rows: int, django_assert_num_queries: Any) -> None:
    for number in range(rows):
        Connection.objects.create(
            name=f"More {number}", forge="gitea", speaks_for="https://x.example", key=f"k{number}", secret=seal("x")
        )
        forge.number, forge.author = 500 + number, f"stranger{number}"
        forge.opened("a", minute=number)
    client = forge.client
    client.get("/settings/forges/")

    with django_assert_num_queries(6):
        client.get("/settings/forges/")
    with django_assert_num_queries(5):
        client.get(forge.connection.get_absolute_url())
    with django_assert_num_queries(6):
        client.get("/settings/forges/people/")


def test_no_clock_is_needed_to_receive(forge: Forge) -> None:
    forge.opened("a")
    assert Delivery.objects.get().received_at == EARLY


# --- The token of its API --------------------------------------------------------------------------------------
def test_a_token_is_kept_sealed_and_never_shown(admin: Client, forge: Forge) -> None:
    address = f"/settings/forges/{forge.connection.pk}/token/"
    assert admin.post(address, {"token": "glpat-secret", "api_url": "http://127.0.0.1:3000/api/v1/"}).status_code == 302

    found = Connection.objects.get()
    assert (unseal(found.token), found.api_url) == ("glpat-secret", "http://127.0.0.1:3000/api/v1")
    assert "glpat-secret" not in found.token + str(list(Event.objects.values_list("data", "reason", "subject")))
    page = admin.get(found.get_absolute_url()).text
    assert "Token set" in page
    assert "glpat" not in page

    admin.post(address, {"token": "", "api_url": ""})
    assert Connection.objects.get().token == ""


@pytest.mark.parametrize(
    "api_url", ["http://git.example.com/api", "ftp://x", "https://u:p@x.example", "https://", "x y"]
)
def test_a_token_goes_over_https_alone(admin: Client, forge: Forge, api_url: str) -> None:
    answer = admin.post(f"/settings/forges/{forge.connection.pk}/token/", {"token": "glpat-secret", "api_url": api_url})

    assert answer.status_code == 422
    assert "Give the full address, beginning with https://." in answer.text
    assert "glpat" not in answer.text
    assert Connection.objects.get().token == ""
