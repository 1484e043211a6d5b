"""What the week's two e-mails say, as data: one line for each deployment, read with few statements for many weeks."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import takewhile
from typing import Any, Self

from django.conf import settings
from django.db.models import Prefetch
from django.urls import reverse

from crq.models import Announcement, AnnouncementNote
from crq.readiness import Facts
from deployments.models import Deferral, Deployment, PullRequest, ReleaseWeek
from deployments.policy import Deadline
from notifications.outbox import one_line
from workflow.eastern import say_day

S, Kind = Deployment.Status, Announcement.Kind


@dataclass(frozen=True)
class Line:
    """One deployment in an announcement. `state` is the status as this kind of e-mail tells it, `outcome` its words."""

    deployment: int
    title: str
    application: str
    team: str
    crq: str
    state: str
    outcome: str = ""
    pull_requests: tuple[str, ...] = ()
    note: str = ""

    @property
    def url(self) -> str:
        return settings.SITE_URL + reverse("deployment", args=[self.deployment])


@dataclass(frozen=True)
class Content:
    """All that an announcement says from the data. `ahead` are the weeks after it without a code install."""

    lines: tuple[Line, ...] = ()
    install_day: str = ""
    skip_reason: str = ""
    ahead: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        lines = (Line(**{**each, "pull_requests": tuple(each["pull_requests"])}) for each in record["lines"])
        return cls(**{**record, "lines": tuple(lines), "ahead": tuple(record["ahead"])})

    @property
    def digest(self) -> str:
        """Names exactly this content; notes are the Scrum Master's words, not data."""
        return hashlib.sha256(json.dumps(self.noted({}).as_record(), sort_keys=True).encode()).hexdigest()[:32]

    @property
    def notes(self) -> dict[int, str]:
        return {line.deployment: line.note for line in self.lines if line.note}

    def noted(self, notes: Mapping[int, str]) -> Self:
        """The same with these notes, by deployment."""
        return replace(self, lines=tuple(replace(line, note=notes.get(line.deployment, "")) for line in self.lines))

    @property
    def day(self) -> date | None:
        """The install day; None in a skipped week."""
        return date.fromisoformat(self.install_day) if self.install_day else None


def read(kind: str, week: ReleaseWeek) -> Content:
    """What an announcement of this kind would say now."""
    return read_all(kind, [week])[week.pk]


def read_all(kind: str, weeks: Iterable[ReleaseWeek], *, to_compare: bool = False) -> dict[int, Content]:
    """The same for many weeks, by primary key: four statements, or two without what no difference looks at."""
    known = {week.pk: week for week in weeks}
    skipped = _skipped_after(known.values()) if kind == Kind.PLANNED and not to_compare else {}
    lines = _lines(kind, known, with_notes=not to_compare)
    if kind == Kind.COMPLETION:
        _add_departed(lines, known)
    return {
        pk: Content(
            lines=tuple(lines[pk]),
            install_day=week.install_day.isoformat() if week.install_day else "",
            skip_reason=one_line(week.skip_reason),
            ahead=skipped.get(pk, ()),
        )
        for pk, week in known.items()
    }


def _lines(kind: str, weeks: dict[int, ReleaseWeek], *, with_notes: bool) -> dict[int, list[Line]]:
    """Every live deployment, in the order in which they were planned."""
    lines: dict[int, list[Line]] = defaultdict(list)
    live = Deployment.objects.filter(week__in=weeks).exclude(status=S.WITHDRAWN).order_by("pk")
    for each in Facts.of_all(_with_details(live, kind, with_notes=with_notes)):
        lines[each.deployment.week_id].append(line(each, kind))
    return lines


def _with_details(deployments: Any, kind: str, *, with_notes: bool = True) -> Any:
    pulls = PullRequest.objects.select_related("repository").order_by("pk")
    notes = AnnouncementNote.objects.filter(kind=kind)
    noted = [Prefetch("notes", notes, to_attr="noted")] if with_notes else []
    return deployments.select_related("application__team", "crq").prefetch_related(
        Prefetch("pull_requests", pulls), *noted
    )


def line(facts: Facts, kind: str) -> Line:
    """The deployment comes with application, team, CRQ, pull requests and its note (`noted`)."""
    deployment, crq = facts.deployment, facts.crq
    noted = getattr(deployment, "noted", [])
    state, outcome = _planned(deployment) if kind == Kind.PLANNED else _installed(deployment)
    return Line(
        deployment=deployment.pk,
        title=one_line(deployment.title),
        application=one_line(deployment.application.name),
        team=one_line(deployment.application.team.name),
        crq=crq.number if crq else "",
        state=str(state),
        outcome=one_line(outcome),
        pull_requests=tuple(one_line(str(pull)) for pull in facts.pull_requests),
        note=noted[0].text if noted else "",
    )


def _planned(deployment: Deployment) -> tuple[str, str]:
    """A plan speaks of what may be installed, not of how that went."""
    if deployment.status == S.HELD:
        return S.HELD, f"Held. {deployment.held_reason}"
    return (S.PLANNED, "") if deployment.status == S.PLANNED else (S.CLEARED, "Cleared for install")


def _installed(deployment: Deployment) -> tuple[str, str]:
    """The outcome in words; never "complete" while it is unverified."""
    words = {
        S.INSTALLED: "Installed, not verified yet",
        S.VERIFIED: "Installed and verified",
        S.PLANNED: "Not installed yet",
        S.CLEARED: "Not installed yet",
        S.FAILED: "Failed",
        S.HELD: f"Not installed. {deployment.held_reason}",
    }
    return deployment.status, words.get(S(deployment.status), str(deployment.get_status_display()))


def _add_departed(lines: dict[int, list[Line]], weeks: dict[int, ReleaseWeek]) -> None:
    """What left when the install window had closed was not installed in this week, and stays in its status."""
    left = Deferral.objects.filter(from_week__in=weeks).select_related("to_week")
    late = {(each.from_week_id, each.deployment_id): each for each in left if _after_close(each, weeks)}
    gone = Deployment.objects.filter(pk__in={deployment for _, deployment in late})
    found = Facts.of_all(_with_details(gone, Kind.COMPLETION)) if late else []
    known = {each.deployment.pk: each for each in found}
    for (week, pk), deferral in late.items():
        if known[pk].deployment.week_id != week:
            outcome = f"Not installed. Moved to {_day(deferral.to_week)}"
            lines[week].append(replace(line(known[pk], Kind.COMPLETION), state=str(S.HELD), outcome=outcome))
    for each in lines.values():
        each.sort(key=lambda row: row.deployment)


def _after_close(deferral: Deferral, weeks: dict[int, ReleaseWeek]) -> bool:
    return weeks[deferral.from_week_id].passed(Deadline.INSTALL_CLOSE, deferral.at)


def _skipped_after(weeks: Iterable[ReleaseWeek]) -> dict[int, tuple[str, ...]]:
    """For each week the skipped ones that follow it directly, as "Thu Dec 24: Christmas Eve"."""
    known = list(weeks)
    first = min((week.thursday for week in known), default=None)
    later = list(ReleaseWeek.objects.filter(thursday__gt=first).order_by("thursday")) if first else []
    return {
        week.pk: tuple(
            f"{say_day(each.thursday)}: {one_line(each.skip_reason)}"
            for each in takewhile(lambda each: each.skipped, (each for each in later if each.thursday > week.thursday))
        )
        for week in known
    }


def _day(week: ReleaseWeek) -> str:
    return say_day(week.install_day or week.thursday)
