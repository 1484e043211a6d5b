"""Keeping uploaded files: no record without its file, and no file left behind by a record that did not come to be."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import IO, Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile

from crq.models import Document
from crq.models.crq import FOLDER, storage_name
from workflow.steps import Refused

logger = logging.getLogger(__name__)

CHUNK = 256 * 1024
GRACE = timedelta(days=1)
"""A file without a record that is younger may belong to an action that is still going on."""

_kept: ContextVar[list[str] | None] = ContextVar("kept", default=None)


def keep(upload: UploadedFile[Any]) -> str:
    """Saves the content under a random name and returns that; nothing of the file's own name reaches the storage.

    Raises Refused, with a sentence, when the storage has no room or cannot be reached. S3 raises OSError, too: see
    `releaseflow/storage.py`.
    """
    name = storage_name(Document(), "")
    if (kept := _kept.get()) is not None:
        kept.append(name)
    try:
        upload.seek(0)
        return str(default_storage.save(name, upload))
    except OSError as error:
        logger.exception("A document could not be stored")
        discard(name)
        sentence = (
            "The file could not be stored, so nothing was attached. Try again; tell your administrator if it stays."
        )
        raise Refused.because(sentence) from error


@contextmanager
def only_with_its_record() -> Iterator[None]:
    """Around an action: what it stored is removed when the action fails, as its records are."""
    token = _kept.set([])
    try:
        yield
    except BaseException:
        for name in _kept.get() or []:
            discard(name)
        raise
    finally:
        _kept.reset(token)


def discard(name: str) -> None:
    """Removes a file that no record names; what cannot be removed now is found by `orphans` later."""
    with suppress(OSError):
        default_storage.delete(name)


def sha256(file: IO[bytes]) -> str:
    """The content's SHA-256 in hex; the file is left at its beginning."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()


def damaged() -> Iterator[tuple[Document, str]]:
    """The documents whose file is missing or not the one that was attached, and which of both."""
    kept = Document.objects.filter(purged_at=None).select_related("crq")
    for document in kept.order_by("pk").iterator(chunk_size=500):
        try:
            with document.file.open("rb") as file:
                if sha256(file) != document.sha256:
                    yield document, "changed"
        except FileNotFoundError:
            yield document, "missing"


def orphans(now: datetime) -> Iterator[str]:
    """Stored files that no record wants kept, a day old or older: what a process left that was killed in the middle."""
    try:
        _, names = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return
    known = set(Document.objects.filter(purged_at=None).values_list("file", flat=True).iterator(chunk_size=2000))
    for name in (f"{FOLDER}/{each}" for each in sorted(names)):
        if name not in known and default_storage.get_modified_time(name) < now - GRACE:
            yield name
