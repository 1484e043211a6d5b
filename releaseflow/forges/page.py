"""What the pages of the forges show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet

from accounts.models import User
from deployments.hooks.flow import CONNECTION, DELIVERY
from deployments.models import Connection, Delivery, PullRequest, Review
from workflow.acts import Act, act, worth_showing
from workflow.badge import Badge
from workflow.keyset import page, page_url

SHOWN = 50
MOST_IN_A_FILE = 20_000
HEAD = ("Received at", "Number at the forge", "Event", "About", "Outcome", "Why", "Replayed at")
RECENT = timedelta(days=7)
BADGES = {
    Delivery.Outcome.TAKEN: "done",
    Delivery.Outcome.UNCHANGED: "none",
    Delivery.Outcome.SKIPPED: "none",
    Delivery.Outcome.MALFORMED: "stop",
    Delivery.Outcome.FAILED: "stop",
}
TROUBLE = Q(outcome__in=[Delivery.Outcome.MALFORMED, Delivery.Outcome.FAILED])


def connections(now: datetime) -> QuerySet[Connection]:
    """With when each was heard last, and how much of the last week was trouble: one statement."""
    recent = Q(deliveries__received_at__gt=now - RECENT)
    trouble = Q(deliveries__outcome__in=[Delivery.Outcome.MALFORMED, Delivery.Outcome.FAILED])
    return Connection.objects.annotate(
        heard_at=Max("deliveries__received_at"), trouble=Count("deliveries", filter=recent & trouble)
    )


def badge(delivery: Delivery) -> Badge:
    outcome = Delivery.Outcome(delivery.outcome)
    return Badge(BADGES[outcome], str(outcome.label))


@dataclass(frozen=True)
class ForgePage:
    """One connection: where the forge delivers, what can be done, and its deliveries, newest first."""

    connection: Connection
    address: str
    acts: list[Act]
    rows: list[tuple[Delivery, Badge]]
    newer_url: str
    older_url: str


def forge_page(connection: Connection, *, at: str, only: str, by: User, now: datetime) -> ForgePage:
    """`only` is "trouble" or empty. Three statements, four on a later page."""
    shown = page(_deliveries(connection, only), ("received_at", "pk"), at=at, size=SHOWN)
    acts = [act(CONNECTION, action, connection, by=by, now=now) for action in ("disable", "enable")]
    return ForgePage(
        connection,
        f"{settings.SITE_URL}{connection.hook_path}",
        worth_showing(acts),
        [(each, badge(each)) for each in shown.rows],
        page_url(shown.newer, only=only),
        page_url(shown.older, only=only),
    )


def cells(connection: Connection, only: str) -> Iterator[tuple[object, ...]]:
    """The same deliveries as rows of a spreadsheet, without what the forge sent; at most MOST_IN_A_FILE."""
    found = _deliveries(connection, only).order_by("-received_at", "-pk")
    for each in found[:MOST_IN_A_FILE].iterator(chunk_size=500):
        label = each.get_outcome_display()
        yield each.received_at, each.forge_id, each.event, each.subject, label, each.why, each.replayed_at


def _deliveries(connection: Connection, only: str) -> QuerySet[Delivery]:
    found = connection.deliveries.defer("body")
    return found.filter(TROUBLE) if only == "trouble" else found


def replay(delivery: Delivery, *, by: User, now: datetime) -> Act:
    return act(DELIVERY, "replay", delivery, by=by, now=now)


# --- People ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Stranger:
    """A name at a forge that belongs to nobody here, and in how much of what is not shipped yet it appears."""

    login: str
    written: int
    said: int

    @property
    def detail(self) -> str:
        parts = [
            _count(self.written, "pull request", "pull requests"),
            _count(self.said, "review that does not count", "reviews that do not count"),
        ]
        return ", ".join(part for part in parts if part)


def strangers() -> list[Stranger]:
    """Two statements; those who wrote or said most first."""
    written = PullRequest.objects.filter(status__in=PullRequest.LIVE, author=None).exclude(author_login="")
    said = Review.objects.filter(pull_request__status__in=PullRequest.LIVE, reviewer=None).exclude(reviewer_login="")
    counted: dict[str, list[int]] = {}
    for place, logins in enumerate((written.values_list("author_login"), said.values_list("reviewer_login"))):
        for login, number in logins.annotate(number=Count("pk")).order_by():
            counted.setdefault(str(login), [0, 0])[place] += number
    found = [Stranger(login, *numbers) for login, numbers in counted.items()]
    return sorted(found, key=lambda each: (-each.written - each.said, each.login.lower()))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
