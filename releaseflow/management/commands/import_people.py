"""Invites the people of a CSV file and gives them their roles."""

from __future__ import annotations

from datetime import datetime

from releaseflow.management.import_command import ImportCommand
from releaseflow.people.importing import Tally, read, save


class Command(ImportCommand):
    help = (
        "Invites the people of a CSV file (columns name, email, team, roles, manager; the first two are needed) and "
        "gives those who are known already the roles that they lack. Nothing is taken away; repeating it is harmless."
    )

    def bring_in(self, content: bytes, now: datetime, *, dry_run: bool) -> Tally:
        return save(read(content), now, dry_run=dry_run)
