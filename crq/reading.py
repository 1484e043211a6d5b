"""Rows that belong to other rows, hung on them after one prepared statement for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import Model

from accounts.models import User
from accounts.prepared import Prepared, among
from crq.models import CRQ, Decision, Document
from deployments.models import Deployment, PullRequest, ReleaseBranch, Review

PEOPLE: dict[type[Model], tuple[str, ...]] = {
    Deployment: ("planned_by", "core_dev_by", "started_by", "installed_by", "verified_by", "verified_for"),
    CRQ: ("opened_by",),
    Decision: ("by", "for_user"),
    Document: ("by",),
    PullRequest: ("author",),
    ReleaseBranch: ("by",),
    Review: ("reviewer",),
}
PEOPLE_BY_KEY = Prepared(lambda: User.objects.filter(among("pk", "people")).defer("password", "last_login").order_by())


def keys(rows: Iterable[Model]) -> list[Any]:
    return [row.pk for row in rows]


def grouped(rows: Iterable[Any], name: str) -> dict[Any, list[Any]]:
    """The rows by the value that they have under this name."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def hang(rows: Iterable[Any], by: str, parents: Iterable[Model], name: str) -> None:
    """So that `parent.<name>.all()` are its rows, a list that cannot be filtered further.

    `prefetch_related` does the same and compiles its query each time.
    """
    of_parent = grouped(rows, by)
    for parent in parents:
        parent.__dict__.setdefault("_prefetched_objects_cache", {})[name] = of_parent[parent.pk]


def name_people(rows: Iterable[Model], people: Iterable[User] | None = None) -> None:
    """Gives the rows the people that they name, in one statement: a dozen joins would cost more than all the rest.

    None where the people were read already.
    """
    named = [(row, name, key) for row in rows for name in PEOPLE[type(row)] if (key := getattr(row, f"{name}_id"))]
    if people is None:
        people = PEOPLE_BY_KEY(people={key for _, _, key in named})
    known = {person.pk: person for person in people}
    for row, name, key in named:
        setattr(row, name, known[key])
