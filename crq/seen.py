"""What somebody looked at before deciding, as the page carries it along, and what of it is different now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from crq.models import Document
from crq.readiness import Facts
from deployments.models import PullRequest
from workflow.clash import Clash, Difference
from workflow.eastern import say_near
from workflow.models import Event

_PART = re.compile(r"p(\d{1,18}):([0-9a-f]{7,64})|d(\d{1,18})")
LONGEST = 20_000
CHANGES = ("plan", "unplan", "new_head")


def token(facts: Facts) -> str:
    """The pull requests with their heads and the current documents, as a hidden field carries them."""
    pulls = [f"p{pull.pk}:{pull.head_sha}" for pull in facts.pull_requests]
    return " ".join([*pulls, *(f"d{document.pk}" for document in facts.documents.values())])


def clash(seen: str, facts: Facts, *, now: datetime) -> Clash:
    """Both contents side by side. What `seen` says is only shown, so anything unreadable in it is left out."""
    parts = [match.groups() for match in _PART.finditer(seen[:LONGEST])]
    heads = {int(pk): sha for pk, sha, _ in parts if pk}
    papers = {int(pk) for _, _, pk in parts if pk}
    return Clash(
        heading="The content changed after you opened this page",
        sentence="Nothing was decided, and your note is kept. Look at what is new, then decide again.",
        before_label="What you looked at",
        now_label="What is there now",
        rows=[*_pull_requests(heads, facts, now), *_documents(papers, facts, now)],
    )


def _pull_requests(heads: dict[int, str], facts: Facts, now: datetime) -> list[Difference]:
    inside = {pull.pk: pull for pull in facts.pull_requests}
    gone = PullRequest.objects.filter(pk__in=[pk for pk in heads if pk not in inside]).select_related("repository")
    remarks = _remarks(facts, [pk for pk in {*heads, *inside} if _head(inside.get(pk)) != heads.get(pk, "")], now)
    return [
        Difference(
            str(pull), _commit(heads.get(pull.pk, "")), _commit(_head(inside.get(pull.pk))), remarks.get(pull.pk, "")
        )
        for pull in [*inside.values(), *gone]
    ]


def _head(pull: PullRequest | None) -> str:
    return pull.head_sha if pull else ""


def _commit(sha: str) -> str:
    return f"commit {sha[:10]}" if sha else ""


def _remarks(facts: Facts, pks: Iterable[int], now: datetime) -> dict[int, str]:
    """Who changed each of these pull requests last, and when."""
    events = Event.objects.filter(object_type="pull_request", object_id__in=pks, action__in=CHANGES)
    events = events.filter(deployment_id=facts.deployment.pk).select_related("actor", "for_user")
    return {event.object_id: f"{event.actor_name}, {say_near(event.at, now)}" for event in events}


def _documents(seen: set[int], facts: Facts, now: datetime) -> list[Difference]:
    every = list(facts.crq.documents.all()) if facts.crq else []
    before = {document.kind: document for document in every if document.pk in seen}
    found = []
    for kind, label in Document.Kind.choices:
        was, is_now = before.get(kind), facts.documents.get(kind)
        if was or is_now:
            remark = f"{is_now.by.name}, {say_near(is_now.at, now)}" if is_now else ""
            found.append(Difference(label, str(was or ""), str(is_now or ""), remark))
    return found
