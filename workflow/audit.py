"""The audit trail: events are chained as they are recorded, and the chains can be checked.

A chain (shard) is one deployment's story, or that of one object outside deployments. Whoever records an event holds the
lock of that object, so nobody waits for a chain and no chain forks; should it be otherwise, the database refuses the
second event at one (shard, sequence).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Exists, OuterRef, QuerySet

from accounts.prepared import Prepared, among
from workflow import chain
from workflow.models import Event

SEALS = "audit:0"
"""The chain of the weekly seals, see `sealing.py`."""
Anchors = Mapping[tuple[str, int], str]
"""Known hashes by (shard, sequence): what must still be found in the trail."""


@dataclass
class Verdict:
    """What a look at the whole trail gave."""

    events: int
    chains: int
    findings: list[chain.Finding]


def record(events: Sequence[Event]) -> None:
    """Writes events as the next links of their chains, in two statements. The caller holds the locks of what they name.

    Raises TypeError where an event's data holds a fraction.
    """
    for event in events:
        event.shard = shard_of(event)
    heads = dict(_heads(event.shard for event in events))
    for event in events:
        sequence, event.previous = heads.get(event.shard, (0, chain.GENESIS))
        event.sequence, event.data = sequence + 1, chain.settled(event.data)
        event.hash = chain.digest(vars(event))
        heads[event.shard] = (event.sequence, event.hash)
    Event.objects.bulk_create(events, batch_size=500)


def shard_of(event: Event) -> str:
    if event.deployment_id is not None:
        return f"deployment:{event.deployment_id}"
    return f"{event.object_type}:{event.object_id}"


def _heads(shards: Iterable[str]) -> Iterator[tuple[str, tuple[int, str]]]:
    for shard, sequence, digest in _HEADS(shards=set(shards)):
        yield shard, (sequence, digest)


def heads() -> QuerySet[Event]:
    """The last event of each chain."""
    following = Event.objects.filter(shard=OuterRef("shard"), sequence=OuterRef("sequence") + 1)
    return Event.objects.filter(~Exists(following)).order_by("shard")


_HEADS = Prepared(
    lambda: heads().filter(among("shard", "shards", CharField())).values_list("shard", "sequence", "hash")
)


def verify(known: Anchors | None = None) -> Verdict:
    """Checks every chain, and that what the seals and `known` name still is there. Keeps only anchors in memory."""
    verdict = Verdict(0, 0, [])
    wanted = dict(sealed()) | dict(known or {})  # read before the events, which are only ever added
    verdict.findings += chain.check(_watched(verdict, wanted))
    verdict.findings += [_gone(shard, sequence) for shard, sequence in wanted]
    return verdict


def _watched(verdict: Verdict, wanted: dict[tuple[str, int], str]) -> Iterator[Mapping[str, Any]]:
    """All events in the order of their chains; takes out of `wanted` what was found, and notes what differs."""
    shard = ""
    for event in rows(Event.objects.all()):
        verdict.events += 1
        verdict.chains += event["shard"] != shard
        shard = event["shard"]
        expected = wanted.pop((shard, event["sequence"]), event["hash"])
        if expected != event["hash"]:
            sentence = f"{shard} {event['sequence']} is not what was sealed: its chain was written anew."
            verdict.findings.append(chain.Finding(shard, event["sequence"], "rewritten", sentence, event["id"]))
        yield event


def rows(events: QuerySet[Event]) -> Iterator[dict[str, Any]]:
    """Events as plain facts in the order of their chains, as `chain.check` wants them."""
    ordered = events.order_by("shard", "sequence").values("id", "hash", *chain.COVERED)
    yield from ordered.iterator(chunk_size=2000)


def sealed() -> Iterator[tuple[tuple[str, int], str]]:
    """The heads that the weekly seals noted down."""
    for data in Event.objects.filter(shard=SEALS).values_list("data", flat=True).iterator(chunk_size=50):
        for shard, (sequence, digest) in data.get("heads", {}).items():
            yield (shard, sequence), digest


def _gone(shard: str, sequence: int) -> chain.Finding:
    return chain.Finding(shard, sequence, "missing", f"{shard} {sequence} is missing, though it was sealed.")
