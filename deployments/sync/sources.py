"""What to ask of each forge about a repository, by its REST API, and which reader understands the answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlsplit

from deployments.forge import bitbucket, gitea, github, gitlab, reading
from deployments.forge.address import Address
from deployments.forge.facts import Fact, ForgePull
from deployments.models import Connection, Repository
from deployments.sync.client import Client
from workflow import clock

Forge = Repository.Forge
Read = Callable[[], Fact]
"""Reads one fact out of an answer; may raise Malformed."""


@dataclass(frozen=True)
class Source(ABC):
    """One repository at one forge. `Unreachable` may come out of each method."""

    client: Client
    place: Address

    @abstractmethod
    def open(self) -> Iterator[object]:
        """The entries of all open pull requests."""

    @abstractmethod
    def one(self, number: int) -> object:
        """The entry of one, in whatever state."""

    @staticmethod
    @abstractmethod
    def read(entry: object) -> ForgePull:
        """Raises Malformed."""

    @abstractmethod
    def about(self, pull: ForgePull) -> Iterable[Read]:
        """Its reviews, and the checks of its head."""


class GitHub(Source):
    read = staticmethod(github.read_pull)

    @property
    def path(self) -> str:
        return f"/repos/{quote(self.place.name)}"

    def open(self) -> Iterator[object]:
        return self.client.pages(f"{self.path}/pulls", state="open", per_page=100)

    def one(self, number: int) -> object:
        return self.client.get(f"{self.path}/pulls/{number}")

    def about(self, pull: ForgePull) -> Iterable[Read]:
        for each in self.client.pages(f"{self.path}/pulls/{pull.place.number}/reviews", per_page=100):
            yield partial(github.read_review, each)
        commit = f"{self.path}/commits/{pull.head_sha}"
        for each in self.client.pages(f"{commit}/check-runs", "check_runs", per_page=100):
            if reading.value(each, "started_at"):  # what is queued says no instant yet
                yield partial(github.check_run_of, each, self.place)
        for each in self.client.pages(f"{commit}/status", "statuses", per_page=100):
            yield partial(github.status_of, each, self.place, pull.head_sha)


class Gitea(GitHub):
    """And Forgejo."""

    def open(self) -> Iterator[object]:
        return self.client.pages(f"{self.path}/pulls", state="open", limit=50)

    def about(self, pull: ForgePull) -> Iterable[Read]:
        asked = clock.now()
        reviews = list(self.client.pages(f"{self.path}/pulls/{pull.place.number}/reviews", limit=50))
        yield partial(gitea.read_verdicts, pull, reviews, asked)
        for each in self.client.pages(f"{self.path}/commits/{pull.head_sha}/status", "statuses", limit=50):
            yield partial(github.status_of, each, self.place, pull.head_sha, field="status")


class GitLab(Source):
    read = staticmethod(gitlab.read_pull)

    @property
    def path(self) -> str:
        return f"/projects/{quote(self.place.name, safe='')}"

    def open(self) -> Iterator[object]:
        return self.client.pages(f"{self.path}/merge_requests", state="opened", per_page=100)

    def one(self, number: int) -> object:
        return self.client.get(f"{self.path}/merge_requests/{number}")

    def about(self, pull: ForgePull) -> Iterable[Read]:
        asked, path = clock.now(), f"{self.path}/merge_requests/{pull.place.number}"
        approvals = self.client.get(f"{path}/approvals")
        versions = list(self.client.pages(f"{path}/versions", per_page=100))
        yield partial(gitlab.read_verdicts, pull, approvals, versions, asked)
        newest = self.client.get(f"{self.path}/pipelines", sha=pull.head_sha, order_by="id", sort="desc", per_page=1)
        for each in reading.entries({"pipelines": newest}, "pipelines"):
            yield partial(gitlab.pipeline_of, each, self.place, "updated_at")


class Bitbucket(Source):
    read = staticmethod(bitbucket.read_pull)

    @property
    def path(self) -> str:
        return f"/repositories/{quote(self.place.name)}/pullrequests"

    def open(self) -> Iterator[object]:
        return self.client.pages(self.path, "values", state="OPEN", pagelen=50)

    def one(self, number: int) -> object:
        return self.client.get(f"{self.path}/{number}")

    def about(self, pull: ForgePull) -> Iterable[Read]:
        asked, number = clock.now(), pull.place.number
        entry = self.one(number)  # the list names no participants
        activity = list(self.client.pages(f"{self.path}/{number}/activity", "values", pagelen=50))
        yield partial(bitbucket.read_verdicts, pull, entry, activity, asked)
        for each in self.client.pages(f"{self.path}/{number}/statuses", "values", pagelen=50):
            yield partial(bitbucket.status_of, each, self.place)


SOURCES: dict[Repository.Forge, type[Source]] = {
    Forge.GITHUB: GitHub,
    Forge.GITLAB: GitLab,
    Forge.GITEA: Gitea,
    Forge.BITBUCKET: Bitbucket,
}


def usual_base(connection: Connection) -> str:
    """Where the API of this forge usually is."""
    parts = urlsplit(connection.speaks_for)
    here = f"https://{parts.netloc}"
    match connection.forge:
        case Forge.GITHUB:
            return "https://api.github.com" if parts.netloc == "github.com" else f"{here}/api/v3"
        case Forge.GITLAB:
            return f"{here}/api/v4"
        case Forge.GITEA:
            return f"{here}/api/v1"
    return "https://api.bitbucket.org/2.0"


def header_of(forge: str, token: str) -> tuple[str, str]:
    """How each forge wants to be shown a token."""
    if forge == Forge.GITLAB:
        return "PRIVATE-TOKEN", token
    return "Authorization", f"token {token}" if forge == Forge.GITEA else f"Bearer {token}"
