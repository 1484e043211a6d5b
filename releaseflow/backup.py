"""The whole of releaseflow in one file: every row and every document, as of one instant, on either database.

`manifest.json` names all that is in the file, with counts and hashes. Restoring compares what arrived with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

from accounts.models import User
from crq.models import Document
from deployments.models import Deployment, ReleaseWeek
from releaseflow import rows
from workflow import audit
from workflow.models import Event

FORMAT = 1
MANIFEST = "manifest.json"
SPOOL = 1024 * 1024
PORTION = 500
Manifest = dict[str, Any]
DAMAGED = (
    *(OSError, EOFError, tarfile.TarError, zlib.error),  # the file itself
    *(ValueError, TypeError, KeyError, ValidationError),  # what stands in it
    *(IntegrityError, DataError, SuspiciousFileOperation),  # what the database and the storage do not take
)
"""What reading a file can end in that is no whole backup."""


class Unusable(Exception):
    """A backup cannot be made or restored; the sentence says why. Nothing was changed."""


# --- Making one ----------------------------------------------------------------------------------------------
def make(path: Path, now: datetime) -> Manifest:
    """Writes the backup, one table after another through a temporary file; returns its manifest.

    The file appears under its name only when it is complete, readable by its owner alone.
    """
    if not path.parent.is_dir():
        raise Unusable(f"There is no folder {path.parent}.")
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.touch(mode=0o600)
        with tarfile.open(partial, "w:gz", compresslevel=6) as archive, one_instant():
            manifest = _written(archive, now)
        partial.replace(path)
    except FileNotFoundError as error:
        raise Unusable(f"A file is missing, so there is no backup: {error.filename or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


@contextmanager
def one_instant() -> Iterator[None]:
    """All reads see the database as it was at the first one; writers are not held up."""
    mode, outermost = getattr(connection, "transaction_mode", None), not connection.in_atomic_block
    if connection.vendor == "sqlite":
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # IMMEDIATE would lock writers out
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql" and outermost:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]


def _written(archive: tarfile.TarFile, now: datetime) -> Manifest:
    tables = {rows.label(model): _add_table(archive, model, now) for model in rows.kept_models()}
    papers = Document.objects.filter(purged_at=None).order_by("pk").values_list("file", "sha256")
    found = cast("Generator[tuple[str, str]]", papers.iterator(chunk_size=PORTION))
    with closing(found):  # in its transaction, also when a file is missing
        documents = {name: _add_document(archive, name, digest, now) for name, digest in found}
    manifest = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "migrations": _migrations(),
        "tables": tables,
        "documents": documents,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True).encode()
    _add(archive, MANIFEST, io.BytesIO(text), len(text), now)
    return manifest


def _add_table(archive: tarfile.TarFile, model: type[models.Model], now: datetime) -> dict[str, Any]:
    with TemporaryFile() as file:
        count, digest = rows.count_and_digest(_teed(rows.lines(model), file))
        size = file.tell()
        file.seek(0)
        _add(archive, f"tables/{rows.label(model)}.jsonl", file, size, now)
    return {"rows": count, "sha256": digest}


def _teed(lines: Iterator[bytes], file: IO[bytes]) -> Iterator[bytes]:
    for line in lines:
        file.write(line)
        yield line


def _add_document(archive: tarfile.TarFile, name: str, digest: str, now: datetime) -> dict[str, Any]:
    with default_storage.open(name, "rb") as file:
        size = file.size
        _add(archive, name, file, size, now)
    return {"size": size, "sha256": digest}


def _add(archive: tarfile.TarFile, name: str, file: Any, size: int, now: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, int(now.timestamp()), 0o600
    archive.addfile(member, file)


def _migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


# --- Restoring one -------------------------------------------------------------------------------------------
def restore(path: Path) -> Manifest:
    """Fills an empty database, and the storage, from a backup; returns its manifest. All of it, or nothing.

    Raises Unusable when the backup is damaged or of another version, or when the database is in use.
    """
    stored: list[str] = []
    try:
        with tarfile.open(path, "r:gz") as archive, transaction.atomic():
            manifest = _manifest(archive)
            _must_fit(manifest)
            _fill_tables(archive)
            _fill_storage(archive, manifest, stored)
            _compare(manifest)
    except BaseException as error:
        for name in stored:
            default_storage.delete(name)
        if isinstance(error, DAMAGED):
            raise Unusable(f"{path.name} is not a whole backup: {error}.") from error
        raise
    return manifest


def _manifest(archive: tarfile.TarFile) -> Manifest:
    found = json.loads(_member(archive, MANIFEST).read())
    if not isinstance(found, dict) or "format" not in found:
        raise ValueError(f"{MANIFEST} is not releaseflow's")
    if found["format"] != FORMAT:
        raise Unusable("This backup was made by a version that this one cannot read. Restore with that version.")
    return found


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """Only what the manifest names is read, and only where it is a plain file."""
    file = archive.extractfile(archive.getmember(name))
    if file is None:
        raise ValueError(f"{name} is no file")
    return file


def _must_fit(manifest: Manifest) -> None:
    here, there = set(_migrations()), set(manifest["migrations"])
    if not here:
        raise Unusable("The database has no tables yet. Run `manage.py migrate`, then restore.")
    if User.objects.exists() or Event.objects.exists() or ReleaseWeek.objects.exists() or Deployment.objects.exists():
        raise Unusable("The database is in use. Restore into an empty one: create it, then run `manage.py migrate`.")
    if here != there:
        which = "an older" if there < here else "a newer" if there > here else "another"
        other = ", ".join(sorted(here ^ there)[:5])
        raise Unusable(
            f"The backup is of {which} version. Install that one, restore with it, then update and run "
            f"`manage.py migrate`. Different migrations: {other}."
        )
    if unknown := set(manifest["tables"]) ^ {rows.label(model) for model in rows.kept_models()}:
        raise Unusable(f"The backup has other tables: {', '.join(sorted(unknown))}.")


def _fill_tables(archive: tarfile.TarFile) -> None:
    """What migrations put into an empty database goes first. Foreign keys are checked when all is there."""
    kept = rows.kept_models()
    with connection.constraint_checks_disabled():
        for model in kept:
            model._base_manager.all()._raw_delete(using=connection.alias)  # noqa: SLF001
        for model in kept:
            _fill_table(model, _member(archive, f"tables/{rows.label(model)}.jsonl"))
    connection.check_constraints()
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept):
            cursor.execute(statement)


def _fill_table(model: type[models.Model], file: IO[bytes]) -> None:
    portion = []
    for line in file:
        portion.append(rows.instance(model, line))
        if len(portion) == PORTION:
            model._base_manager.bulk_create(portion)
            portion = []
    model._base_manager.bulk_create(portion)


def _fill_storage(archive: tarfile.TarFile, manifest: Manifest, stored: list[str]) -> None:
    for name, wanted in manifest["documents"].items():
        if default_storage.exists(name):
            raise Unusable(f"The storage holds {name} already. Restore into an empty one.")
        stored.append(name)
        with _member(archive, name) as file:
            default_storage.save(name, File(file, name=name))
        with default_storage.open(name, "rb") as kept:
            if hashlib.file_digest(kept, "sha256").hexdigest() != wanted["sha256"]:
                raise ValueError(f"{name} is not what was backed up")


def _compare(manifest: Manifest) -> None:
    """Reads every table again, and the audit trail: what is here now is what was there."""
    for model in rows.kept_models():
        wanted = manifest["tables"][rows.label(model)]
        count, digest = rows.count_and_digest(rows.lines(model))
        if {"rows": count, "sha256": digest} != wanted:
            raise ValueError(f"{rows.label(model)} came with {count} rows, not as the {wanted['rows']} that were there")
    if findings := audit.verify().findings:
        raise ValueError(f"the audit trail in it is broken: {findings[0].sentence}")
