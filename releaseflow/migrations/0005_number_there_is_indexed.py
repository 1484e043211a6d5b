"""The index for search by a number of another change system, as the others are."""

from functools import partial
from importlib import import_module

from django.db import migrations

search = import_module("releaseflow.migrations.0002_search_is_indexed")
COLUMNS = (("search_number_there", "crq_numberthere", "number"),)


class Migration(migrations.Migration):
    dependencies = [("releaseflow", "0004_feed"), ("crq", "0010_numbers_and_files_elsewhere")]
    operations = [
        migrations.RunPython(
            partial(search.add_indexes, columns=COLUMNS), partial(search.drop_indexes, columns=COLUMNS)
        )
    ]
