"""One morning, one browser for each person, and requests of which nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client

from tests.doors import REFUSED, SIGN_IN, YES, Door, Outcome
from tests.install_morning import InstallMorning

SESSIONS = ("django_session", "usersessions_usersession")
"""Written to by looking at pages; they hold who is there, and nothing of the release."""


@dataclass
class Written:
    """Collects the tables that statements write to."""

    tables: list[str] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        words = sql.replace('"', " ").split()
        if words and words[0] in {"INSERT", "UPDATE", "DELETE", "REPLACE"}:
            table = words[1] if words[0] == "UPDATE" else words[2]
            if table not in SESSIONS:
                self.tables.append(table)
        return execute(sql, params, many, context)


class Rolled(Exception):
    """Ends a transaction without keeping anything of it."""


@contextmanager
def nothing_kept() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            raise Rolled
    except Rolled:
        pass


@dataclass
class Office:
    """The morning with one browser for each person."""

    world: InstallMorning
    browsers: dict[str, Client]
    documents: Any

    def knock(self, method: str, door: Door, url: str, data: dict[str, Any], person: str) -> tuple[Outcome, str]:
        """What the person gets, and what the answer was, for the failure's sake."""
        written, browser = Written(), self.browsers[person]
        cookies = deepcopy(browser.cookies)  # signing out takes one away
        cache.clear()  # where failures are counted
        with nothing_kept():
            for value in data.values():
                if hasattr(value, "seek"):
                    value.seek(0)
            with connection.execute_wrapper(written):
                response = getattr(browser, method)(url, data)
                if response.streaming:
                    b"".join(response)
            for close in response._resource_closers:  # `response.close()` would close the database, too
                close()
        browser.cookies = cookies
        return _outcome(method, door, response, written.tables), f"{response.status_code} wrote {written.tables}"


def _outcome(method: str, door: Door, response: HttpResponseBase, written: list[str]) -> Outcome:
    status, leads = response.status_code, response.get("Location", "")
    if leads.startswith("/sign-in/?"):
        return SIGN_IN if not written else f"signed out, and wrote {written}"
    if status in {401, 403, 404, 405, 410}:
        return status if not written else f"{status}, and wrote {written}"
    assert status in {200, 201, 302, 409, 422, 429}, f"{door}: {status}"
    if method == "get":
        return YES if not written and status in {200, 302} else f"{status}, and wrote {written}"
    if status in {409, 422, 429}:
        return REFUSED if not written else f"{status}, and wrote {written}"
    return YES if written or not door.writes else REFUSED
