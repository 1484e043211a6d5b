"""Which database a test run uses, and where it is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from django.db import connection, transaction

from tests.support.ports import free_port
from tests.support.scratch import scratch

PORT = "RELEASEFLOW_TEST_POSTGRES_PORT"


def wants_postgres() -> bool:
    choice = os.environ.get("TEST_DATABASE", "sqlite")
    if choice not in {"sqlite", "postgres"}:
        raise SystemExit(f"TEST_DATABASE must be sqlite or postgres, not {choice!r}.")
    return choice == "postgres"


def postgres_port() -> int:
    """Chosen by the first process that asks, so that settings can name the port before the server runs."""
    return int(os.environ.setdefault(PORT, str(free_port())))


def url() -> str:
    return url_of("releaseflow" if wants_postgres() else str(scratch() / "releaseflow.sqlite3"))


def url_of(name: str) -> str:
    """The DATABASE_URL of one database of this run; `name` is what Django's settings call its NAME."""
    if wants_postgres():
        return f"postgres://releaseflow@127.0.0.1:{postgres_port()}/{name}"
    return f"sqlite:///{name}"


def test_options() -> dict[str, Any]:
    """Django's TEST dictionary. A file for SQLite, because threads and processes must meet real locks."""
    return {} if wants_postgres() else {"NAME": str(scratch() / "test.sqlite3")}


EVIDENCE = {
    "crq_snapshot": "crq.migrations.0004_snapshots_never_change",
    "workflow_event": "workflow.migrations.0006_events_never_change",
}
"""The tables that no one may change or empty, and the migration that protects each."""


def empty_evidence() -> None:
    """Deletes the evidence that a test committed; its protection stands again afterwards."""
    with transaction.atomic():
        for table in EVIDENCE:
            with unprotected(table), connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table}")


@contextmanager
def unprotected(table: str) -> Iterator[None]:
    """Without the table's triggers, as somebody with rights over the database itself could make it."""
    protection = import_module(EVIDENCE[table])
    with connection.cursor() as cursor:
        for statement in protection.RELEASE[connection.vendor]:
            cursor.execute(statement)
        yield
        for statement in protection.PROTECT[connection.vendor]:
            cursor.execute(statement)
