"""Does once what beat does every hour: creates the release weeks ahead and warns of the skipped ones."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import ReleaseWeek
from deployments.weeks import AHEAD, open_weeks, warn_ahead
from workflow import clock
from workflow.eastern import say_day

MOST = 60


class Command(BaseCommand):
    help = (
        "Create the release weeks that are missing, this week included, with their deadlines from the schedule and the "
        "closed days. Existing weeks are left alone. Everybody is told, once, of a skipped week in the coming three "
        "weeks. Exit code 0, or 2 for bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--ahead", type=int, default=AHEAD, help=f"how many weeks after this one (default: {AHEAD})"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        ahead = options["ahead"]
        if not 0 <= ahead <= MOST:
            raise CommandError(f"--ahead must be from 0 to {MOST}, not {ahead}.", returncode=2)
        now = clock.now()
        opened = open_weeks(now, ahead=ahead)
        warn_ahead(now)
        if options["json"]:
            self.stdout.write(json.dumps({"opened": [_record(week) for week in opened]}, indent=2))
            return
        for week in opened:
            self.stdout.write(f"Opened the {week}: {_install(week)}.")
        if not opened:
            self.stdout.write("Every week is there already.")


def _install(week: ReleaseWeek) -> str:
    return f"install on {say_day(week.install_day)}" if week.install_day else f"no install, {week.skip_reason}"


def _record(week: ReleaseWeek) -> dict[str, str | None]:
    day = week.install_day
    return {
        "week": week.thursday.isoformat(),
        "install_day": day.isoformat() if day else None,
        "skip_reason": week.skip_reason,
    }
