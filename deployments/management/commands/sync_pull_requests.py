from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import Repository
from deployments.sync.run import Line, Sync

HELP = """Asks each forge's API for the pull requests, reviews and checks of the repositories known here, and takes
them in as webhooks are: for what was missed, or where no webhook can reach this machine. Repeating it changes nothing.
A connection asks where it has a token (Settings, Forges). Ends with 1 when a repository could not be asked or an answer
could not be read; the others are done all the same."""
OUTCOMES = ("taken", "updated", "unchanged", "skipped", "malformed", "failed")


class Command(BaseCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repository", action="append", help="owner/name or address; again for more. Default: all")
        parser.add_argument("--since", metavar="YYYY-MM-DD", help="leave out what was not changed since that day (UTC)")
        parser.add_argument("--json", action="store_true", help="write the lines and the counts as JSON")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        since = _day(options["since"]) if options["since"] else None
        sync, lines = Sync(since=since, dry=options["dry_run"]), []
        for repository in _chosen(options["repository"]):
            for line in sync.repository(repository):
                lines.append(line)
                if not options["json"]:
                    self.stdout.write(_words(line))
        self._report(lines, as_json=options["json"], dry=sync.dry)
        if any(line.outcome in {"failed", "malformed"} for line in lines):
            sys.exit(1)

    def _report(self, lines: list[Line], *, as_json: bool, dry: bool) -> None:
        counts = {name: sum(line.outcome == name for line in lines) for name in OUTCOMES}
        if as_json:
            report = {"dry_run": dry, "counts": counts, "lines": [vars(line) for line in lines]}
            self.stdout.write(json.dumps(report, indent=2))
            return
        said = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "There was nothing to ask"
        nothing = "" if counts["taken"] or counts["updated"] else " Nothing changed."
        self.stdout.write(f"{said}." + (" Nothing was changed: this was a dry run." if dry else nothing))


def _words(line: Line) -> str:
    """On one line, without what a terminal would obey."""
    text = f"{line.outcome:<9} {line.subject}" + (f": {line.why}" if line.why and line.outcome != "failed" else "")
    text = f"{line.outcome:<9} {line.why}" if line.outcome == "failed" else text
    return "".join(character if character.isprintable() else " " for character in text)


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time.min, UTC)
    except ValueError:
        raise CommandError(f"--since takes a day such as 2026-12-01, not {text}.", returncode=2) from None


def _chosen(names: list[str] | None) -> list[Repository]:
    known = list(Repository.objects.order_by("name"))
    if not names:
        return known
    chosen = [each for each in known if {each.name.lower(), each.url.lower()} & {name.lower() for name in names}]
    found = {name.lower() for each in chosen for name in (each.name, each.url)}
    if strangers := [name for name in names if name.lower() not in found]:
        raise CommandError(f"Not a repository known here: {', '.join(strangers)}.", returncode=2)
    return chosen
