"""The installation in numbers for Prometheus, read from the database at each scrape, so that all processes agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from crq.change_system.differences import totals
from crq.models import ExemptionRequest
from deployments.models import Deployment, Milestone
from notifications.models import Email, Outgoing, Post
from releaseflow.models import Heartbeat

S = Deployment.Status


class Numbers(Collector):
    """Eight statements, one more where another change system is told; each over an index or over what is unfinished."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield self._deployments()
        yield self._held()
        yield self._overdue()
        yield _gauge("unverified_installs", "Installed and not verified.", self._count(S.INSTALLED))
        yield _gauge("exemptions_waiting", "Exemption requests without a decision.", self._asked())
        yield from self._outbox()
        if settings.CHANGE_SYSTEM:
            yield self._changes()
        yield self._ticks()

    def _deployments(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("releaseflow_deployments", "Deployments by status.", labels=["status"])
        counted = dict(Deployment.objects.order_by().values_list("status").annotate(Count("pk")))
        for status in S.values:
            family.add_metric([status], counted.get(status, 0))
        return family

    def _held(self) -> GaugeMetricFamily:
        weeks = Deployment.objects.filter(status=S.HELD).order_by("week__thursday").values_list("week__thursday")
        family = GaugeMetricFamily("releaseflow_held_deployments", "Held deployments by week.", labels=["week"])
        for thursday, count in weeks.annotate(Count("pk")):
            family.add_metric([thursday.isoformat()], count)
        return family

    def _overdue(self) -> GaugeMetricFamily:
        late = Milestone.objects.filter(enforced_at=None, due_at__lt=self.now, week__install_day__isnull=False)
        return _gauge("overdue_deadlines", "Deadlines that passed and are not enforced yet.", late.count())

    def _count(self, status: str) -> int:
        return Deployment.objects.filter(status=status).count()

    def _asked(self) -> int:
        return ExemptionRequest.objects.filter(status=ExemptionRequest.Status.REQUESTED).count()

    def _outbox(self) -> Iterator[GaugeMetricFamily]:
        yield from self._of(Email.objects.all(), "outbox", "e-mail")
        yield from self._of(Post.objects.all(), "posts", "post to a channel")

    def _of(self, rows: QuerySet[Any], name: str, noun: str) -> Iterator[GaugeMetricFamily]:
        waiting = Outgoing.WAITING
        found = rows.filter(waiting | Q(parked_at__isnull=False)).aggregate(
            waiting=Count("pk", filter=waiting), parked=Count("parked_at"), oldest=Min("not_before", filter=waiting)
        )
        age = (self.now - found["oldest"]).total_seconds() if found["oldest"] else 0
        yield _gauge(f"{name}_waiting", f"Each is one {noun} that waits to be sent.", found["waiting"])
        yield _gauge(f"{name}_parked", f"Each is one {noun} that was given up.", found["parked"])
        yield _gauge(f"{name}_overdue_seconds", f"How long the oldest waiting {noun} is overdue.", max(age, 0))

    def _changes(self) -> GaugeMetricFamily:
        words = "CRQs that another change system is to be told of, that were given up, and that differ there."
        family = GaugeMetricFamily("releaseflow_change_system", words, labels=["what"])
        for what, count in totals().items():
            family.add_metric([what], count)
        return family

    def _ticks(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("releaseflow_tick_age_seconds", "Since a task last ended well.", labels=["task"])
        for beat in Heartbeat.objects.order_by("task"):
            family.add_metric([beat.task], max((self.now - beat.at).total_seconds(), 0))
        return family


def _gauge(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"releaseflow_{name}", words, value=value)


def text(now: datetime) -> bytes:
    registry = CollectorRegistry()
    registry.register(Numbers(now))
    return generate_latest(registry)
