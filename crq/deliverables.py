"""The table of deliverables: what the process asks for, of whom, by when, and when it is there.

Board, checklist, tasks, snapshots, refusals, reminders and e-mails all read this one table. A deliverable is a fact
computed from records, never a box to tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from accounts.roles import Role
from crq.models import Document
from crq.readiness import Facts, Fulfilment
from deployments.models import Deployment, Repository
from deployments.policy import Deadline


@dataclass(frozen=True)
class Deliverable:
    """`label` names the finished thing, `verb` the task, `column` its place on the board."""

    key: str
    label: str
    verb: str
    column: str
    owner: Role
    due: Deadline
    fulfilment: Callable[[Facts], Fulfilment]
    needs: tuple[str, ...] = ()


def _pull_requests(facts: Facts) -> Fulfilment:
    pulls = facts.pull_requests
    if not pulls:
        return Fulfilment(0, 0, missing="No pull request yet")
    open_ones = [(pull, how) for pull in pulls if not (how := pull.standing).full]
    newest = max((review.at for pull in pulls for review in pull.said), default=None)
    missing = f"#{open_ones[0][0].number} {open_ones[0][1].sentence}" if open_ones else ""
    return Fulfilment(len(pulls) - len(open_ones), len(pulls), None if open_ones else newest, missing=missing)


def _crq(facts: Facts) -> Fulfilment:
    return Fulfilment(1, 1, facts.crq.opened_at, facts.crq.opened_by) if facts.crq else Fulfilment(0)


def _document(kind: str) -> Callable[[Facts], Fulfilment]:
    def fulfilment(facts: Facts) -> Fulfilment:
        document = facts.documents.get(kind)
        return Fulfilment(1, 1, document.at, document.by) if document else Fulfilment(0)

    return fulfilment


def repositories(facts: Facts) -> list[Repository]:
    """The repositories that the deployment's pull requests change, each once, by name."""
    unique = {pull.repository_id: pull.repository for pull in facts.pull_requests}
    return sorted(unique.values(), key=lambda repository: repository.name)


def _branch(facts: Facts) -> Fulfilment:
    wanted = repositories(facts)
    made = [facts.branches[each.pk] for each in wanted if each.pk in facts.branches]
    last = max(made, key=lambda branch: branch.at, default=None)
    missing = ", ".join(each.short_name for each in wanted if each.pk not in facts.branches)
    done = bool(last) and not missing
    return Fulfilment(
        len(made), len(wanted) or 1, last.at if last and done else None, last.by if last and done else None, missing
    )


def _core_dev(facts: Facts) -> Fulfilment:
    deployment = facts.deployment
    if deployment.core_dev_result == Deployment.CoreDev.SUCCESS:
        return Fulfilment(1, 1, deployment.core_dev_at, deployment.core_dev_by)
    failed = deployment.core_dev_result == Deployment.CoreDev.FAILED
    return Fulfilment(0, missing="The deployment to core dev failed" if failed else "")


def _approved(facts: Facts) -> Fulfilment:
    approval = facts.approval
    return Fulfilment(1, 1, approval.at, approval.by, for_user=approval.for_user) if approval else Fulfilment(0)


def _installed(facts: Facts) -> Fulfilment:
    deployment = facts.deployment
    if deployment.status in {Deployment.Status.INSTALLED, Deployment.Status.VERIFIED}:
        return Fulfilment(1, 1, deployment.installed_at, deployment.installed_by)
    return Fulfilment(0)


def _verified(facts: Facts) -> Fulfilment:
    deployment = facts.deployment
    if deployment.status == Deployment.Status.VERIFIED:
        return Fulfilment(1, 1, deployment.verified_at, deployment.verified_by, for_user=deployment.verified_for)
    return Fulfilment(0)


_DEV, _OPS, _K = Role.DEVELOPER, Role.DEVOPS, Document.Kind
_READY_FOR_EVIDENCE = ("prs", "crq")
_EVIDENCE = ("justification", "tests", "plan", "branch", "core_dev")

