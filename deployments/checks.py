"""How the checks of a commit stand, from what forges told of each of them."""

from __future__ import annotations

from django.db.models import Q

from deployments.models import Check, PullRequest

SHORTEST = 12
"""Bitbucket names the head of a pull request by so many characters of the commit."""
ORDER = (Check.State.FAILING, Check.State.PENDING, Check.State.PASSING)


def same_commit(one: str, other: str) -> bool:
    """Whether two names of commits, of which one may be shortened, are of the same."""
    return len(min(one, other, key=len)) >= SHORTEST and (one.startswith(other) or other.startswith(one))


def names_commit(field: str, sha: str) -> Q:
    """Rows whose `field` names the same commit, in full or shortened."""
    found = Q(**{field: sha}) | Q(**{field: sha[:SHORTEST]})
    return found | Q(**{f"{field}__startswith": sha}) if len(sha) == SHORTEST else found


def checks_of(pull_request: PullRequest) -> str:
    """The worst of what its checks say of its head; unknown where nobody checks."""
    found = Check.objects.filter(names_commit("sha", pull_request.head_sha), repository=pull_request.repository_id)
    states = set(found.values_list("state", flat=True))
    return next((state.value for state in ORDER if state in states), PullRequest.Checks.UNKNOWN.value)
