"""What `manage.py check --database default` (and `migrate`) looks at beside Django's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections


@checks.register(checks.Tags.database)
def trigrams(databases: Sequence[str] | None = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Search for the middle of words is indexed on PostgreSQL only with its pg_trgm extension."""
    lacking = [alias for alias in databases or () if _lacks_trigrams(alias)]
    hint = "A database owner runs CREATE EXTENSION pg_trgm; then `manage.py migrate releaseflow 0001` and `migrate`."
    return [
        checks.Warning(
            f"PostgreSQL's pg_trgm extension is missing in the database {alias}, so search reads whole tables.",
            hint=hint,
            id="releaseflow.W001",
        )
        for alias in lacking
    ]


def _lacks_trigrams(alias: str) -> bool:
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is None
