"""What is older than the retention period goes, when an administrator of the machine says so; see docs/adr/0024.

The audit trail, decisions, snapshots and the records of documents stay: what they prove needs no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Count, QuerySet, Sum

from crq import evidence, retention
from crq.flow import CRQ_FLOW
from crq.keeping import discard
from crq.models import CRQ, Announcement, Reminded
from deployments.models import Draft, ReleaseWeek
from notifications.models import Email, Letter, Post
from workflow import audit
from workflow.eastern import EASTERN
from workflow.machine import perform, refusal
from workflow.models import Event
from workflow.steps import Refused


@dataclass(frozen=True)
class Files:
    """The documents of one CRQ; `stays` says why they are not deleted, although they are old enough."""

    crq: CRQ
    documents: int
    size: int
    stays: str


@dataclass(frozen=True)
class Plan:
    """What goes, and what would but for a legal hold or because it is not closed."""

    before: date
    files: list[Files]
    rows: dict[str, int] = field(default_factory=dict)

    @property
    def going(self) -> list[Files]:
        return [each for each in self.files if not each.stays]

    @property
    def is_empty(self) -> bool:
        return not self.going and not any(self.rows.values())


def plan(now: datetime) -> Plan:
    """What `purge` would do at this instant. Changes nothing."""
    rows = {name: found(now).count() for name, found in ROWS.items()}
    return Plan(retention.limit(now), list(_files(now)), rows)


def purge(clock: Callable[[], datetime]) -> Plan:
    """Deletes it and returns what it was. One transaction for each CRQ, so that nobody waits for all of it.

    Ended in the middle, it is finished by the next run: a file whose record says that it is gone is an orphan then.
    """
    now = clock()
    done = plan(now)
    for each in done.going:
        _purge_files(each.crq)
    if any(done.rows.values()):
        _purge_rows(done, now)
    return done


def _files(now: datetime) -> Iterator[Files]:
    crqs = CRQ.objects.filter(deployment__week__thursday__lt=retention.limit(now), documents__purged_at=None)
    counted = crqs.annotate(count=Count("documents"), size=Sum("documents__size")).filter(count__gt=0)
    for crq in counted.select_related("deployment__week", "deployment__application").order_by("pk"):
        no = refusal(CRQ_FLOW, "purge", crq, by=None, now=now)
        yield Files(crq, crq.count, crq.size, no.sentence if no else "")


def _purge_files(crq: CRQ) -> None:
    files: list[str] = []
    try:
        perform(CRQ_FLOW, "purge", crq, by=None, files=files)
    except Refused:  # put on hold, or purged by another run, in this moment
        return
    for name in files:
        discard(name)


@transaction.atomic
def _purge_rows(done: Plan, now: datetime) -> None:
    """Noted in the audit trail, in a chain of its own."""
    for found in ROWS.values():
        found(now).delete()
    data = {"years": settings.RETENTION_YEARS, "before": done.before.isoformat(), "deleted": done.rows}
    subject = f"e-mails, posts, drafts and sessions before {done.before.isoformat()}"
    event = Event(at=now, action="purge", object_type="retention", object_id=0, subject=subject, data=data)
    audit.record([event])


def _before(now: datetime) -> datetime:
    """The first instant of the day from which on everything is kept."""
    day = retention.limit(now)
    return datetime(day.year, day.month, day.day, tzinfo=EASTERN)


def _letters(now: datetime) -> QuerySet[Letter]:
    """As sent; but a week's two e-mails are its record, and what concerns a week on legal hold stays with it."""
    old = Letter.objects.filter(written_at__lt=_before(now)).exclude(emails__in=Email.objects.filter(Email.WAITING))
    announced = Announcement.objects.exclude(letter=None).values("letter")
    return old.exclude(pk__in=announced).exclude(pk__in=_held_letters())


def _held_letters() -> set[int]:
    held: set[int] = set()
    for week in ReleaseWeek.objects.filter(legal_hold=True):
        for deployment in evidence.deployments_of(week):
            held.update(evidence.letters(deployment).values_list("pk", flat=True))
    return held


def _emails(now: datetime) -> QuerySet[Email]:
    return Email.objects.filter(letter__in=_letters(now))


def _posts(now: datetime) -> QuerySet[Post]:
    """But what concerns a week on legal hold stays with it."""
    held = [day.isoformat() for day in ReleaseWeek.objects.filter(legal_hold=True).values_list("thursday", flat=True)]
    old = Post.objects.filter(written_at__lt=_before(now)).exclude(Post.WAITING)
    return old.exclude(content__data__week__in=held)


def _drafts(now: datetime) -> QuerySet[Draft]:
    return Draft.objects.filter(begun_at__lt=_before(now))


def _reminded(now: datetime) -> QuerySet[Reminded]:
    return Reminded.objects.filter(at__lt=_before(now), milestone__week__legal_hold=False)


def _sessions(now: datetime) -> QuerySet[Session]:
    """Those that have ended; there is nothing to keep of them."""
    return Session.objects.filter(expire_date__lt=now)


# In the order in which they go: e-mails name their letters.
ROWS: dict[str, Callable[[datetime], QuerySet[Any]]] = {
    "e-mails": _emails,
    "letters": _letters,
    "posts": _posts,
    "drafts": _drafts,
    "reminders noted": _reminded,
    "sessions": _sessions,
}
