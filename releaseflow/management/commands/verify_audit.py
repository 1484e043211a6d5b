"""Checks the audit trail: every event is what was recorded, and none is missing."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from workflow import audit, sealing


class Command(BaseCommand):
    help = (
        "Check the hash chains of the audit trail, and that what was sealed each week is still there. With --against, "
        "also that everything named by an earlier --export, or by a saved 'audit_heads' e-mail, is. Exit code 0: "
        "nothing wrong; 1: something is, and is named; 2: bad input."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--against", metavar="FILE", help="a file of anchors: an earlier export or a saved e-mail")
        parser.add_argument("--export", action="store_true", help="print the anchors of all chains, and check nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            for line in sealing.export():
                self.stdout.write(line)
            return
        known = _anchors(options["against"]) if options["against"] else {}
        verdict = audit.verify(known)
        if options["json"]:
            record = {"ok": not verdict.findings, **asdict(verdict), "anchors": len(known)}
            self.stdout.write(json.dumps(record, indent=2))
        else:
            self._say(verdict)
        if verdict.findings:
            sys.exit(1)

    def _say(self, verdict: audit.Verdict) -> None:
        for finding in verdict.findings:
            row = f" (row {finding.event})" if finding.event else ""
            self.stderr.write(f"{finding.sentence}{row}")
        wrong = len(verdict.findings)
        outcome = f"{wrong} thing{'' if wrong == 1 else 's'} wrong" if wrong else "nothing is wrong"
        self.stdout.write(f"Checked {verdict.events} events in {verdict.chains} chains: {outcome}.")


def _anchors(name: str) -> audit.Anchors:
    try:
        found = sealing.read_anchors(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}.", returncode=2) from None
    if not found:
        raise CommandError(f"{name} holds no anchor: a line such as 'audit:0 12 5f3c…'.", returncode=2)
    return found
