"""Taking pull requests and reviews from files that hold what GitHub's API answers, each entry for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from deployments.forge.address import Address
from deployments.forge.facts import Fact, Malformed
from deployments.forge.github import read_pull, read_review
from deployments.models import Repository
from deployments.taking import Outcome, Taken, Taking


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
    """One run over what GitHub's API answered; `lines` grows by one for each entry."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.taking = Taking(Repository.Forge.GITHUB)
        self.places: dict[str, set[Address]] = {}

    def take(self, entries: Entries) -> None:
        for position, entry in entries.pulls:
            self._each(position, entry, self._pull)
        for position, entry, number in entries.reviews:
            self._each(position, entry, partial(self._review, number))

    def _each(self, position: str, entry: object, read: Callable[[object], Fact]) -> None:
        try:
            taken = self.taking.take(read(entry))
        except Malformed as error:
            taken = Taken(_subject(entry), "malformed", str(error))
        self.lines.append(Line(position, taken.subject, taken.outcome, taken.why))

    def _pull(self, entry: object) -> Fact:
        found = read_pull(entry)
        if self.taking.repository(found.place):
            self.places.setdefault(str(found.place.number), set()).add(found.place)
        return found

    def _review(self, number: str, entry: object) -> Fact:
        """With the place that its own address says, else that of the one pull request with the number of its file."""
        found, places = read_review(entry), self.places.get(number, set())
        if found.place is None and len(places) == 1:
            return replace(found, place=next(iter(places)))
        return found


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
