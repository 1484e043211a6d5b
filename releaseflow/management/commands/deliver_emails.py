"""Does once what beat does every few seconds: sends the outbox."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.delivery import Tally, deliver
from workflow import clock

GIVEN_UP, NO_SERVER = 1, 3


class Command(BaseCommand):
    help = (
        "Send every e-mail and post of the outbox that is due. Exit code 0: everything that was due left, or is tried "
        "again later; 1: some were given up (the delivery page, or the channel's, shows which and why); 2: bad input; "
        "3: the mail server does not answer or refuses us, so e-mails wait."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, help="begin no message after so many seconds; without it, go on")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        seconds = options["seconds"]
        if seconds is not None and not seconds > 0:
            raise CommandError(f"--seconds must be more than 0, not {seconds:g}.", returncode=2)
        tally = deliver(clock.now, seconds=float("inf") if seconds is None else seconds)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(tally)))
        else:
            self._say(tally)
        if tally.fault:
            sys.exit(NO_SERVER)
        if tally.parked:
            sys.exit(GIVEN_UP)

    def _say(self, tally: Tally) -> None:
        waiting = f", {tally.put_back} put back" if tally.put_back else ""
        self.stdout.write(f"{tally.sent} sent, {tally.retried} to be tried again, {tally.parked} given up{waiting}.")
        if tally.fault:
            self.stderr.write(f"The mail server does not take e-mails: {tally.fault}. All wait and are tried again.")
