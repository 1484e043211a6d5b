"""Fills an empty database with the weeks of a made-up company."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from releaseflow.demo import seed
from workflow import clock
from workflow.eastern import eastern_day, say_instant


class Command(BaseCommand):
    help = (
        "Fill an empty database with weeks of a made-up company, made by the application's own actions, and set the "
        "demo's clock to the present week's Tuesday, 11:42 am ET. Needs DEMO=1. The same seed gives the same story."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="another number tells another story (default: 1)")
        parser.add_argument(
            "--weeks", type=int, default=12, help="how many weeks, the present one included (default: 12)"
        )
        parser.add_argument("--today", help="the day to take for today, YYYY-MM-DD (default: the real one)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("seed_demo makes people up, so it only runs with DEMO=1.", returncode=2)
        weeks, today = options["weeks"], _day(options["today"])
        if not seed.FEWEST <= weeks <= seed.MOST:
            raise CommandError(f"--weeks must be from {seed.FEWEST} to {seed.MOST}, not {weeks}.", returncode=2)
        if not seed.is_empty():
            raise CommandError("There are weeks or deployments already. seed_demo only fills an empty database.")
        made = seed.sow(seed=options["seed"], weeks=weeks, today=today)
        seed.set_clock(made.begins)
        self.stdout.write(
            f"Made {weeks} weeks: {made.people} people, {made.deployments} deployments, {made.pull_requests} pull "
            f"requests, {made.emails} e-mails. The demo's clock now says {say_instant(made.begins)}."
        )


def _day(text: str | None) -> date:
    if text is None:
        return eastern_day(clock.now())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--today must be a day like 2026-12-08, not {text!r}.", returncode=2) from None
