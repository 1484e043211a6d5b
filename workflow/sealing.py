"""The weekly seal: the ends of all chains, noted down in an event whose hash administrators receive by e-mail.

A chain alone does not show that its newest events were deleted, or that all of it was written anew; a hash that has
left the database does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.roles import Role, people
from notifications.outbox import enqueue
from workflow import audit
from workflow.eastern import EASTERN, eastern_day
from workflow.models import Event

FROM_HOUR = 9  # on Monday, Eastern: when there is somebody to read the e-mail
OVERLAP = timedelta(days=1)  # an event may be committed a little after the instant that it names
ANCHOR = re.compile(r"\b(\w+:\d+)\s+(\d+)\s+([0-9a-f]{64})\b")  # an e-mail may break the line


def seal_weekly(now: datetime) -> Event | None:
    """Seals the trail once in each week, Monday 9:00 am ET or as soon as possible afterwards, and tells administrators.

    None when the week has its seal, or another process is making it in this moment.
    """
    local = now.astimezone(EASTERN)
    monday = local.date() - timedelta(days=local.weekday())
    if local.weekday() == 0 and local.hour < FROM_HOUR:
        monday -= timedelta(days=7)
    thursday = monday + timedelta(days=3)
    if Event.objects.filter(shard=audit.SEALS, week__gte=thursday).exists():
        return None
    try:
        with transaction.atomic():
            return _seal(thursday, now)
    except IntegrityError:
        return None


def _seal(thursday: date, now: datetime) -> Event:
    last = Event.objects.filter(shard=audit.SEALS).order_by("sequence").last()
    ends = audit.heads().exclude(shard=audit.SEALS)
    if last:
        ends = ends.filter(at__gte=last.at - OVERLAP)
    heads = {shard: [at, digest] for shard, at, digest in ends.values_list("shard", "sequence", "hash")}
    events = Event.objects.count()
    seal = Event(
        at=now,
        action="seal",
        object_type="audit",
        object_id=0,
        subject="Audit trail",
        week=thursday,
        data={"events": events, "heads": heads},
    )
    audit.record([seal])
    context = {"seal": seal, "events": events, "chains": len(heads), "anchor": anchor(seal), "url": settings.SITE_URL}
    enqueue(
        "audit_heads", context, to=people(Role.ADMINISTRATOR, on=eastern_day(now)), key=f"audit:{thursday}", now=now
    )
    return seal


def anchor(event: Event) -> str:
    """One line that proves an event and all before it in its chain: shard, sequence, hash."""
    return f"{event.shard} {event.sequence} {event.hash}"


def export() -> Iterable[str]:
    """A line for the end of every chain: the whole trail at this moment, to be kept outside the database."""
    return (anchor(event) for event in audit.heads().only("shard", "sequence", "hash").iterator(chunk_size=2000))


def read_anchors(text: str) -> dict[tuple[str, int], str]:
    """The lines of `anchor` in a file that was exported, or in a saved e-mail; the rest of it is passed over."""
    return {(shard, int(sequence)): digest for shard, sequence, digest in ANCHOR.findall(text)}


def proof_of(shards: set[str]) -> list[dict[str, Any]]:
    """The seals that name an end of these chains, as plain facts."""
    seals = audit.rows(Event.objects.filter(shard=audit.SEALS))
    return [seal for seal in seals if not shards.isdisjoint(seal["data"].get("heads", {}))]
