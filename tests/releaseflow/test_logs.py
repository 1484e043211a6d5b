"""Logs: one object a line, with the request's id and who asked."""

from __future__ import annotations

import errno
import json
import logging
import logging.config
import os
import re
from collections.abc import Iterator
from io import StringIO

import pytest
from django.test import Client

from releaseflow import logs
from tests.api.programs import Program
from tests.cast import Cast


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the handler of the settings writes, for the time of a test."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    logging.config.dictConfig(logs.config("INFO", "json"))
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written := StringIO())
    yield written
    root.handlers[:] = kept
    root.setLevel(level)


def lines(log: StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_one_line_that_says_who_and_how(client: Client, cast: Cast, log: StringIO) -> None:
    client.force_login(cast.developer)

    response = client.get("/me/?secret=1", headers={"x-request-id": "edge-7f3a9c21"})

    line = lines(log)[-1]
    assert response.headers["X-Request-ID"] == line["request_id"] == "edge-7f3a9c21"
    assert (line["method"], line["path"], line["status"], line["actor_id"]) == ("GET", "/me/", 200, cast.developer.pk)
    assert "secret" not in json.dumps(line)


def test_a_program_is_named_by_the_person_of_its_token(cast: Cast, log: StringIO) -> None:
    developer = Program(cast.developer)

    developer.get("weeks")

    line = lines(log)[-1]
    assert (line["path"], line["actor_id"]) == ("/api/v1/weeks", cast.developer.pk)


class Full(StringIO):
    """Where a disk has no room left."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_for_the_log_stops_nobody(
    client: Client, cast: Cast, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = next(each for each in logging.getLogger().handlers if getattr(each, "stream", None) is log)
    monkeypatch.setattr(handler, "stream", Full())
    client.force_login(cast.developer)

    assert client.get("/me/").status_code == 200


@pytest.mark.parametrize("address", ["/feeds/{}.ics", "/sign-in/new-password/3/{}/", "/invitations/{}/"])
def test_a_key_in_an_address_is_not_logged(client: Client, db: None, log: StringIO, address: str) -> None:
    client.get(address.format("dq2-5f3e9a1c"))

    assert lines(log)[-1]["path"] == address.format("***")
    assert "5f3e9a1c" not in log.getvalue()


def test_an_error_is_logged_without_key_and_query(
    client: Client, db: None, log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaseflow.feeds.views.digest_of", lambda key: 1 / 0)
    client.raise_request_exception = False

    client.get("/feeds/5f3e9a1c.ics?q=private")

    assert [each["level"] for each in lines(log)] == ["ERROR", "ERROR", "INFO"]
    assert "/feeds/***.ics" in log.getvalue()
    assert not {"5f3e9a1c", "private"} & set(re.findall(r"\w+", log.getvalue()))


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "two words here", 'forged","level":"INFO'])
def test_an_id_that_is_no_plain_word_is_replaced(client: Client, db: None, given: str) -> None:
    found = client.get("/sign-in/", headers={"x-request-id": given}).headers["X-Request-ID"]

    assert logs.PLAIN_ID.fullmatch(found)
    assert found != given


def test_nothing_of_a_request_stays_behind(client: Client, cast: Cast, log: StringIO) -> None:
    client.force_login(cast.developer)
    client.get("/me/")
    log.truncate(0)
    log.seek(0)

    logging.getLogger("elsewhere").warning("two\nlines")

    [line] = lines(log)
    assert (line["message"], line["request_id"], line["actor_id"]) == ("two\nlines", "", None)
