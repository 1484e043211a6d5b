"""Indexes for search, on PostgreSQL alone: SQLite reads through its few rows.

Trigrams find the middle of a word. Where the extension may not be installed, plain indexes serve what begins with the
words, and `manage.py check --database default` says how to do better.
"""

from django.db import DatabaseError, migrations, transaction

COLUMNS = (
    ("search_deployment_title", "deployments_deployment", "title"),
    ("search_pull_request_title", "deployments_pullrequest", "title"),
    ("search_pull_request_login", "deployments_pullrequest", "author_login"),
    ("search_crq_title", "crq_crq", "title"),
    ("search_crq_number", "crq_crq", "number"),
)


def has_trigrams(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None


def add_extension(connection):
    """Whether there are trigrams now; a database that may not have them is left as it was."""
    if has_trigrams(connection):
        return True
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return False
    return True


def add_indexes(apps, schema_editor, columns=COLUMNS):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    how = "USING gin (UPPER({}::text) gin_trgm_ops)" if add_extension(connection) else "(UPPER({}::text) text_pattern_ops)"
    for name, table, column in columns:
        schema_editor.execute(f"CREATE INDEX {name} ON {table} {how.format(column)}")


def drop_indexes(apps, schema_editor, columns=COLUMNS):
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        for name, _, _ in columns:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("releaseflow", "0001_heartbeat"),
        ("crq", "0004_snapshots_never_change"),
        ("deployments", "0002_schedule"),
    ]
    operations = [migrations.RunPython(add_indexes, drop_indexes)]
