"""Does once what beat does every half minute: makes passed deadlines visible."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.models import Milestone
from releaseflow.tick import tick
from workflow import clock
from workflow.eastern import EASTERN, say_instant


class Command(BaseCommand):
    help = (
        "Enforce every deadline that has passed: take its snapshot, hold what is not ready, send the e-mail that is "
        "due. Each is enforced once; running this again changes nothing. Exit code 0: nothing went wrong; 1: some "
        "deadline could not be enforced (see the log) and is tried again next time; 2: bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at", help="take this for now, such as 2026-12-08T14:01 (Eastern) or 2026-12-08T19:01Z; not in the future"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say what is due")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = _instant(options["at"])
        due = list(
            Milestone.objects.filter(enforced_at=None, due_at__lt=now).select_related("week").order_by("due_at", "pk")
        )
        held = {} if options["dry_run"] else {done.milestone.pk: done.held for done in tick(now)}
        failed = [] if options["dry_run"] else _still_waiting(due)
        if options["json"]:
            self.stdout.write(json.dumps(_record(now, due, held, failed), indent=2))
        else:
            self._say(due, held, failed, dry=options["dry_run"])
        if failed:
            sys.exit(1)

    def _say(self, due: list[Milestone], held: dict[int, int], failed: list[Milestone], *, dry: bool) -> None:
        for milestone in due:
            what = f"{milestone}, due {say_instant(milestone.due_at)}"
            if dry:
                self.stdout.write(f"Would enforce: {what}.")
            elif milestone.pk in held:
                self.stdout.write(f"Enforced: {what}. {_deployments(held[milestone.pk])} held.")
        for milestone in failed:
            self.stderr.write(f"Could not enforce: {milestone}. It is tried again next time; the log says why.")
        if not due:
            self.stdout.write("No deadline is waiting.")


def _instant(text: str | None) -> datetime:
    now = clock.now()
    if text is None:
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at must be an instant like 2026-12-08T14:01, not {text!r}.", returncode=2) from None
    at = at if at.tzinfo else at.replace(tzinfo=EASTERN)
    if at > now:
        raise CommandError(
            f"--at is in the future: it is {say_instant(now)}. Deadlines are not enforced early.", returncode=2
        )
    return at


def _still_waiting(due: list[Milestone]) -> list[Milestone]:
    waiting = set(
        Milestone.objects.filter(pk__in=[each.pk for each in due], enforced_at=None).values_list("pk", flat=True)
    )
    return [each for each in due if each.pk in waiting]


def _record(now: datetime, due: list[Milestone], held: dict[int, int], failed: list[Milestone]) -> dict[str, Any]:
    return {
        "now": now.isoformat(),
        "due": [
            {
                "week": milestone.week.thursday.isoformat(),
                "milestone": milestone.key,
                "due_at": milestone.due_at.isoformat(),
                "enforced": milestone.pk in held,
                "held": held.get(milestone.pk, 0),
            }
            for milestone in due
        ],
        "failed": len(failed),
    }


def _deployments(count: int) -> str:
    return f"{count or 'No'} deployment{'' if count == 1 else 's'}"
