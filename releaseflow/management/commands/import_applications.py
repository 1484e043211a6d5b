"""Adds the applications of a CSV file, and the repositories that they are built from."""

from __future__ import annotations

from datetime import datetime

from releaseflow.management.import_command import ImportCommand
from releaseflow.settings_pages.importing import Tally, read, save


class Command(ImportCommand):
    help = (
        "Adds the applications of a CSV file (columns name, team, repositories, forge, approvals; the first two are "
        "needed) and the repositories that they lack, by their addresses. Nothing is changed or taken away; repeating "
        "it is harmless."
    )

    def bring_in(self, content: bytes, now: datetime, *, dry_run: bool) -> Tally:
        return save(read(content), dry_run=dry_run)
