"""Taking pull requests and reviews from a forge, by the same flows as people use, each entry for itself.

Taking the same entries again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import ValidationError

from accounts.models import User
from deployments import planning
from deployments.flow import PULL_REQUEST
from deployments.forge.address import Address, same_place
from deployments.forge.github import ForgePull, Malformed, read_pull, read_review
from deployments.models import PullRequest, Repository, Review
from workflow.machine import perform, take
from workflow.steps import Refused
from workflow.transactions import whole

Outcome = Literal["taken", "updated", "unchanged", "skipped", "malformed"]
CLOSED = {"closed": "was closed without merging", "merged": "was merged before it was submitted here"}


@dataclass(frozen=True)
class Line:
    """What became of one entry. `position` is where it stands in its file: "pulls[3]"."""

    position: str
    subject: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True)
class Entries:
    """What a file holds: pull requests, and reviews with the number of their pull request where the file says it."""

    pulls: list[tuple[str, object]] = field(default_factory=list)
    reviews: list[tuple[str, object, str]] = field(default_factory=list)


def entries_of(data: object, *, holds: Literal["pulls", "reviews"] = "pulls") -> Entries:
    """Finds the entries in a list, in a single object, or in {"pulls": […], "reviews": {"482": […]}}."""
    if isinstance(data, dict) and ("pulls" in data or isinstance(data.get("reviews"), dict)):
        return Entries(_listed(data.get("pulls", []), "pulls"), _by_number(data.get("reviews", {})))
    found = _listed(data, holds)
    return Entries(found) if holds == "pulls" else Entries(reviews=[(*each, "") for each in found])


def _listed(data: object, name: str) -> list[tuple[str, object]]:
    if isinstance(data, list):
        return [(f"{name}[{number}]", entry) for number, entry in enumerate(data)]
    return [(name, data)]


def _by_number(data: object) -> list[tuple[str, object, str]]:
    if not isinstance(data, dict):
        return [(*each, "") for each in _listed(data, "reviews")]
    return [(*each, str(number)) for number, found in data.items() for each in _listed(found, f"reviews.{number}")]


class Import:
    """One run. Repositories and people are read once; `lines` grows by one for each entry."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        github = Repository.objects.filter(forge=Repository.Forge.GITHUB)
        self.repositories = list(github.select_related("application"))
        self.people = {user.forge_login.lower(): user for user in User.objects.exclude(forge_login="")}
        self.seen: dict[str, set[int]] = {}

    def take(self, entries: Entries) -> None:
        for position, entry in entries.pulls:
            self._each(position, entry, self._pull)
        for position, entry, number in entries.reviews:
            self._each(position, entry, lambda found, key=number: self._review(found, key))

    def _each(self, position: str, entry: object, take: Any) -> None:
        try:
            subject, outcome, why = whole(take)(entry)
        except Malformed as error:
            subject, outcome, why = _subject(entry), "malformed", str(error)
        except ValidationError as error:
            subject, outcome, why = _subject(entry), "malformed", " ".join(error.messages)
        except Refused as refused:
            subject, outcome, why = _subject(entry), "skipped", refused.refusal.sentence
        self.lines.append(Line(position, subject, outcome, why))

    # --- Pull requests -------------------------------------------------------------------------------------------
    def _pull(self, entry: object) -> tuple[str, Outcome, str]:
        found = read_pull(entry)
        subject = f"{found.place.name} #{found.place.number}"
        repository = self._repository(found.place)
        if repository is None:
            return subject, "skipped", f"{found.place.name} is not a repository known here."
        self.seen.setdefault(str(found.place.number), set()).add(repository.pk)
        known = PullRequest.objects.filter(repository=repository, number=found.place.number).first()
        if known:
            changes = self._update(known.pk, found)
            return subject, "updated" if changes else "unchanged", changes or "It is here already, as it stands."
        if found.state in CLOSED:
            return subject, "skipped", f"It {CLOSED[found.state]}."
        if found.state == "draft":
            return subject, "skipped", "It is a draft: it is taken when it is ready for review."
        return subject, "taken", self._submit(repository, found)

    def _submit(self, repository: Repository, found: ForgePull) -> str:
        author = self.people.get(found.login.lower())
        pull_request = PullRequest(
            repository=repository,
            number=found.place.number,
            title=found.title,
            url=found.url,
            author=author,
            author_login=found.login,
            head_sha=found.head_sha,
            forge_state=found.state,
        )
        pull_request.clean_fields(exclude={"submitted_at"})
        planning.submit(pull_request, by=None)
        return "" if author else f"The author is not known here: kept as {found.login or 'unknown'}."

    def _update(self, pk: int, found: ForgePull) -> str:
        """Brings a known pull request up to date; the answer says in words what changed."""
        known: PullRequest = take("pull_request", PullRequest(pk=pk))
        changes = []
        if known.head_sha != found.head_sha:
            known = perform(PULL_REQUEST, "new_head", known, by=None, sha=found.head_sha)
            changes.append(f"new head commit {found.head_sha[:7]}")
        new: dict[str, Any] = {"title": found.title, "forge_state": found.state}
        if known.author is None and (author := self.people.get(found.login.lower())):
            new["author"] = author
        words = {"title": "new title", "forge_state": f"now {found.state}", "author": "author found"}
        different = [name for name, value in new.items() if getattr(known, name) != value]
        for name in different:
            setattr(known, name, new[name])
        if different:
            known.save(update_fields=different)
        return ", ".join(changes + [words[name] for name in different])

    def _repository(self, place: Address) -> Repository | None:
        """By its address; by its name alone where the API gives no more."""
        for each in self.repositories:
            if same_place(each.url, place.repository_url):
                return each
        named = [each for each in self.repositories if each.name.lower() == place.name.lower()]
        return named[0] if named and not place.repository_url else None

    # --- Reviews -------------------------------------------------------------------------------------------------
    def _review(self, entry: object, number: str) -> tuple[str, Outcome, str]:
        found = read_review(entry)
        pull_request = self._reviewed(found.place, number)
        who = found.login or "somebody"
        if pull_request is None:
            name = f"{found.place.name} #{found.place.number}" if found.place else f"#{number or '?'}"
            return f"review of {name} by {who}", "skipped", "Its pull request is not in releaseflow."
        subject = f"review of {pull_request} by {who}"
        known = pull_request.reviews.filter(forge_id=found.forge_id).first()
        if found.state == "dismissed":
            return (subject, *self._dismiss(pull_request, known))
        if known:
            return subject, "unchanged", "It is here already."
        if found.state == "pending":
            return subject, "skipped", "It is not submitted yet."
        reviewer = self.people.get(found.login.lower())
        given: dict[str, Any] = {
            "verdict": found.state,
            "note": found.note,
            "sha": found.sha,
            "at": found.at,
            "forge_id": found.forge_id,
        }
        perform(PULL_REQUEST, "review", pull_request, by=None, reviewer=reviewer, login=found.login, **given)
        return subject, "taken", "" if reviewer else "The reviewer is not known here, so it does not count."

    def _dismiss(self, pull_request: PullRequest, known: Review | None) -> tuple[Outcome, str]:
        """A dismissed verdict stays on record but no longer counts."""
        if known is None:
            return "skipped", "It was dismissed."
        take("pull_request", pull_request)
        dismissed = Review.objects.filter(pk=known.pk, counts=True).update(counts=False)
        return (
            ("updated", "It was dismissed and no longer counts.") if dismissed else ("unchanged", "It does not count.")
        )

    def _reviewed(self, place: Address | None, number: str) -> PullRequest | None:
        """The pull request by the review's own address, else by the number under which the file has it."""
        if place:
            repository = self._repository(place)
            where = {"repository": repository, "number": place.number} if repository else None
        else:
            repositories = self.seen.get(number, set())
            where = {"repository__in": repositories, "number": int(number)} if len(repositories) == 1 else None
        return PullRequest.objects.select_related("repository").filter(**where).first() if where else None


def _subject(entry: object) -> str:
    """A few words for an entry that could not be taken."""
    if not isinstance(entry, dict):
        return type(entry).__name__
    return str(entry.get("html_url") or entry.get("title") or entry.get("id") or "entry")[:120]


def count(lines: Iterable[Line]) -> dict[str, int]:
    counted = dict.fromkeys(("taken", "updated", "unchanged", "skipped", "malformed"), 0)
    for line in lines:
        counted[line.outcome] += 1
    return counted
