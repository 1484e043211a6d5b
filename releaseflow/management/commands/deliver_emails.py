"""Does once what beat does every few seconds: sends the outbox."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from notifications.delivery import deliver
from workflow import clock


class Command(BaseCommand):
    help = (
        "Send every e-mail of the outbox that is due. Exit code 0: everything that was due left or is retried later; "
        "1: some were given up (the e-mails page shows which and why)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        tally = deliver(clock.now)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(tally)))
        else:
            self.stdout.write(f"{tally.sent} sent, {tally.retried} to be tried again, {tally.parked} given up.")
        if tally.parked:
            sys.exit(1)
