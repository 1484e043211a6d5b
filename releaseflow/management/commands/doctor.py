"""Says in sentences whether the installation is well."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from releaseflow.doctor import look
from workflow import clock


class Command(BaseCommand):
    help = (
        "Look at settings, database, migrations, clocks, time-zone data, disk, mail server, broker, people and weeks. "
        "Changes and sends nothing. Exit code 0: all is well; 1: something is not, and its line says what to do."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        found = look(clock.now)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(each) for each in found], indent=2))
        else:
            for each in found:
                self.stdout.write(f"{'ok  ' if each.ok else 'FAIL'}  {each.name}: {each.sentence}")
        if not all(each.ok for each in found):
            sys.exit(1)
