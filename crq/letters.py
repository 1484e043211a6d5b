"""Letters as people see them: what kind it is, and for whom it was delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from crq.models import Announcement
from notifications.models import Email, Letter, Outgoing
from workflow.badge import Badge

KINDS = dict(Announcement.Kind.choices) | {
    "account_changed": "Account changed",
    "approval_needed": "Approval needed",
    "approval_voided": "Approval voided",
    "audit_heads": "Audit trail sealed",
    "crq_approved": "CRQ approved",
    "crq_returned": "CRQ returned",
    "deadline_missed": "Deadline missed",
    "exemption_requested": "Exemption requested",
    "exemption_decided": "Exemption decided",
    "mentioned": "Named in a comment",
    "invitation": "Invitation",
    "nudge": "Nudge",
    "password_reset": "New password",
    "reminder": "Reminder",
    "review_agenda": "Review agenda",
    "review_cancelled": "Review cancelled",
    "test_email": "Test e-mail",
    "verify_needed": "Verification needed",
    "window_open": "Install window open",
}
STATES = {
    "sent": ("done", "Delivered"),
    "waiting": ("wait", "Waiting"),
    "retrying": ("part", "Trying again"),
    "parked": ("stop", "Not delivered"),
    "cancelled": ("idle", "Taken back"),
}


@dataclass(frozen=True)
class Delivery:
    """How far a letter got: numbers of recipients, without those for whom it was taken back."""

    total: int
    sent: int
    parked: int

    @property
    def badge(self) -> Badge:
        if not self.total:
            return Badge("idle", "Taken back")
        if self.parked:
            return Badge("stop", f"{self.parked} not delivered")
        if self.sent < self.total:
            return Badge("wait", f"{self.sent} of {self.total} delivered")
        return Badge("done", f"Delivered to {self.total}")


def deliveries(letters: Iterable[int]) -> dict[int, Delivery]:
    """For each of these letters (primary keys) how far it got: one statement."""
    wanted = set(letters)
    rows = Email.objects.filter(letter__in=wanted).order_by().values("letter")
    counted = rows.annotate(
        total=Count("pk", filter=Q(cancelled_at=None)), sent=Count("sent_at"), parked=Count("parked_at")
    )
    got = {row["letter"]: Delivery(row["total"], row["sent"], row["parked"]) for row in counted}
    return dict.fromkeys(wanted, Delivery(0, 0, 0)) | got


def kind_label(letter: Letter) -> str:
    return KINDS.get(letter.kind) or letter.kind.replace("_", " ").capitalize()


def state_badge(row: Outgoing) -> Badge:
    """The state of one recipient's copy, or of a post."""
    return Badge(*STATES[row.state])
