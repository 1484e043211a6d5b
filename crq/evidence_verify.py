"""Checks an evidence pack, offline and with nothing but Python 3.11: unpack it, then run `python verify.py` in it.

1. Every file is what `manifest.json` says, and there is no other.
2. Every document is the one that the audit trail says was attached, by its SHA-256.
3. Every chain of events is whole from its beginning: nothing was changed, deleted, inserted or exchanged.
4. Where a weekly seal names a chain, the chain has that very hash at that place. Compare the printed line of the seal
   with the "Audit trail sealed" e-mail that administrators received in that week.
Exit code 0: all is true; 1: something is not, and is named.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow import chain

MANIFEST = "manifest.json"
NOT_LISTED = {MANIFEST}


def main(folder: Path) -> int:
    wrong = [*files(folder), *documents(folder), *chains(folder), *seals(folder)]
    for sentence in wrong:
        print(f"WRONG: {sentence}")  # noqa: T201 (a program of its own)
    print("Something is wrong." if wrong else "Every file, document and chain in this pack is whole.")  # noqa: T201
    return 1 if wrong else 0


def files(folder: Path) -> Iterator[str]:
    listed: dict[str, str] = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
    for name, wanted in listed.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing."
        elif _sha256(path) != wanted:
            yield f"{name} is not what it was when the pack was made."
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(present - set(listed) - NOT_LISTED):
        if "__pycache__" not in name:
            yield f"{name} does not belong to the pack."


def documents(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("evidence.json")):
        attached = {
            event["data"].get("id"): event["data"].get("sha256")
            for event in _lines(path.parent / "audit.jsonl")
            if event["action"].startswith("attach_")
        }
        for document in json.loads(path.read_text("utf-8")).get("documents", []):
            name = f"{document['name']}, version {document['version']}"
            if document.get("purged_at"):
                print(f"{name} was deleted after the retention period, on {document['purged_at'][:10]}.")  # noqa: T201
            elif _sha256(path.parent / document["file"]) != document["sha256"]:
                yield f"{name} is not the document of its record."
            if attached.get(document["id"]) != document["sha256"]:
                yield f"{name} is not the document that the audit trail says was attached."


def chains(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("audit.jsonl")):
        for finding in chain.check(_lines(path)):
            yield f"{path.relative_to(folder)}: {finding.sentence}"
        count = sum(1 for _ in _lines(path))
        print(f"{path.relative_to(folder)}: {count} events.")  # noqa: T201


def seals(folder: Path) -> Iterator[str]:
    known = {
        (event["shard"], event["sequence"]): event["hash"]
        for path in folder.rglob("audit.jsonl")
        for event in _lines(path)
    }
    for seal in _lines(folder / "seals.jsonl"):
        name = f"{seal['shard']} {seal['sequence']}"
        if chain.digest(seal) != seal["hash"]:
            yield f"The seal {name} is not what was recorded."
        for shard, (sequence, digest) in seal["data"]["heads"].items():
            if known.get((shard, sequence), digest) != digest:
                yield f"{shard} {sequence} is not what was sealed on {seal['at'][:10]}."
        print(f"Sealed on {seal['at'][:10]}: {name} {seal['hash']}")  # noqa: T201


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _sha256(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
