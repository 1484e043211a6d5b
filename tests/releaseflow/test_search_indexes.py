"""The indexes behind search, which only PostgreSQL has."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from crq.models import CRQ, NumberThere
from deployments.models import Deployment, PullRequest
from releaseflow.checks import trigrams

migration = import_module("releaseflow.migrations.0002_search_is_indexed")
COLUMNS = migration.COLUMNS + import_module("releaseflow.migrations.0005_number_there_is_indexed").COLUMNS
pytestmark = pytest.mark.django_db
only_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite reads through its few rows.")


def definitions() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'search_%'")
        return dict(cursor.fetchall())


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@only_postgres
@pytest.mark.parametrize(
    ("found", "index"),
    [
        (lambda: Deployment.objects.filter(title__icontains="timeout"), "search_deployment_title"),
        (lambda: PullRequest.objects.filter(title__icontains="timeout"), "search_pull_request_title"),
        (lambda: CRQ.objects.filter(number__icontains="418207"), "search_crq_number"),
        (lambda: NumberThere.objects.filter(number__icontains="0031234"), "search_number_there"),
    ],
)
def test_the_middle_of_a_word_is_found_by_its_index(found, index: str) -> None:
    execute("SET LOCAL enable_seqscan = off")

    assert index in found().order_by().explain()


@only_postgres
def test_without_the_extension_there_are_plain_indexes_and_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trigrams(["default"]) == []
    execute("DROP EXTENSION pg_trgm CASCADE")
    monkeypatch.setattr(migration, "add_extension", lambda connection: False)

    with connection.schema_editor() as editor:
        migration.add_indexes(apps, editor, COLUMNS)

    assert set(definitions()) == {name for name, _, _ in COLUMNS}
    assert all("text_pattern_ops" in definition for definition in definitions().values())
    [warning] = trigrams(["default"])
    assert "pg_trgm extension is missing in the database default" in warning.msg


@only_postgres
def test_the_migration_can_be_taken_back() -> None:
    with connection.schema_editor() as editor:
        migration.drop_indexes(apps, editor, COLUMNS)

    assert definitions() == {}


def test_a_database_without_trigrams_of_its_own_is_not_warned_about() -> None:
    assert trigrams(["default"]) == []
    assert trigrams(None) == []
