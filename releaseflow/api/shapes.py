"""What the API tells, as types: the OpenAPI document is made from them.

Instants are ISO 8601 in UTC with the Eastern words that people read beside them; days are Eastern days.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Generic, TypeVar

from ninja import Field, Schema

Shape = TypeVar("Shape")


class When(Schema):
    at: datetime = Field(description="UTC.", examples=["2026-12-08T19:00:00Z"])
    et: str = Field(description="As people read it.", examples=["Tue Dec 8, 2:00 pm ET"])


class Named(Schema):
    id: int
    name: str


class Fact(Schema):
    """Something that was done: when, by whom, and for whom where a deputy did it."""

    when: When
    by: Named | None
    for_user: Named | None = None


class Action(Schema):
    """One action of the object, as this token may perform it now. `why_not` is the sentence of the disabled button."""

    action: str
    label: str
    allowed: bool
    code: str = Field(description="Empty when allowed, else why not: role, guard, status or done.")
    why_not: str
    needs_reason: bool
    url: str = Field(description="Where to POST it.")


class Page(Schema, Generic[Shape]):
    items: list[Shape]
    next: str = Field(description="The `cursor` of the following page; empty on the last one.")
    previous: str = Field(description="The `cursor` of the page before; empty on the first one.")


class FieldError(Schema):
    field: str
    message: str


class ProblemOut(Schema):
    """RFC 9457. `detail` is the sentence that people would read; `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    action: str | None = None
    errors: list[FieldError] | None = None


class TeamOut(Schema):
    id: int
    name: str
    slug: str


class RepositoryOut(Schema):
    id: int
    name: str
    forge: str
    url: str
    required_approvals: int


class ApplicationOut(Schema):
    id: int
    name: str
    team: Named
    repositories: list[RepositoryOut]


class PersonOut(Schema):
    id: int
    name: str
    email: str
    active: bool
    roles: str


class TokenOut(Schema):
    name: str
    roles: list[str]
    expires: When


class MeOut(Schema):
    id: int
    name: str
    email: str
    roles: str = Field(description="In words, such as: Dev Team · Identity.")
    token: TokenOut


class TaskOut(Schema):
    verb: str
    subject: str
    why: str
    url: str = Field(description="The page where it is done.")
    due: When | None
    late: bool
    group: str


class WaitingOut(Schema):
    """What somebody else owes to this person's teams."""

    verb: str
    subject: str
    why: str
    url: str
    who: str


class TasksOut(Schema):
    tasks: list[TaskOut]
    waiting: list[WaitingOut]


class MilestoneOut(Schema):
    key: str
    label: str
    due: When
    passed: bool


class WeekOut(Schema):
    thursday: date
    install_day: date | None
    skip_reason: str
    milestones: list[MilestoneOut]
    batch_completed: Fact | None
    legal_hold: bool


class WeekDetail(WeekOut):
    actions: list[Action]


class DeliverableOut(Schema):
    """One line of the checklist: a fact computed from records."""

    key: str
    label: str
    owner: str
    due: When | None
    complete: bool
    open: bool = Field(description="It can be worked on now.")
    done: int
    total: int
    missing: str
    fact: Fact | None


class DocumentOut(Schema):
    id: int
    kind: str
    version: int
    name: str
    size: int = Field(description="Bytes.")
    sha256: str
    fact: Fact
    purged: bool
    download: str


class DecisionOut(Schema):
    verdict: str
    reason: str
    digest: str
    fact: Fact
    voided: When | None
    voided_because: str


class ReviewOut(Schema):
    reviewer: str
    verdict: str
    sha: str
    note: str
    counts: bool
    at: When


class PullRequestOut(Schema):
    id: int
    repository: Named
    number: int
    title: str
    url: str
    author: str
    head_sha: str
    forge_state: str
    checks: str
    status: str
    deployment: int | None
    approvals: int
    required_approvals: int
    fully_approved: bool
    blockers: list[str]
    reviews: list[ReviewOut]


class PullRequestDetail(PullRequestOut):
    actions: list[Action]


class BranchOut(Schema):
    repository: Named
    name: str
    fact: Fact


class CoreDevOut(Schema):
    result: str = Field(description="success, failed or empty.")
    build: str
    fact: Fact | None


class CRQRef(Schema):
    number: str
    status: str


class DeploymentOut(Schema):
    id: int
    title: str
    status: str
    application: Named
    team: Named
    week: date
    held_reason: str
    crq: CRQRef | None
    core_dev: CoreDevOut
    branches: list[BranchOut]
    pull_requests: list[PullRequestOut]
    deliverables: list[DeliverableOut]
    planned: Fact
    started: Fact | None
    installed: Fact | None
    verified: Fact | None
    page: str


class DeploymentDetail(DeploymentOut):
    actions: list[Action]


class CRQOut(Schema):
    number: str
    title: str
    status: str
    closure: str
    target_date: date
    deployment: int
    deployment_status: str
    application: Named
    team: Named
    week: date
    opened: Fact
    page: str


class CRQDetail(CRQOut):
    digest: str = Field(description="Of the present content: send it with an approval.")
    documents: list[DocumentOut]
    decisions: list[DecisionOut]
    deliverables: list[DeliverableOut]
    actions: list[Action]


class ReviewDecisionOut(Schema):
    pull_request: int
    outcome: str
    note: str
    fact: Fact


class CodeReviewOut(Schema):
    id: int
    kind: str
    week: date
    team: Named | None
    at: When
    status: str
    note: str


class CodeReviewDetail(CodeReviewOut):
    decisions: list[ReviewDecisionOut]
    actions: list[Action]


class NoteOut(Schema):
    text: str
    fact: Fact


class ExemptionOut(Schema):
    id: int
    crq: str
    week: date
    status: str
    why: str
    why_now: str
    risk: str
    requested: Fact
    decided: Fact | None
    decision_reason: str
    condition: str
    page: str


class ExemptionDetail(ExemptionOut):
    notes: list[NoteOut]
    actions: list[Action]


class EventOut(Schema):
    id: int
    fact: Fact
    action: str
    object_type: str
    object_id: int
    subject: str
    deployment: int | None
    week: date | None
    before: str
    after: str
    reason: str
    hash: str


class AnnouncementOut(Schema):
    id: int
    kind: str
    week: date
    edition: str
    status: str
    subject: str
    sent: When | None


class EmailOut(Schema):
    id: int
    kind: str
    subject: str
    to: str
    state: str
    attempts: int
    written: When
    sent: When | None
