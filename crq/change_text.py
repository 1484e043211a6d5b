"""A CRQ in words and values that another change system's form asks for, to be pasted there field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from crq.models import CRQ
from crq.readiness import Facts
from deployments.models import Deployment, PullRequest
from deployments.policy import Deadline
from workflow.eastern import eastern_day, say_long_day, say_time


@dataclass(frozen=True)
class Field:
    label: str
    text: str

    @property
    def line(self) -> str:
        """With its label, on one line where the text is one."""
        return f"{self.label}:\n{self.text}" if "\n" in self.text else f"{self.label}: {self.text}"


def change_fields(facts: Facts, *, site: str) -> list[Field]:
    """Of a deployment that has a CRQ; `site` is our address. What is not known yet is left out."""
    deployment = facts.deployment
    crq, application = deployment.crq, deployment.application
    fields = [
        ("Number in releaseflow", crq.number),
        ("Summary", crq.title),
        ("Description", _description(deployment, crq, site)),
        ("Service", application.name),
        ("Support group", application.team.name),
        ("Planned start", _start(deployment)),
        ("Requested by", f"{crq.opened_by.name}, {crq.opened_by.email}"),
        ("Approved by", facts.approval.who if facts.approval else ""),
        ("Source", "\n".join(_source(each) for each in facts.pull_requests)),
        ("Documents", "\n".join(_documents(facts))),
    ]
    return [Field(label, text) for label, text in fields if text]


def as_one(fields: Iterable[Field]) -> str:
    """All of it as one text, for a system that has one box for it."""
    return "\n".join(each.line for each in fields)


def _description(deployment: Deployment, crq: CRQ, site: str) -> str:
    week = _date(deployment.week.thursday)
    return (
        f"{crq.title}\nInstalls {deployment.application.name} in production, in the release week of {week}.\n"
        f"Evidence and decisions: {site}{crq.get_absolute_url()}"
    )


def _start(deployment: Deployment) -> str:
    """A week that is skipped has no install, so nothing is planned."""
    at = deployment.week.due(Deadline.INSTALL)
    return f"{_date(eastern_day(at))}, {say_time(at)}" if at else ""


def _date(day: date) -> str:
    """With its year, which other systems want."""
    return f"{say_long_day(day)}, {day.year}"


def _source(pull: PullRequest) -> str:
    return f"{pull.repository.name}#{pull.number} at {pull.head_sha}: {pull.title}, {pull.url}"


def _documents(facts: Facts) -> list[str]:
    """The current versions, with what proves that the file there is the file here."""
    return [
        f"{each.get_kind_display()}: {each.name}, version {each.version}, SHA-256 {each.sha256}"
        for each in facts.documents.values()
    ]
