"""The database itself refuses to change or delete a snapshot.

TRUNCATE stays possible on PostgreSQL: it empties a whole database, as test runs do, and changes no evidence unnoticed.
On SQLite a later migration that rebuilds `crq_snapshot` drops the triggers with the old table: run `protect` again there.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SENTENCE = "A snapshot is evidence: it is never changed or deleted."

PROTECT = {
    "sqlite": [
        f"CREATE TRIGGER crq_snapshot_no_{action} BEFORE {action} ON crq_snapshot BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        for action in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION crq_snapshot_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER crq_snapshot_no_change BEFORE UPDATE OR DELETE ON crq_snapshot "
        "FOR EACH ROW EXECUTE FUNCTION crq_snapshot_never_changes()",
    ],
}
RELEASE = {
    "sqlite": ["DROP TRIGGER crq_snapshot_no_update", "DROP TRIGGER crq_snapshot_no_delete"],
    "postgresql": [
        "DROP TRIGGER crq_snapshot_no_change ON crq_snapshot",
        "DROP FUNCTION crq_snapshot_never_changes()",
    ],
}


def protect(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in PROTECT[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def release(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in RELEASE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("crq", "0003_exemption_says_why")]
    operations = [migrations.RunPython(protect, release)]
