"""What was missing when a Tuesday deadline passed, and by how long it was missed: from the snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.roles import Role
from crq.deliverables import TABLE, Deliverable, Readiness
from crq.models import Document, Snapshot
from crq.readiness import Facts
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from workflow.eastern import say_span

TUESDAY = (Deadline.CUTOFF, Deadline.APPROVAL)


@dataclass(frozen=True)
class Missed:
    """One deliverable that was missing at its deadline. `there`: it is in place now, since `came` where known."""

    deliverable: Deliverable
    due: datetime
    there: bool
    came: datetime | None = None

    @property
    def owner(self) -> str:
        return str(Role(self.deliverable.owner).label)

    def words(self, now: datetime) -> str:
        """ "late 40 min" when it came after the deadline, "still missing, late 3 h" while it has not."""
        if not self.there:
            return f"still missing, late {say_span(now - self.due)}"
        return f"late {say_span(self.came - self.due)}" if self.came and self.came > self.due else "in place now"


def tuesday_snapshots(deployment: Deployment, week: ReleaseWeek) -> QuerySet[Snapshot]:
    """Of this deployment in this week, the earlier deadline first."""
    found = deployment.snapshots.filter(milestone__week=week, milestone__key__in=TUESDAY)
    return found.select_related("milestone").order_by("milestone__due_at")


def missed(snapshots: Iterable[Snapshot], readiness: Readiness, week: ReleaseWeek) -> list[Missed]:
    """In the order of the table; `snapshots` are those of this deployment at the Tuesday deadlines of this week."""
    keys = {key for snapshot in snapshots for key in snapshot.missing}
    found = []
    for each in TABLE:
        due = week.due(each.due)
        if each.key in keys and due:
            there = readiness.complete(each.key)
            found.append(Missed(each, due, there, first_there(each.key, readiness) if there else None))
    return found


def first_there(key: str, readiness: Readiness) -> datetime | None:
    """When a deliverable was fulfilled: of a document, by its first version, as a newer one does not make it later."""
    if key in Document.Kind.values:
        return min(each.at for each in _versions(readiness.facts, key))
    return readiness.of[key].at


def _versions(facts: Facts, kind: str) -> list[Document]:
    return [each for each in facts.crq.documents.all() if each.kind == kind] if facts.crq else []
