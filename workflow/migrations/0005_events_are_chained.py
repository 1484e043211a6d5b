"""Events become links of chains. The present ones are chained in the order in which they happened."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from workflow import chain

PORTION = 1000


def chain_present(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    Event = apps.get_model("workflow", "Event")
    heads: dict[str, tuple[int, str]] = {}
    portion = []
    for event in Event.objects.order_by("at", "pk").iterator(chunk_size=PORTION):
        in_deployment = event.deployment_id is not None
        event.shard = f"deployment:{event.deployment_id}" if in_deployment else f"{event.object_type}:{event.object_id}"
        sequence, event.previous = heads.get(event.shard, (0, chain.GENESIS))
        event.sequence = sequence + 1
        event.hash = chain.digest(vars(event))
        heads[event.shard] = (event.sequence, event.hash)
        portion.append(event)
        if len(portion) == PORTION:
            Event.objects.bulk_update(portion, ["shard", "sequence", "previous", "hash"], batch_size=200)
            portion = []
    Event.objects.bulk_update(portion, ["shard", "sequence", "previous", "hash"], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("workflow", "0001_initial")]
    operations = [
        migrations.AddField(
            "event",
            "shard",
            models.CharField(default="", help_text="The chain that this event is a link of.", max_length=60),
            preserve_default=False,
        ),
        migrations.AddField(
            "event",
            "sequence",
            models.PositiveIntegerField(default=0, help_text="Its place in the chain, from 1."),
            preserve_default=False,
        ),
        migrations.AddField(
            "event",
            "previous",
            models.CharField(default="", help_text="The hash of the event before it in the chain.", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            "event",
            "hash",
            models.CharField(default="", help_text="SHA-256 of all facts above, see `chain.py`.", max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(chain_present, migrations.RunPython.noop),
    ]
