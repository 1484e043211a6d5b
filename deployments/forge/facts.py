"""What forges tell, in one shape for all of them. Pure: no database, nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deployments.forge.address import Address


class Malformed(ValueError):
    """What a forge sent is not what its API writes; the message says where."""


class Unneeded(Exception):
    """A delivery is in order, but tells nothing that is kept here; the message says why in a sentence."""


@dataclass(frozen=True)
class ForgePull:
    """`state` is one of open, draft, merged, closed. `login` is empty when the account is gone or not said.

    `at` is when the forge last changed it, None where that is not said: nothing older replaces what is known.
    """

    place: Address
    title: str
    url: str
    login: str
    head_sha: str
    state: str
    branch: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class ForgeReview:
    """`state` is a verdict, "withdrawn", "dismissed" or "pending". A pending review has no instant yet.

    `place` may be unknown. `forge_id` tells two reviews of one pull request apart, however often they are told.
    """

    place: Address | None
    forge_id: str
    login: str
    state: str
    sha: str
    note: str
    at: datetime | None


@dataclass(frozen=True)
class ForgeVerdicts:
    """Who stands how at the instant `at`, from a forge that gives reviews no number or another one in its webhooks.

    Whoever is not named has no verdict on the commit `head` any more, but for those whose approval has no date
    (`undated`, logins): they approve a commit that the forge does not tell.
    """

    place: Address
    head: str
    reviews: tuple[ForgeReview, ...]
    at: datetime
    undated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ForgePush:
    """A branch moved. `place` means the repository only."""

    place: Address
    branch: str
    before: str
    after: str


@dataclass(frozen=True)
class ForgeCheck:
    """What one check says about a commit: `state` is pending, passing or failing. `place` means the repository."""

    place: Address
    sha: str
    name: str
    state: str
    at: datetime


Fact = ForgePull | ForgeReview | ForgeVerdicts | ForgePush | ForgeCheck
