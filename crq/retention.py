"""How long the files of a CRQ are kept, and what stays of a document when its file goes: everything else."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings

from crq.models import CRQ, Document
from workflow.eastern import eastern_day, say_day
from workflow.steps import Actor, Call


def limit(now: datetime) -> date:
    """RETENTION_YEARS before today, Eastern: what is older may go."""
    today = eastern_day(now)
    year = today.year - settings.RETENTION_YEARS
    try:
        return today.replace(year=year)
    except ValueError:  # 29 February
        return today.replace(year=year, day=28)


def gone(document: Document) -> str:
    """Why there is no file, for a document whose file was deleted."""
    day = eastern_day(document.purged_at) if document.purged_at else None
    on = f" on {say_day(day)}, {day.year}" if day else ""
    return f"The file of {document.name} was deleted{on}, after the retention period. Its SHA-256 and history stay."


# --- The step of the system ----------------------------------------------------------------------------------
def is_over(crq: CRQ, by: Actor, now: datetime) -> str:
    week = crq.deployment.week
    if week.thursday < limit(now):
        return ""
    return f"The {week}, {week.thursday.year}, is to be kept for {settings.RETENTION_YEARS} years."


def not_on_hold(crq: CRQ, by: Actor, now: datetime) -> str:
    week = crq.deployment.week
    return f"The {week} is on legal hold, so nothing of it is deleted." if week.legal_hold else ""


def has_files(crq: CRQ, by: Actor, now: datetime) -> str:
    return "" if crq.documents.filter(purged_at=None).exists() else f"{crq} has no files any more."


def purge(call: Call) -> None:
    """Leaves the names of the files in `call.given["files"]`: they go when this is committed."""
    kept = call.obj.documents.filter(purged_at=None)
    call.given["files"] += kept.values_list("file", flat=True)
    call.note["documents"] = list(kept.order_by("pk").values_list("pk", flat=True))
    kept.update(purged_at=call.now)
