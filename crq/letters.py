"""Letters as people see them: what kind it is, and for whom it was delivered."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from crq.models import Announcement
from notifications.models import Email, Letter

KINDS = dict(Announcement.Kind.choices) | {
    "approval_needed": "Approval needed",
    "approval_voided": "Approval voided",
    "crq_returned": "CRQ returned",
    "deadline_missed": "Deadline missed",
    "exemption_requested": "Exemption requested",
    "exemption_decided": "Exemption decided",
    "review_cancelled": "Review cancelled",
    "verify_needed": "Verification needed",
    "window_open": "Install window open",
}
STATES = {
    "sent": ("done", "Delivered"),
    "waiting": ("wait", "Waiting"),
    "retrying": ("part", "Trying again"),
    "parked": ("stop", "Not delivered"),
}
PARKED = Q(emails__parked_at__isnull=False)


@dataclass(frozen=True)
class Badge:
    state: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """How far a letter got: numbers of recipients."""

    total: int
    sent: int
    parked: int

    @property
    def badge(self) -> Badge:
        if self.parked:
            return Badge("stop", f"{self.parked} not delivered")
        if self.sent < self.total:
            return Badge("wait", f"{self.sent} of {self.total} delivered")
        return Badge("done", f"Delivered to {self.total}")


def with_delivery(letters: QuerySet[Letter]) -> QuerySet[Letter]:
    """The letters with the numbers that `delivery_of` reads, in the same statement."""
    return letters.annotate(
        total=Count("emails"),
        sent=Count("emails", filter=Q(emails__sent_at__isnull=False)),
        parked=Count("emails", filter=PARKED),
    )


def delivery_of(letter: Letter) -> Delivery:
    """`letter` comes from `with_delivery`."""
    return Delivery(*(int(letter.__dict__[name]) for name in ("total", "sent", "parked")))


def kind_label(letter: Letter) -> str:
    return KINDS.get(letter.kind) or letter.kind.replace("_", " ").capitalize()


def state_badge(email: Email) -> Badge:
    """The state of one recipient's copy."""
    return Badge(*STATES[email.state])
