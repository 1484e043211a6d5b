"""The database itself refuses to change or delete an event, and lets each place of a chain be taken once.

Emptying a table that is empty already is no loss, so that is allowed on PostgreSQL.
On SQLite a later migration that rebuilds `workflow_event` drops the triggers with the old table: run `protect` again there.
"""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SENTENCE = "The audit trail is evidence: an event is never changed or deleted."

PROTECT = {
    "sqlite": [
        f"CREATE TRIGGER workflow_event_no_{action} BEFORE {action} ON workflow_event "
        f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        for action in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION workflow_event_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN "
        "IF TG_OP = 'TRUNCATE' THEN IF NOT EXISTS (SELECT FROM workflow_event) THEN RETURN NULL; END IF; END IF; "
        f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER workflow_event_no_change BEFORE UPDATE OR DELETE ON workflow_event "
        "FOR EACH ROW EXECUTE FUNCTION workflow_event_never_changes()",
        "CREATE TRIGGER workflow_event_no_truncate BEFORE TRUNCATE ON workflow_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION workflow_event_never_changes()",
    ],
}
RELEASE = {
    "sqlite": ["DROP TRIGGER workflow_event_no_update", "DROP TRIGGER workflow_event_no_delete"],
    "postgresql": [
        "DROP TRIGGER workflow_event_no_change ON workflow_event",
        "DROP TRIGGER workflow_event_no_truncate ON workflow_event",
        "DROP FUNCTION workflow_event_never_changes()",
    ],
}


def protect(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in PROTECT[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def release(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in RELEASE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("workflow", "0005_events_are_chained")]
    operations = [
        migrations.AddConstraint(
            "event",
            models.UniqueConstraint(fields=["shard", "sequence"], name="one_event_at_each_place_of_a_chain"),
        ),
        migrations.AddConstraint(
            "event", models.CheckConstraint(condition=models.Q(sequence__gt=0), name="chains_begin_at_one")
        ),
        migrations.AddConstraint(
            "event",
            models.UniqueConstraint(condition=models.Q(("action", "seal")), fields=["week"], name="one_seal_a_week"),
        ),
        migrations.RunPython(protect, release),
    ]
