"""The list of pull requests as a page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Prefetch, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role, standing
from deployments.models import PullRequest, Repository, Review
from workflow import keyset
from workflow.badge import Badge
from workflow.eastern import eastern_day, say_ago, say_day
from workflow.words import WORD, Looked, few, look_up, narrowed

PER_PAGE = 50
MOST_IN_A_FILE = 20_000
ORDER = ("status", "submitted_at", "pk")
HEAD = (
    "Pull request", "Title", "Repository", "Number", "Application", "Team", "Author", "State", "Review", "Head commit",
    "Submitted at", "Week", "Address",
)  # fmt: skip
MOST_COUNTED = 100
LABELS = {
    "waiting": "Waiting",
    "mine": "My teams",
    "planned": "Planned",
    "shipped": "Shipped",
    "withdrawn": "Withdrawn",
    "all": "All",
}
COUNTED = ("waiting", "mine", "planned")
EMPTY = {
    "waiting": "Pull requests wait here for the weekly review, where it is decided what is planned for next week.",
    "mine": "Neither you nor your teams have a pull request waiting or planned.",
    "planned": "Nothing is planned at the moment.",
    "shipped": "No pull request has been installed in production yet.",
    "withdrawn": "No pull request is withdrawn.",
    "all": "No pull request has been submitted yet.",
}
Status = PullRequest.Status


@dataclass(frozen=True)
class Row:
    pk: int
    url: str
    title: str
    meta: str
    badge: Badge


@dataclass(frozen=True)
class View:
    label: str
    url: str
    current: bool
    count: str


@dataclass(frozen=True)
class Queue:
    rows: list[Row]
    views: list[View]
    view: str
    q: str
    previous_page_url: str
    next_page_url: str

    @property
    def csv_url(self) -> str:
        return f"{_url(self.view, self.q)}&format=csv"

    @property
    def empty_sentence(self) -> str:
        return f"Nothing matches “{self.q}” here." if self.q else EMPTY[self.view]


def queue(user: User, *, view: str, q: str, at: str = "", now: datetime) -> Queue:
    """One page of the list. An unknown view is the one of what waits, an unknown place the beginning."""
    view, q = _asked(view, q)
    found = keyset.page(with_reviews(found_in(user, view, q, now)), ORDER, at=at, size=PER_PAGE)
    return Queue(
        rows=[row(each, user, now) for each in found.rows],
        views=[_view(key, user, now, q, current=key == view) for key in LABELS],
        view=view,
        q=q,
        previous_page_url=_url(view, q, found.newer) if found.newer else "",
        next_page_url=_url(view, q, found.older) if found.older else "",
    )


def cells(user: User, *, view: str, q: str, now: datetime) -> Iterator[tuple[object, ...]]:
    """The whole list as rows of a spreadsheet, at most MOST_IN_A_FILE of them."""
    found = with_reviews(found_in(user, *_asked(view, q), now)).order_by(*(f"-{name}" for name in ORDER))
    for each in found[:MOST_IN_A_FILE].iterator(chunk_size=500):
        application = each.repository.application
        week = each.deployment.week.thursday if each.deployment else None
        yield (
            each, each.title, each.repository, each.number, application, application.team, each.author_name,
            each.get_status_display(), badge(each, user, now).text, each.head_sha, each.submitted_at, week, each.url,
        )  # fmt: skip


def _asked(view: str, q: str) -> tuple[str, str]:
    q = q.replace("\0", "").strip()[:200]
    return view if view in LABELS else ("all" if q else "waiting"), q


def found_in(user: User, view: str, q: str, now: datetime) -> QuerySet[PullRequest]:
    return matching(_in_view(view, user, now), q.split()[:8])


def with_reviews(pull_requests: QuerySet[PullRequest]) -> QuerySet[PullRequest]:
    """With all that a line or a page about each needs: two queries, however many there are."""
    reviews = Prefetch("reviews", Review.objects.select_related("reviewer"))
    joined = pull_requests.select_related("repository__application__team", "author", "deployment__week")
    return joined.prefetch_related(reviews)


def row(pull_request: PullRequest, user: User, now: datetime) -> Row:
    words = [str(pull_request), pull_request.author_name]
    if pull_request.status == Status.SUBMITTED:
        words.append(f"submitted {say_ago(pull_request.submitted_at, now)}")
    if pull_request.deployment:
        words.append(f"{pull_request.get_status_display().lower()}, {say_day(pull_request.deployment.week.thursday)}")
    return Row(
        pk=pull_request.pk,
        url=pull_request.get_absolute_url(),
        title=pull_request.title,
        meta=" · ".join(words),
        badge=badge(pull_request, user, now),
    )


OVER = {Status.SHIPPED: Badge("done", "Shipped"), Status.WITHDRAWN: Badge("none", "Withdrawn")}


def badge(pull_request: PullRequest, user: User, now: datetime) -> Badge:
    """How it stands, by shape and word; blue when this person's review is what it waits for."""
    if pull_request.status in OVER:
        return OVER[Status(pull_request.status)]
    if pull_request.forge_state == PullRequest.Forge.CLOSED:
        return Badge("stop", "Closed at the forge")
    return _review_badge(pull_request, user, now)


