"""What the commands that import a CSV file share: their arguments, and how they say what they did."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.csv_file import Told, Unreadable
from workflow import clock
from workflow.steps import Refused


class ImportCommand(BaseCommand):
    """All of a file or nothing; exit code 1 when it was nothing."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Say it as one JSON object, for scripts.")

    @abstractmethod
    def bring_in(self, content: bytes, now: datetime, *, dry_run: bool) -> Told:
        """Imports what the file says. Raises Unreadable or Refused, and then nothing was changed."""

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            told = self.bring_in(file.read_bytes(), clock.now(), dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except (Unreadable, Refused) as error:
            if options["json"]:
                self.stdout.write(json.dumps({"problems": str(error).splitlines()}, ensure_ascii=False))
            raise CommandError(f"Nothing was imported.\n{error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(told) | {"dry_run": dry_run}, ensure_ascii=False))
        else:
            self.stdout.write(
                "\n".join([*told.lines(), *(["This was a dry run: nothing was changed."] if dry_run else [])])
            )
