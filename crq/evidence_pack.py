"""The evidence as one ZIP, written while it is sent: never more than a document's portion or one letter in memory."""

from __future__ import annotations

import hashlib
import inspect
import io
import json
import zipfile
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.template.loader import render_to_string

from crq import evidence, evidence_verify
from crq.evidence import Record
from crq.models import Document
from crq.uploads import safe_name
from deployments.models import Deployment, ReleaseWeek
from notifications.models import Letter
from workflow import audit, chain, sealing
from workflow.models import Event

CHUNK = 256 * 1024
MISSING = "The stored file could not be read when this pack was made."


def crq_pack(deployment: Deployment, *, made_by: str, now: datetime) -> Iterator[bytes]:
    """For one deployment from `with_facts`; `made_by` and `now` are printed on it."""
    pack = _Pack(now)
    made = {"made_by": made_by, "made_at": now.isoformat()}
    yield from pack.deployment(deployment, "", made)
    yield from pack.end(evidence.shards(deployment))


def week_pack(week: ReleaseWeek, *, made_by: str, now: datetime) -> Iterator[bytes]:
    """For a week: its own story, and a folder for each of its deployments."""
    pack = _Pack(now)
    made = {"made_by": made_by, "made_at": now.isoformat()}
    covered, listed = evidence.week_shards(week), []
    for deployment in evidence.deployments_of(week):
        folder = f"deployments/{deployment.pk}/"
        yield from pack.deployment(deployment, folder, made)
        covered |= evidence.shards(deployment)
        listed.append(
            {"deployment": deployment, "crq": getattr(deployment, "crq", None), "page": f"{folder}index.html"}
        )
    record = evidence.week_record(week) | made
    record["emails"] = yield from pack.letters(evidence.week_letters(week), "")
    yield from pack.add("week.json", _json(record))
    yield from pack.trail(evidence.week_shards(week), "")
    context = {"record": record, "week": week, "listed": listed, "now": now}
    yield from pack.add("index.html", render_to_string("evidence/week.html", context).encode())
    yield from pack.end(covered)


class _Pack:
    """A ZIP under way. Every method yields the bytes that are ready to be sent."""

    def __init__(self, now: datetime) -> None:
        self.pipe = _Pipe()
        self.zip = zipfile.ZipFile(self.pipe, "w", zipfile.ZIP_DEFLATED)
        self.stamp = now.astimezone(UTC).timetuple()[:6]
        self.hashes: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> Iterator[bytes]:
        yield from self.stream(name, [content])

    def stream(self, name: str, portions: Iterable[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(name, self.stamp)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self.zip.open(info, "w") as file:
            for portion in portions:
                digest.update(portion)
                file.write(portion)
                yield from self.pipe.drain()
        self.hashes[name] = digest.hexdigest()
        yield from self.pipe.drain()

    def deployment(self, deployment: Deployment, folder: str, made: Record) -> Iterator[bytes]:
        record = evidence.record(deployment) | made
        stored = dict(Document.objects.filter(crq__deployment=deployment).values_list("pk", "file"))
        for document in record["documents"]:
            if document["purged_at"]:
                continue
            document["file"] = f"documents/{document['kind']}-v{document['version']}-{safe_name(document['name'])}"
            yield from self.stream(folder + document["file"], _portions(stored[document["id"]]))
        record["emails"] = yield from self.letters(evidence.letters(deployment), folder)
        yield from self.add(f"{folder}evidence.json", _json(record))
        yield from self.trail(evidence.shards(deployment), folder)
        context = {
            "record": record,
            "deployment": deployment,
            "events": evidence.events(deployment),
            "root": "../../" if folder else "",
        }
        yield from self.add(f"{folder}index.html", render_to_string("evidence/crq.html", context).encode())

    def letters(self, found: QuerySet[Letter], folder: str) -> Generator[bytes, None, list[Record]]:
        """Yields the files, and returns what the record says of them."""
        records = []
        for letter in found.iterator(chunk_size=20):
            record = evidence.letter_record(letter)
            record["file"] = f"emails/{letter.pk}-{letter.kind}"
            yield from self.add(f"{folder}{record['file']}.html", letter.html.encode())
            yield from self.add(f"{folder}{record['file']}.txt", letter.text.encode())
            records.append(record)
        return records

    def trail(self, shards: set[str], folder: str) -> Iterator[bytes]:
        """The whole chains, from their beginning."""
        rows = audit.rows(Event.objects.filter(shard__in=shards))
        yield from self.stream(f"{folder}audit.jsonl", (_event_line(row) for row in rows))

    def end(self, covered: set[str]) -> Iterator[bytes]:
        yield from self.stream("seals.jsonl", (_event_line(seal) for seal in sealing.proof_of(covered)))
        yield from self.add("verify.py", inspect.getsource(evidence_verify).encode())
        yield from self.add("workflow/chain.py", inspect.getsource(chain).encode())
        yield from self.add("style.css", render_to_string("evidence/style.css").encode())
        yield from self.add("manifest.json", _json({"files": dict(sorted(self.hashes.items()))}))
        self.zip.close()
        yield from self.pipe.drain()


class _Pipe(io.RawIOBase):
    """What `zipfile` writes to: a file that cannot be wound back, whose content is taken away in passing."""

    def __init__(self) -> None:
        self.ready = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.ready += content
        return len(content)

    def drain(self) -> Iterator[bytes]:
        if self.ready:
            yield bytes(self.ready)
            self.ready.clear()


def _portions(name: str) -> Iterator[bytes]:
    """A stored file; where there is none, the pack says so, and its verification does, too."""
    try:
        with default_storage.open(name, "rb") as file:
            yield from file.chunks(CHUNK)
    except OSError:
        yield MISSING.encode()


def _event_line(event: Record) -> bytes:
    return json.dumps(chain.plain(event) | {"hash": event["hash"]}, sort_keys=True).encode() + b"\n"


def _json(record: Record) -> bytes:
    return json.dumps(record, indent=1, ensure_ascii=False).encode() + b"\n"
