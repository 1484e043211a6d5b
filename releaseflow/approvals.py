"""Approving several CRQs on one page: only those that are fully ready, each with what is approved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from crq import inbox
from crq.flow import CRQ_FLOW
from crq.gathering import CurrentFacts, dated
from crq.models import CRQ
from crq.models.crq import NUMBER
from crq.turns import Turns
from notifications.outbox import listening
from workflow.eastern import say_day
from workflow.machine import perform
from workflow.outcome import outcome
from workflow.steps import Refused


@dataclass(frozen=True)
class Item:
    """A part of the content, and where to look at it."""

    text: str
    url: str


@dataclass(frozen=True)
class Ready:
    """A CRQ that this person can approve now; `digest` names the content that is shown."""

    number: str
    url: str
    title: str
    meta: str
    due: datetime | None
    digest: str
    pull_requests: list[Item]
    documents: list[Item]
    staging: str
    chosen: bool


@dataclass(frozen=True)
class Result:
    number: str
    url: str
    title: str
    approved: bool
    sentence: str


def ready(by: User, *, now: datetime, chosen: Iterable[str] = ()) -> list[Ready]:
    """By deadline. `chosen` are the numbers that are ticked at first; none named means all."""
    weeks = dated(inbox.recent_weeks(now))
    turns = [Turns(facts, by=by, now=now) for facts in inbox.concerning(by, weeks, now=now).facts]
    wanted = set(chosen)
    found = [_ready(each, wanted) for each in turns if each.approvable]
    return sorted(found, key=lambda each: (each.due is None, each.due, each.number))


def _ready(turns: Turns, wanted: set[str]) -> Ready:
    facts, deployment, week = turns.facts, turns.deployment, turns.deployment.week
    crq: CRQ = deployment.crq
    return Ready(
        number=crq.number,
        url=turns.url,
        title=deployment.title,
        meta=f"{deployment.application.team} · installs {say_day(week.install_day or week.thursday)}",
        due=turns.due("approved"),
        digest=facts.digest,
        pull_requests=[Item(f"{pull}: {pull.title}", pull.get_absolute_url()) for pull in facts.pull_requests],
        documents=_documents(facts, crq.number),
        staging=_staging(facts),
        chosen=not wanted or crq.number in wanted,
    )


def _documents(facts: CurrentFacts, number: str) -> list[Item]:
    return [
        Item(f"{each.get_kind_display()}, version {each.version}", reverse("document", args=[number, each.pk]))
        for each in facts.documents.values()
    ]


def _staging(facts: CurrentFacts) -> str:
    branches = ", ".join(sorted({branch.name for branch in facts.branches.values()}))
    return f"{branches}, core dev with {facts.deployment.core_dev_build}"


def approve(numbers: Iterable[str], digests: Mapping[str, str], *, by: User) -> list[Result]:
    """Each by itself: what is refused leaves the others approved. `digests` are those that the page showed."""
    wanted = [number for number in dict.fromkeys(numbers) if re.fullmatch(NUMBER, number)]
    found = CRQ.objects.select_related("deployment__application").in_bulk(wanted, field_name="number")
    return [_approve(found[number], digests.get(number, ""), by) for number in wanted if number in found]


def _approve(crq: CRQ, digest: str, by: User) -> Result:
    about = (crq.number, crq.get_absolute_url(), crq.deployment.title)
    try:
        with listening() as queued:
            perform(CRQ_FLOW, "approve", crq, by=by, digest=digest)
    except Refused as refused:
        return Result(*about, approved=False, sentence=refused.refusal.sentence)
    return Result(*about, approved=True, sentence=outcome(CRQ_FLOW.steps["approve"], queued, by=by))