def _review_badge(pull_request: PullRequest, user: User, now: datetime) -> Badge:
    review = pull_request.standing
    if review.blockers:
        failing = pull_request.checks == PullRequest.Checks.FAILING and len(review.blockers) == 1
        return Badge("stop", "Checks are failing" if failing else "Changes requested")
    if review.full:
        return Badge("done", "Fully approved")
    if pull_request.forge_state == PullRequest.Forge.DRAFT:
        return Badge("none", "Draft")
    if awaits(pull_request, user, now):
        return Badge("you", "Needs your review")
    text = f"{review.approvals} of {review.required} approvals" if review.required > 1 else "Needs an approval"
    return Badge(
        "part" if review.approvals or review.stale else "wait", text + (", new commit" if review.stale else "")
    )


def awaits(pull_request: PullRequest, user: User, now: datetime) -> bool:
    """Whether this person could give an approval that is still missing."""
    team_id = pull_request.repository.application.team_id
    mine = team_id in standing(user, eastern_day(now)).team_ids(Role.DEVELOPER, Role.MANAGER)
    if not mine or pull_request.author_id == user.pk or pull_request.standing.full:
        return False
    said = (review for review in pull_request.reviews.all() if review.verdict != Review.Verdict.COMMENTED)
    return not any(review.reviewer_id == user.pk and review.sha == pull_request.head_sha for review in said)


def _in_view(view: str, user: User, now: datetime) -> QuerySet[PullRequest]:
    every = PullRequest.objects.all()
    if view == "all":
        return every
    if view == "mine":
        ours = Q(author=user) | Q(repository__application__team__in=standing(user, eastern_day(now)).team_ids())
        return every.filter(ours, status__in=(Status.SUBMITTED, Status.PLANNED))
    return every.filter(status=Status.SUBMITTED if view == "waiting" else view)


def matching(found: QuerySet[PullRequest], words: Sequence[str]) -> QuerySet[PullRequest]:
    """Those with every word in the title, the repository or the author's name, or as the number: 482 or #482."""
    return narrowed(found, having(words), says)


def having(words: Sequence[str]) -> Looked:
    return look_up(words, _keys_of)


def _keys_of(word: str) -> list[int]:
    number = _number(word)
    return _HAVING(word=word) if number is None else _HAVING_OR_NUMBERED(word=word, number=number)


def _number(word: str) -> int | None:
    digits = word.removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _places() -> list[QuerySet[PullRequest, int]]:
    authors = User.objects.filter(Q(first_name__icontains=WORD) | Q(last_name__icontains=WORD))
    conditions = (
        Q(title__icontains=WORD),
        Q(author_login__icontains=WORD),
        Q(repository__in=Repository.objects.filter(name__icontains=WORD)),
        Q(author__in=authors),
    )
    return [_keys(each) for each in conditions]


def _keys(condition: Q) -> QuerySet[PullRequest, int]:
    return PullRequest.objects.filter(condition).order_by().values_list("pk", flat=True)


_HAVING = Prepared(lambda: few(*_places()))
_HAVING_OR_NUMBERED = Prepared(lambda: few(*_places(), _keys(Q(number=Slot("number")))))


def says(word: str) -> Q:
    number = _number(word)
    return (
        Q(title__icontains=word)
        | Q(author_login__icontains=word)
        | Q(repository__name__icontains=word)
        | Q(author__first_name__icontains=word)
        | Q(author__last_name__icontains=word)
        | (Q() if number is None else Q(number=number))
    )


def _view(key: str, user: User, now: datetime, q: str, *, current: bool) -> View:
    count = "" if q or key not in COUNTED else _count(_in_view(key, user, now))
    return View(LABELS[key], _url(key, q), current, count)


def _count(found: QuerySet[PullRequest]) -> str:
    """Counts no further than people care to read."""
    number = found.order_by()[:MOST_COUNTED].count()
    return f"{MOST_COUNTED - 1}+" if number == MOST_COUNTED else str(number)


def _url(view: str, q: str, at: str = "") -> str:
    asked = {"view": view} | ({"q": q} if q else {}) | ({"at": at} if at else {})
    return f"{reverse('pull-requests')}?{urlencode(asked)}"
