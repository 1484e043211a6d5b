"""Writes the database and all documents into one file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.backup import Unusable, make
from workflow import clock


class Command(BaseCommand):
    help = (
        "Write every row and every document, as of one instant, into OUT.tar.gz while people go on working. It holds "
        "all that the database holds except sessions: keep it as safe. Exit code 0: written; 1: not; 2: bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("out", metavar="OUT.tar.gz")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["out"])
        if path.exists():
            raise CommandError(f"{path} is there already. Give another name.", returncode=2)
        try:
            manifest = make(path, clock.now())
        except (Unusable, OSError) as error:
            raise CommandError(str(error)) from error
        done = {
            "file": str(path),
            "bytes": path.stat().st_size,
            "rows": sum(table["rows"] for table in manifest["tables"].values()),
            "documents": len(manifest["documents"]),
        }
        if options["json"]:
            self.stdout.write(json.dumps(done, indent=2))
        else:
            self.stdout.write(f"Wrote {done['rows']} rows and {done['documents']} documents to {path}.")
