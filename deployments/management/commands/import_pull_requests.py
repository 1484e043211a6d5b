from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from deployments.imports import Entries, Import, Line, count, entries_of

HELP = """Takes pull requests, and their reviews, from files that hold what GitHub's REST API answers:
GET /repos/{owner}/{repo}/pulls, and GET /repos/{owner}/{repo}/pulls/{number}/reviews.
Says line by line what was taken, updated or skipped, and why. Repeating it changes nothing.
Ends with 0, with 1 when entries were malformed, with 2 when a file cannot be read."""


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a JSON file with pull requests, or - for standard input")
        parser.add_argument("--reviews", metavar="FILE", help="a JSON file with reviews of these pull requests")
        parser.add_argument("--json", action="store_true", help="write the lines and the counts as JSON")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        entries = _read(options["file"], "pulls")
        more = _read(options["reviews"], "reviews") if options["reviews"] else Entries()
        run = Import()
        if options["dry_run"]:
            with transaction.atomic():
                self._take(run, entries, more)
                transaction.set_rollback(True)
        else:
            self._take(run, entries, more)
        self._report(run.lines, as_json=options["json"], dry=options["dry_run"])
        if count(run.lines)["malformed"]:
            sys.exit(1)

    def _take(self, run: Import, entries: Entries, more: Entries) -> None:
        run.take(entries)
        run.take(more)

    def _report(self, lines: list[Line], *, as_json: bool, dry: bool) -> None:
        counts = count(lines)
        if as_json:
            report = {"dry_run": dry, "counts": counts, "lines": [vars(line) for line in lines]}
            self.stdout.write(json.dumps(report, indent=2))
            return
        for line in lines:
            why = f": {line.why}" if line.why else ""
            self.stdout.write(f"{line.outcome:<9} {line.position:<12} {_printable(line.subject + why)}")
        words = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        self.stdout.write(f"{words}." + (" Nothing was changed: this was a dry run." if dry else ""))


def _printable(text: str) -> str:
    """On one line, without what a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def _read(path: str, holds: Literal["pulls", "reviews"]) -> Entries:
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror or error}.", returncode=2) from error
    try:
        return entries_of(json.loads(content.decode("utf-8-sig")), holds=holds)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.", returncode=2) from error
