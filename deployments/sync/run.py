"""Asking forges for what their webhooks tell, and taking it in the same way: for what was missed, or without webhooks.

The forge is asked outside of transactions; each fact is taken in one of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from accounts.secrets import Unreadable, unseal
from deployments.forge.address import Address, read_address, same_place
from deployments.forge.facts import Fact, ForgePull, Malformed
from deployments.models import Connection, PullRequest, Repository
from deployments.sync.client import Client, Unreachable
from deployments.sync.sources import SOURCES, Source, header_of, usual_base
from deployments.taking import Taken, Taking

UNFINISHED = (PullRequest.Forge.OPEN, PullRequest.Forge.DRAFT)


@dataclass(frozen=True)
class Line:
    """What became of one fact, or of a whole repository: `outcome` is "failed" where it could not be asked."""

    repository: str
    subject: str
    outcome: str
    why: str = ""


@dataclass
class Sync:
    """One run. `dry` takes nothing; `since` leaves out open pull requests that the forge did not change since then."""

    since: datetime | None = None
    dry: bool = False
    sleep: Callable[[float], None] = time.sleep
    clients: dict[int, Client] = field(default_factory=dict)

    def repository(self, repository: Repository) -> Iterator[Line]:
        """Line by line, as it goes; what fails ends this repository alone."""
        taking = Taking(Repository.Forge(repository.forge))
        try:
            source = self._source(repository)
            if source is None:
                yield Line(repository.name, repository.name, "skipped", "No connection with a token speaks for it.")
                return
            for entry in self._entries(source, repository):
                yield from self._pull(source, repository, taking, entry)
        except Unreachable as error:
            yield Line(repository.name, repository.name, "failed", f"{repository.name}: {error}.")

    def _source(self, repository: Repository) -> Source | None:
        for connection in Connection.objects.filter(forge=repository.forge, active=True).exclude(token=""):
            if connection.speaks_of(repository.url):
                found = read_address(f"{repository.url.removesuffix('.git')}/pull/1")
                place = Address(repository.url, found.name if found else repository.name, 0)
                return SOURCES[Repository.Forge(repository.forge)](self._client(connection), place)
        return None

    def _client(self, connection: Connection) -> Client:
        """One for all repositories of a connection, so that they share what it waits."""
        if connection.pk not in self.clients:
            try:
                header = header_of(connection.forge, unseal(connection.token))
            except Unreadable:
                raise Unreachable("its token was sealed under another SECRET_KEY: set it again") from None
            base = connection.api_url.rstrip("/") or usual_base(connection)
            self.clients[connection.pk] = Client(base, header, self.sleep)
        return self.clients[connection.pk]

    def _entries(self, source: Source, repository: Repository) -> Iterator[object]:
        """All that are open there, then those that are open here and no longer there."""
        seen = set()
        for entry in source.open():
            if isinstance(entry, dict):
                seen.add(entry.get("iid") or entry.get("number") or entry.get("id"))
            yield entry
        known = repository.pull_requests.filter(status__in=PullRequest.LIVE, forge_state__in=UNFINISHED)
        for number in known.exclude(number__in=_numbers(seen)).order_by("number").values_list("number", flat=True):
            yield source.one(number)

    def _pull(self, source: Source, repository: Repository, taking: Taking, entry: object) -> Iterator[Line]:
        try:
            pull = source.read(entry)
        except Malformed as error:
            yield Line(repository.name, repository.name, "malformed", str(error))
            return
        if self.since and pull.at and pull.at < self.since:
            return
        if not same_place(pull.place.repository_url, repository.url):
            why = f"{pull.place.name} was answered when {repository.name} was asked for: has it a new name?"
            yield Line(repository.name, pull.place.name, "skipped", why)
            return
        facts, broken = self._facts(source, repository, pull)
        for taken in self._take(taking, facts):
            yield Line(repository.name, taken.subject, taken.outcome, taken.why)
        yield from (
            Line(repository.name, f"{pull.place.name} #{pull.place.number}", "malformed", why) for why in broken
        )

    def _facts(self, source: Source, repository: Repository, pull: ForgePull) -> tuple[list[Fact], list[str]]:
        """The pull request and, where it is or comes here, what is said about it; and what cannot be read."""
        facts: list[Fact] = [pull]
        broken = []
        is_here = repository.pull_requests.filter(number=pull.place.number).exists()
        for read in source.about(pull) if is_here or pull.state == "open" else ():
            try:
                facts.append(read())
            except Malformed as error:
                broken.append(str(error))
        return facts, broken

    def _take(self, taking: Taking, facts: list[Fact]) -> list[Taken]:
        if not self.dry:
            return [taking.take(fact) for fact in facts]
        with transaction.atomic():
            found = [taking.take(fact) for fact in facts]
            transaction.set_rollback(True)
        return found


def _numbers(seen: set[object]) -> list[int]:
    return [each for each in seen if isinstance(each, int)]
