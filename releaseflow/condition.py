"""How the installation is: one finding a part, each with a sentence that says what to do when it is not well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from notifications.models import Email, Outgoing, Post
from releaseflow.models import Heartbeat
from workflow.eastern import say_span

TICK_WITHIN = timedelta(minutes=3)
MAIL_WITHIN = timedelta(minutes=10)
LEAST_FREE = 200 * 1024 * 1024  # bytes: eight of the largest documents


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    sentence: str


Check = Callable[[datetime], Finding]


def ready(clock: Callable[[], datetime]) -> list[Finding]:
    """Database, migrations, last tick, oldest mail, disk. Without a database only that and the disk are looked at."""
    try:
        now = clock()
        return [Finding("database", ok=True, sentence="Answers."), *(check(now) for check in BEHIND_DATABASE), disk()]
    except DatabaseError as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        return [Finding("database", ok=False, sentence=f"Does not answer: {reason}"), disk()]


def migrations(now: datetime) -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(str(migration) for migration, _ in missing[:3])
        return Finding("migrations", ok=False, sentence=f"{len(missing)} not applied ({names}): run manage.py migrate.")
    return Finding("migrations", ok=True, sentence="All applied.")


def tick(now: datetime) -> Finding:
    last = Heartbeat.objects.filter(task="enforce_deadlines").values_list("at", flat=True).first()
    if last is None:
        return Finding("tick", ok=False, sentence="Deadlines were never looked at: start beat (and a worker).")
    age = now - last
    if age > TICK_WITHIN:
        return Finding(
            "tick", ok=False, sentence=f"Deadlines were last looked at {say_span(age)} ago: is beat running?"
        )
    return Finding("tick", ok=True, sentence=f"Deadlines were looked at {age.total_seconds():.0f} s ago.")


def mail(now: datetime) -> Finding:
    """What is retried or given up is known and shown; this is about mail that nobody even tries to send."""
    for name, rows in (("An e-mail", Email.objects.all()), ("A post to a channel", Post.objects.all())):
        oldest = rows.filter(Outgoing.WAITING).order_by("not_before").values_list("not_before", flat=True).first()
        if oldest and now - oldest > MAIL_WITHIN:
            overdue = f"{name} is {say_span(now - oldest)} overdue: is a worker running?"
            return Finding("mail", ok=False, sentence=overdue)
    return Finding("mail", ok=True, sentence="No e-mail waits too long, nor does a post.")


def disk() -> Finding:
    """Of the folder of documents, or where it will be made."""
    folder = next(each for each in (settings.VAR_DIR, *settings.VAR_DIR.absolute().parents) if each.exists())
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("disk", ok=False, sentence=f"{folder} cannot be read: {error.strerror}.")
    words = f"{free / 1e9:.1f} GB free in {settings.VAR_DIR}"
    if free < LEAST_FREE:
        return Finding("disk", ok=False, sentence=f"Only {words}: make room for documents.")
    return Finding("disk", ok=True, sentence=f"{words}.")


BEHIND_DATABASE: tuple[Check, ...] = (migrations, tick, mail)
