"""Errors say what happened, what is safe and what to do."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from releaseflow import errors, outages
from releaseflow.refusals import RefusalMiddleware
from releaseflow.views import home as home_views
from tests.stages import Stage


def test_what_is_not_found_can_be_looked_for(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    response = client.get("/crqs/CRQ000000999999/")

    assert response.status_code == 404
    assert 'value="crqs CRQ000000999999"' in response.content.decode()


@pytest.mark.parametrize("address", ["/crqs/%00/", "/hooks/%00/", "/sign-in/new-password/%00/x/"])
def test_an_address_that_can_name_nothing(client: Client, stage: Stage, address: str) -> None:
    client.force_login(stage.cast.developer)
    assert client.get(address).status_code == client.post(address).status_code == 404


def test_a_failure_has_a_reference_that_is_in_the_log(
    client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(stage.cast.developer)
    client.raise_request_exception = False
    monkeypatch.setattr(home_views, "home", lambda *args, **kwargs: 1 / 0)
    with caplog.at_level(logging.ERROR):
        response = client.get("/")

    [record] = [each for each in caplog.records if each.name == "releaseflow.errors"]
    reference = record.getMessage().split()[1].rstrip(":")
    assert response.status_code == 500
    assert reference in response.content.decode()
    assert record.getMessage() == f"Reference {reference}: GET /"


def test_a_failure_of_the_error_page_still_gives_the_reference(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any, **kwargs: Any) -> HttpResponse:
        raise OperationalError("no database")

    monkeypatch.setattr(errors, "render", broken)
    response = errors.server_error(rf.get("/"))

    reference = caplog.records[0].getMessage().split()[1].rstrip(":")
    assert (response.status_code, reference in response.content.decode()) == (500, True)


def test_a_form_without_our_token_is_not_accepted(stage: Stage) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(stage.cast.developer)
    response = client.post("/me/", {"form": "theme"})

    assert response.status_code == 403
    assert "This form was not accepted" in response.content.decode()


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [(RequestDataTooBig(), 413, "files up to"), (SuspiciousOperation(), 400, "was not understood")],
)
def test_what_is_not_even_read(rf: RequestFactory, *, error: Exception, status: int, sentence: str) -> None:
    response = errors.bad_request(rf.post("/"), error)

    assert response.status_code == status
    assert sentence in response.content.decode()


def test_a_form_that_is_too_large(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    typed = "first_name=" + "x" * 3_000_000
    response = client.post("/me/", typed, content_type="application/x-www-form-urlencoded")

    assert response.status_code == 413
    assert "This is too large" in response.content.decode()


class _Cause(Exception):
    pgcode = "40P01"


def test_two_that_stood_in_each_others_way(rf: RequestFactory) -> None:
    deadlock, other = OperationalError(), OperationalError()
    deadlock.__cause__ = _Cause()
    middleware = RefusalMiddleware(lambda request: HttpResponse())
    response = middleware.process_exception(rf.post("/"), deadlock)

    assert response is not None
    assert response.status_code == 409
    assert "Somebody was faster" in response.content.decode()
    assert middleware.process_exception(rf.post("/"), other) is None


# --- The database is out of reach ----------------------------------------------------------------------------
def failed(**answer: str) -> OperationalError:
    """As Django raises what a driver raised, with the code that the database gave."""
    error, cause = OperationalError("what the driver says"), Exception()
    vars(cause).update(answer)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (failed(pgcode=""), 503),
        (failed(pgcode="57P01"), 503),  # admin_shutdown
        (failed(pgcode="53300"), 503),  # too_many_connections
        (failed(pgcode="57014"), 500),  # query_canceled: one statement was too slow, the database is well
        (failed(sqlite_errorname="SQLITE_BUSY"), 503),
        (failed(sqlite_errorname="SQLITE_FULL"), 503),
        (failed(sqlite_errorname="SQLITE_ERROR"), 500),  # no such table
        (InterfaceError("connection already closed"), 503),
        (ProgrammingError("syntax error"), 500),
    ],
    ids=lambda value: (
        str(vars(value.__cause__) if value.__cause__ else value) if isinstance(value, Exception) else None
    ),
)
def test_only_an_outage_is_called_one(
    client: Client, stage: Stage, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    client.force_login(stage.cast.developer)
    client.raise_request_exception = False
    monkeypatch.setattr(home_views, "home", fail)
    response = client.get("/")

    assert response.status_code == status
    assert response.has_header("Retry-After") == (status == 503)


def test_the_page_for_an_outage_asks_no_database(rf: RequestFactory) -> None:
    """This test may use none, so any statement would fail it; nor does the page know who asks."""
    response = outages.page(rf.post("/act/crq/1/approve/", headers={"referer": "http://testserver/crqs/"}))

    assert response.status_code == 503
    assert 'href="http://testserver/crqs/"' in response.content.decode()