TABLE: tuple[Deliverable, ...] = (
    Deliverable(
        "prs",
        "Pull requests fully approved",
        "Get the pull requests approved",
        "PRs",
        _DEV,
        Deadline.CUTOFF,
        _pull_requests,
    ),
    Deliverable("crq", "CRQ created", "Create the CRQ", "CRQ", _DEV, Deadline.CUTOFF, _crq),
    Deliverable(
        "justification",
        "Business justification attached",
        "Attach the business justification",
        "Docs",
        _DEV,
        Deadline.APPROVAL,
        _document(_K.JUSTIFICATION),
        _READY_FOR_EVIDENCE,
    ),
    Deliverable(
        "tests",
        "Test results attached",
        "Attach the test results",
        "Docs",
        _DEV,
        Deadline.APPROVAL,
        _document(_K.TESTS),
        _READY_FOR_EVIDENCE,
    ),
    Deliverable(
        "plan",
        "Install and backout plan attached",
        "Attach the install and backout plan",
        "Plan",
        _OPS,
        Deadline.APPROVAL,
        _document(_K.PLAN),
        _READY_FOR_EVIDENCE,
    ),
    Deliverable(
        "branch",
        "Merged and release branch created",
        "Merge and create the release branch",
        "Branch",
        _OPS,
        Deadline.APPROVAL,
        _branch,
        _READY_FOR_EVIDENCE,
    ),
    Deliverable(
        "core_dev",
        "Deployed to core dev",
        "Deploy to core dev",
        "Branch",
        _OPS,
        Deadline.APPROVAL,
        _core_dev,
        _READY_FOR_EVIDENCE,
    ),
    Deliverable(
        "approved",
        "CRQ approved",
        "Approve the CRQ",
        "Approval",
        Role.MANAGER,
        Deadline.APPROVAL,
        _approved,
        (*_READY_FOR_EVIDENCE, *_EVIDENCE),
    ),
    Deliverable(
        "installed",
        "Installed in production",
        "Install in production",
        "Install",
        _OPS,
        Deadline.INSTALL_CLOSE,
        _installed,
        ("approved",),
    ),
    Deliverable(
        "verified",
        "Verified in production",
        "Verify the install",
        "Verify",
        _DEV,
        Deadline.INSTALL_CLOSE,
        _verified,
        ("installed",),
    ),
)
BY_KEY = {each.key: each for each in TABLE}
_ORDER = list(Deadline)
DUE_BY: dict[str, list[Deliverable]] = {
    deadline: [each for each in TABLE if _ORDER.index(each.due) <= place] for place, deadline in enumerate(_ORDER)
}
"""What is due by each deadline, or an earlier one."""


class Readiness:
    """All deliverables of one deployment, judged."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.of = {each.key: each.fulfilment(facts) for each in TABLE}
        self.done = {key for key, found in self.of.items() if found.complete}

    def complete(self, key: str) -> bool:
        return key in self.done

    def missing(self, keys: tuple[str, ...] | list[str]) -> list[Deliverable]:
        return [BY_KEY[key] for key in keys if not self.complete(key)]

    def missing_at(self, deadline: str) -> list[Deliverable]:
        """What was due by this deadline, or an earlier one, and is not there."""
        return [each for each in DUE_BY[deadline] if each.key not in self.done]

    def is_open(self, deliverable: Deliverable) -> bool:
        """Whether it can be worked on: not there yet, and everything it needs is."""
        return not self.complete(deliverable.key) and not self.missing(deliverable.needs)

    def open_now(self) -> list[Deliverable]:
        return [each for each in TABLE if self.is_open(each)]

    def as_record(self) -> dict[str, dict[str, object]]:
        """For a snapshot: plain values that will still be readable in years."""
        return {
            key: {
                "done": found.done,
                "total": found.total,
                "at": found.at.isoformat() if found.at else None,
                "by": found.who or None,
            }
            for key, found in self.of.items()
        }


def listed(deliverables: Iterable[Deliverable]) -> str:
    """The labels as part of a sentence: "pull requests fully approved, CRQ created"."""
    return ", ".join(
        each.label if each.label.startswith("CRQ") else each.label[0].lower() + each.label[1:] for each in deliverables
    )
