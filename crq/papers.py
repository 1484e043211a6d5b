"""The documents of a CRQ as its page shows them, and the form that attaches more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from accounts.models import User
from crq import uploads
from crq.flow import CRQ_FLOW
from crq.models import CRQ, Document
from crq.readiness import Facts
from deployments.policy import Deadline
from workflow.acts import act
from workflow.addresses import address

SHORT_HASH = 12


@dataclass(frozen=True)
class Paper:
    """The current version of a document and the older ones."""

    url: str
    name: str
    kind_label: str
    size_text: str
    by: str
    at: datetime
    version: int
    sha256: str
    older: list[Paper]

    @property
    def short_hash(self) -> str:
        return self.sha256[:SHORT_HASH]


@dataclass(frozen=True)
class Kind:
    """One kind of document: how it stands, where a file of it is sent, or why this person cannot attach it."""

    kind: str
    label: str
    url: str
    enabled: bool
    why_not: str
    stands: str
    words: str


@dataclass(frozen=True)
class Attaching:
    """The drop zone. `wanted`: something is missing that this person may bring."""

    url: str
    kinds: list[Kind]
    hint: str
    accept: str
    max_bytes: int
    wanted: bool
    chosen: str

    @property
    def possible(self) -> list[Kind]:
        return [each for each in self.kinds if each.enabled]


def papers(facts: Facts) -> list[Paper]:
    every = list(facts.crq.documents.all()) if facts.crq else []
    for document in every:
        document.crq = facts.crq  # type: ignore[assignment]  # there is one, or there were no documents
    return [
        _paper(current, [_paper(each, []) for each in every if each.kind == kind and each.pk != current.pk])
        for kind in Document.Kind.values
        if (current := facts.documents.get(kind))
    ]


def _paper(document: Document, older: list[Paper]) -> Paper:
    return Paper(
        url=document.get_absolute_url(),
        name=document.name,
        kind_label=document.get_kind_display(),
        size_text=filesizeformat(document.size),
        by=document.by.name,
        at=document.at,
        version=document.version,
        sha256=document.sha256,
        older=older,
    )


def attaching(facts: Facts, *, by: User, now: datetime) -> Attaching | None:
    """None where there is no CRQ to attach anything to, or it is closed."""
    crq = facts.crq
    if crq is None or crq.status == CRQ.Status.CLOSED:
        return None
    kinds = [_kind(kind, facts, crq, by=by, now=now) for kind in Document.Kind]
    possible = [each for each in kinds if each.enabled]
    return Attaching(
        url=address("attach-files", crq.number),
        kinds=kinds,
        hint=uploads.hint() + _voids(facts, now),
        accept=uploads.accepted(),
        max_bytes=settings.DOCUMENT_MAX_BYTES,
        wanted=any(each.kind not in facts.documents for each in possible),
        chosen=possible[0].kind if len(possible) == 1 else "",
    )


def _kind(kind: Document.Kind, facts: Facts, crq: CRQ, *, by: User, now: datetime) -> Kind:
    button = act(CRQ_FLOW, f"attach_{kind}", crq, by=by, now=now)
    current = facts.documents.get(kind)
    return Kind(
        kind=kind,
        label=str(kind.label),
        url=address("attach", crq.number, kind),
        enabled=button.enabled,
        why_not=button.why_not,
        stands=f"version {current.version} is attached" if current else "not attached yet",
        words=" ".join(uploads.KIND_WORDS[kind]),
    )


def _voids(facts: Facts, now: datetime) -> str:
    """The consequence, said before the act that would cause it."""
    if facts.approval is None:
        return ""
    if facts.deployment.week.passed(Deadline.APPROVAL, now) and not facts.exempted:
        return " This CRQ is approved: a new document voids the approval, and then it is held and needs an exemption."
    return " This CRQ is approved: a new document voids the approval, and the manager is asked again."
