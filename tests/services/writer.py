"""Writes without end on SQLite: `writer.py [only-log]` submits pull requests until it is killed.

`only-log`: everything stays in the write-ahead log, so that any beginning of it is what a disk may keep of it.
`writer.py verify FILE…` says of each database whether SQLite and the audit trail find it whole.
"""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def write(*, only_log: bool) -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from tests.cast import Cast
    from tests.stages import EARLY, Stage, a_week
    from workflow import clock

    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA wal_autocheckpoint = {0 if only_log else 50}")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with clock.frozen(EARLY):
        stage = Stage(Cast.assemble(), a_week())
        stage.numbers = count(1)
        while True:
            print(stage.submit(), flush=True)  # noqa: T201


def verify(paths: list[str]) -> None:
    from django.db import connection

    from deployments.models import PullRequest
    from workflow import audit
    from workflow.models import Event

    for path in paths:
        connection.close()
        connection.settings_dict["NAME"] = path
        with connection.cursor() as cursor:
            whole = [row for (row,) in cursor.execute("PRAGMA integrity_check").fetchall()]
            orphans = len(cursor.execute("PRAGMA foreign_key_check").fetchall())
        verdict = audit.verify()
        rows = PullRequest.objects.count()
        half = Event.objects.filter(action="submit").count() - rows
        wrong = [each.sentence for each in verdict.findings]
        print(json.dumps({"whole": whole, "orphans": orphans, "wrong": wrong, "half": half, "rows": rows}))  # noqa: T201


if __name__ == "__main__":
    django.setup()
    if sys.argv[1:2] == ["verify"]:
        verify(sys.argv[2:])
    else:
        write(only_log=sys.argv[1:] == ["only-log"])
