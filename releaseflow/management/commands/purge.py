"""Deletes what is older than the retention period."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from releaseflow.purge import Files, Plan, plan, purge
from workflow import clock
from workflow.eastern import say_day


class Command(BaseCommand):
    help = (
        "Delete what is older than RETENTION_YEARS: the files of documents, e-mails as sent, drafts, reminders noted; "
        "and sessions that have ended. Audit trail, decisions, snapshots, the records and hashes of documents and the "
        "weekly e-mails stay, as does everything of a week on legal hold. Nothing is ever deleted but by this command. "
        "Exit code 0: done, or nothing to do."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--dry-run", action="store_true", help="name what would go, and change nothing")
        how.add_argument("--delete", action="store_true", help="delete it; there is no way back but a backup")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        found = purge(clock.now) if options["delete"] else plan(clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(_record(found, deleted=options["delete"]), indent=2))
        else:
            self._say(found, verb="Deleted" if options["delete"] else "Would delete")

    def _say(self, found: Plan, *, verb: str) -> None:
        day = f"{say_day(found.before)}, {found.before.year}"
        self.stdout.write(f"Kept for {settings.RETENTION_YEARS} years, so this is about what is older than {day}.")
        for each in found.files:
            self.stdout.write(f"Stays: {_line(each)}. {each.stays}" if each.stays else f"{verb}: {_line(each)}.")
        for name, count in found.rows.items():
            if count:
                self.stdout.write(f"{verb}: {count} {name}.")
        if found.is_empty:
            self.stdout.write("Nothing is to be deleted.")


def _line(files: Files) -> str:
    week = files.crq.deployment.week
    many = "1 file" if files.documents == 1 else f"{files.documents} files"
    size = filesizeformat(files.size).replace("\xa0", " ")
    return f"{many} of {files.crq.number}, {week}, {week.thursday.year} ({size})"


def _record(found: Plan, *, deleted: bool) -> dict[str, Any]:
    files = [
        {"crq": each.crq.number, "documents": each.documents, "bytes": each.size, "stays": each.stays}
        for each in found.files
    ]
    return {"deleted": deleted, "before": found.before.isoformat(), "files": files, "rows": found.rows}
