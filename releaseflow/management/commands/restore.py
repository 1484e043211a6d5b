"""Fills an empty database and storage from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.backup import Unusable, restore


class Command(BaseCommand):
    help = (
        "Fill an empty, migrated database and an empty document storage from a file that `backup` wrote, on SQLite or "
        "PostgreSQL, whichever it came from. Compares every table, document and audit chain with it. All of it is "
        "restored, or nothing. Exit code 0: restored and compared; 1: refused, nothing changed; 2: bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="IN.tar.gz")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", returncode=2)
        try:
            manifest = restore(path)
        except Unusable as unusable:
            raise CommandError(str(unusable)) from unusable
        number = sum(table["rows"] for table in manifest["tables"].values())
        self.stdout.write(
            f"Restored {number} rows and {len(manifest['documents'])} documents of {manifest['made_at']}. "
            "All tables, documents and audit chains are as they were."
        )
