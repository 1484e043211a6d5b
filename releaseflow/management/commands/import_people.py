"""Invites the people of a CSV file and gives them their roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.people.importing import Tally, Unreadable, read, save
from workflow import clock
from workflow.steps import Refused


class Command(BaseCommand):
    help = (
        "Invites the people of a CSV file (columns name, email, team, roles, manager; the first two are needed) and "
        "gives those who are known already the roles that they lack. Nothing is taken away; repeating it is harmless."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen, and change nothing.")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            tally = save(read(file.read_bytes()), clock.now(), dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except (Unreadable, Refused) as error:
            raise CommandError(f"Nothing was imported.\n{error}") from error
        self.stdout.write(_said(tally, dry_run=dry_run))


def _said(tally: Tally, *, dry_run: bool) -> str:
    lines = [f"Invited: {name}" for name in tally.invited] + [f"Given roles: {name}" for name in tally.given]
    total = f"{len(tally.invited)} invited, {len(tally.given)} given roles, {tally.unchanged} unchanged."
    return "\n".join([*lines, total, *(["This was a dry run: nothing was changed."] if dry_run else [])])
