"""Checks the stored documents against their records."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crq.keeping import damaged, discard, orphans
from workflow import clock


class Command(BaseCommand):
    help = (
        "Read every stored document and compare it with the SHA-256 of its record; also look for files that no record "
        "names, a day old or older. Exit code 0: nothing wrong; 1: a document is missing or changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--delete-orphans", action="store_true", help="remove the files that no record names")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = [
            {"crq": document.crq.number, "document": document.pk, "name": document.name, "what": what}
            for document, what in damaged()
        ]
        left = list(orphans(clock.now()))
        if options["delete_orphans"]:
            for name in left:
                discard(name)
        if options["json"]:
            record = {"wrong": wrong, "orphans": left, "deleted": options["delete_orphans"]}
            self.stdout.write(json.dumps(record, indent=2))
        else:
            self._say(wrong, left, deleted=options["delete_orphans"])
        if wrong:
            sys.exit(1)

    def _say(self, wrong: list[dict[str, Any]], left: list[str], *, deleted: bool) -> None:
        for each in wrong:
            self.stderr.write(
                f"{each['crq']}: the file of {each['name']} (document {each['document']}) is {each['what']}."
            )
        for name in left:
            self.stdout.write(f"{'Deleted' if deleted else 'No record names'}: {name}")
        if not wrong:
            self.stdout.write("Every document is as it was attached.")
