"""Does once what beat does every half minute: makes passed deadlines visible."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from crq.deadlines import waiting
from deployments.models import Milestone
from notifications.models import Email
from releaseflow.tick import tick
from workflow import clock
from workflow.eastern import EASTERN, say_instant
from workflow.models import Event


@dataclass(frozen=True)
class Run:
    """What one run did, or in a dry run would do. `events` are about more than the deadlines themselves."""

    now: datetime
    due: list[Milestone]
    held: dict[int, int]
    failed: list[Milestone]
    events: list[Event]
    emails: int


class Command(BaseCommand):
    help = (
        "Enforce every deadline that has passed: take its snapshot, hold what is not ready, send the e-mail that is "
        "due. Each is enforced once; running this again changes nothing. Exit code 0: nothing went wrong; 1: some "
        "deadline could not be enforced (see the log) and is tried again next time; 2: bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at",
            help="take this for now in everything that follows, such as 2026-12-08T14:01 (Eastern) or "
            "2026-12-08T19:01Z; not in the future, except with DEMO=1",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        dry = options["dry_run"]
        with ExitStack() as stack:
            if at := _instant(options["at"]):
                stack.enter_context(clock.frozen(at))
            done = _dry_run() if dry else _run()
        if options["json"]:
            self.stdout.write(json.dumps(_record(done), indent=2))
        else:
            self._say(done, dry=dry)
        if done.failed:
            sys.exit(1)

    def _say(self, done: Run, *, dry: bool) -> None:
        for milestone in done.due:
            if milestone.pk in done.held:
                what = f"{milestone}, due {say_instant(milestone.due_at)}"
                verb = "Would enforce" if dry else "Enforced"
                self.stdout.write(f"{verb}: {what}. {_deployments(done.held[milestone.pk])} held.")
        for event in done.events if dry else []:
            reason = f" ({event.reason.rstrip('.')})" if event.reason else ""
            self.stdout.write(f"Would follow: {event.action.replace('_', ' ')}, {event.subject}{reason}.")
        if dry and done.emails:
            self.stdout.write(f"Would queue: {done.emails} e-mail{'' if done.emails == 1 else 's'}.")
        for milestone in done.failed:
            self.stderr.write(f"Could not enforce: {milestone}. It is tried again next time; the log says why.")
        if not done.due:
            self.stdout.write("No deadline is waiting.")


def _run() -> Run:
    now = clock.now()
    due = list(waiting(now).select_related("week").order_by("due_at", "pk"))
    last = _last(Event), _last(Email)
    held = {done.milestone.pk: done.held for done in tick(now)}
    events = Event.objects.filter(pk__gt=last[0]).exclude(object_type="milestone").order_by("pk")
    return Run(
        now=now,
        due=due,
        held=held,
        failed=_still_waiting(due),
        events=list(events.select_related("actor", "for_user")),
        emails=Email.objects.filter(pk__gt=last[1]).count(),
    )


def _dry_run() -> Run:
    """The same run, taken back at its end: so it says what would happen, and not what another rule expects."""
    with transaction.atomic():
        done = _run()
        transaction.set_rollback(True)
    return done


def _last(model: type[Event | Email]) -> int:
    return model._default_manager.order_by("pk").values_list("pk", flat=True).last() or 0


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    now = clock.now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--at must be an instant like 2026-12-08T14:01, not {text!r}.", returncode=2) from None
    at = at if at.tzinfo else at.replace(tzinfo=EASTERN)
    if at > now and not settings.DEMO:
        raise CommandError(
            f"--at is in the future: it is {say_instant(now)}. Deadlines are not enforced early.", returncode=2
        )
    return at


def _still_waiting(due: list[Milestone]) -> list[Milestone]:
    left = set(
        Milestone.objects.filter(pk__in=[each.pk for each in due], enforced_at=None).values_list("pk", flat=True)
    )
    return [each for each in due if each.pk in left]


def _record(done: Run) -> dict[str, Any]:
    return {
        "now": done.now.isoformat(),
        "due": [
            {
                "week": milestone.week.thursday.isoformat(),
                "milestone": milestone.key,
                "due_at": milestone.due_at.isoformat(),
                "enforced": milestone.pk in done.held,
                "held": done.held.get(milestone.pk, 0),
            }
            for milestone in done.due
        ],
        "failed": len(done.failed),
        "follows": [
            {"object": event.object_type, "action": event.action, "subject": event.subject, "reason": event.reason}
            for event in done.events
        ],
        "emails": done.emails,
    }


def _deployments(count: int) -> str:
    return f"{count or 'No'} deployment{'' if count == 1 else 's'}"
