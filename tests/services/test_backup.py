"""A backup holds everything, and comes back whole on either database, or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Team
from crq.models import Document
from releaseflow import backup
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week, moment
from tests.support import database, postgres
from workflow import clock
from workflow.models import Event
from workflow.sealing import seal_weekly

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
LOOK = """
from django.core.management import call_command
from accounts.models import Team
call_command("verify_audit", "--json")
call_command("verify_documents")
print(Team.objects.create(name="New", slug="new").pk)
"""


class Machine:
    """An empty machine: a migrated database and an empty folder for documents."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.env = {
            "PATH": os.environ["PATH"],
            "SECRET_KEY": "x" * 60,
            "VAR_DIR": str(folder),
            "DATABASE_URL": database_url,
        }

    def run(self, *arguments: str, fails: bool = False) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="module")
def _migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    Machine(folder, f"sqlite:///{folder}/db.sqlite3").run("migrate", "-v", "0")
    return folder


@pytest.fixture
def sqlite(tmp_path: Path, _migrated: Path) -> Callable[[str], Machine]:
    def make(name: str) -> Machine:
        shutil.copytree(_migrated, tmp_path / name)
        return Machine(tmp_path / name, f"sqlite:///{tmp_path / name}/db.sqlite3")

    return make


@pytest.fixture
def postgresql(tmp_path: Path, postgres_cluster: postgres.Cluster) -> Machine:
    postgres_cluster.ask("DROP DATABASE IF EXISTS restored")
    postgres_cluster.ask("CREATE DATABASE restored")
    (tmp_path / "pg").mkdir()
    machine = Machine(tmp_path / "pg", f"{postgres_cluster.url.rpartition('/')[0]}/restored")
    machine.run("migrate", "-v", "0")
    return machine


@pytest.fixture
def archive(stage: Stage, tmp_path: Path) -> Path:
    """The backup of this database."""
    return backed_up(stage, tmp_path)


@pytest.fixture(scope="module")
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, made once; the database is empty again."""
    folder = tmp_path_factory.mktemp("kept")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=folder / "documents"), clock.frozen(EARLY):
        made = backed_up(Stage(Cast.assemble(), a_week()), folder)
        database.empty_evidence()
        call_command("flush", verbosity=0, interactive=False)
    return made


def backed_up(stage: Stage, folder: Path) -> Path:
    """A week in which something was installed, with documents, e-mails and a seal."""
    stage.installed()
    with clock.frozen(moment(stage.week, "install", hours=1, microseconds=123_456)):
        seal_weekly(clock.now())
        call_command("backup", str(folder / "all.tar.gz"), stdout=io.StringIO())
    return folder / "all.tar.gz"


def manifest(path: Path) -> dict[str, Any]:
    with tarfile.open(path) as archive:
        file = archive.extractfile("manifest.json")
        assert file
        return dict(json.load(file))


def rewritten(path: Path, forged: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same archive with some contents changed."""
    with tarfile.open(path) as old, tarfile.open(forged, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            assert file
            content = change(member.name, file.read())
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return forged


def test_the_backup_holds_every_row_and_document(archive: Path) -> None:
    found = manifest(archive)

    assert found["tables"]["workflow.event"]["rows"] == Event.objects.count() > 10
    assert set(found["documents"]) == set(Document.objects.values_list("file", flat=True))
    assert "sessions.session" not in found["tables"]
    assert {"accounts.user", "crq.document", "notifications.email"} <= set(found["tables"])
    assert archive.stat().st_mode & 0o077 == 0


def test_it_goes_from_here_to_postgresql_and_on_to_sqlite(
    kept: Path, postgresql: Machine, sqlite: Callable[[str], Machine], tmp_path: Path
) -> None:
    """Both databases hold the same: every table's rows hash alike, the chains verify, and new rows get new numbers."""
    postgresql.run("restore", str(kept))
    second = tmp_path / "second.tar.gz"
    postgresql.run("backup", str(second))
    last = sqlite("last")
    last.run("restore", str(second))

    before = manifest(kept)
    assert manifest(second)["tables"] == before["tables"]
    assert manifest(second)["documents"] == before["documents"]
    for machine in (postgresql, last):
        *lines, documents, number = machine.run("shell", "-v", "0", "-c", LOOK).splitlines()
        verdict = json.loads("".join(lines))
        assert (verdict["ok"], verdict["events"]) == (True, before["tables"]["workflow.event"]["rows"])
        assert documents == "Every document is as it was attached."
        assert int(number) > 2


def test_a_database_in_use_is_left_alone(archive: Path) -> None:
    before = Event.objects.count()

    with pytest.raises(CommandError, match="in use"):
        call_command("restore", str(archive))

    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("tables/workflow.event.jsonl", b"installed", b"verified_", "workflow.event came with"),
        ("tables/accounts.team.jsonl", b"Identity", b"Identical", "accounts.team came with"),
        ("documents/", b"%PDF", b"%PDQ", "is not what was backed up"),
        ("manifest.json", b'"format": 1', b'"format": 2', "cannot read"),
        ("manifest.json", b'"documents": {', b'"documents": {"../out.pdf": {}, ', "is not a whole backup"),
        ("tables/accounts.team.jsonl", b'"name":"Identity"', b'"name":null', "is not a whole backup"),
        ("manifest.json", b"workflow.0001_initial", b"workflow.0001_other", "of another version. Install that one"),
        (
            "manifest.json",
            b'"workflow.0001_initial",',
            b'"workflow.0001_initial", "workflow.9999_later",',
            "a newer version",
        ),
        ("manifest.json", b'\n  "workflow.0001_initial",', b"", "of an older version. Install that one"),
    ],
)
def test_a_changed_backup_is_refused_and_nothing_stays(  # noqa: PLR0917
    kept: Path, tmp_path: Path, settings: LazySettings, name: str, old: bytes, new: bytes, said: str
) -> None:
    forged = rewritten(
        kept,
        tmp_path / "forged.tar.gz",
        lambda n, content: content.replace(old, new) if n.startswith(name) else content,
    )

    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("restore", str(forged))

    assert (Event.objects.count(), Team.objects.count()) == (0, 0)
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_half_a_file_is_refused(kept: Path, sqlite: Callable[[str], Machine], tmp_path: Path) -> None:
    half = tmp_path / "half.tar.gz"
    half.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    machine = sqlite("target")

    assert "is not a whole backup" in machine.run("restore", str(half), fails=True)
    assert json.loads(machine.run("verify_audit", "--json"))["events"] == 0


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no archive"), gzip.compress(bytes(10_240))],
    ids=["nothing", "no archive", "compressed words", "compressed nothing"],
)
def test_a_file_that_is_no_backup_is_refused(content: bytes, tmp_path: Path, db: None) -> None:
    (tmp_path / "foreign.tar.gz").write_bytes(content)

    with pytest.raises(CommandError, match=r"foreign\.tar\.gz is not a whole backup"):
        call_command("restore", str(tmp_path / "foreign.tar.gz"))


@pytest.mark.parametrize("text", [b"[]", b"{}", b"null", b"\xff", b'{"format": 1}', b'{"format": 1, "migrations": 7}'])
def test_the_manifest_of_something_else_is_refused(text: bytes, tmp_path: Path, db: None) -> None:
    foreign = tmp_path / "foreign.tar.gz"
    with tarfile.open(foreign, "w:gz") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))

    with pytest.raises(CommandError, match=r"foreign\.tar\.gz is not a whole backup"):
        call_command("restore", str(foreign))


def test_a_damaged_byte_anywhere_is_refused_in_a_sentence(archive: Path) -> None:
    """Whatever the byte breaks, the file, the manifest or a row: nobody sees a traceback."""
    whole = archive.read_bytes()
    hurt = archive.with_name("hurt.tar.gz")

    for place in range(len(whole) // 40, len(whole), len(whole) // 40):
        hurt.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(CommandError, match=r"is not a whole backup|in use"):
            call_command("restore", str(hurt))


def test_a_database_without_tables_is_migrated_first(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    bare = Machine(tmp_path / "bare", f"sqlite:///{tmp_path}/bare/db.sqlite3")

    assert "has no tables yet. Run `manage.py migrate`" in bare.run("restore", str(kept), fails=True)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match=r"There is no folder .*nowhere\.$"):
        call_command("backup", str(tmp_path / "nowhere" / "all.tar.gz"))


def test_without_a_document_there_is_no_backup(stage: Stage, tmp_path: Path) -> None:
    stage.cleared()
    Path(Document.objects.order_by("pk")[0].file.path).unlink()

    with pytest.raises(CommandError, match="is missing"):
        call_command("backup", str(tmp_path / "all.tar.gz"))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_meanwhile_is_not_in_it(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One instant: events that are committed while the backup runs are in none of its tables."""
    stage.plan()
    before = Event.objects.count()
    add_table = backup._add_table

    def acting_meanwhile(*arguments: Any) -> Any:
        added = add_table(*arguments)
        if Event.objects.count() == before and not acted:
            acted.append(Thread(target=_act, args=(stage,)))
            acted[0].start()
            acted[0].join(10)
        return added

    acted: list[Thread] = []
    monkeypatch.setattr(backup, "_add_table", acting_meanwhile)
    found = backup.make(tmp_path / "all.tar.gz", EARLY)

    assert Event.objects.count() > before
    assert found["tables"]["workflow.event"]["rows"] == before


def _act(stage: Stage) -> None:
    with clock.frozen(EARLY + timedelta(minutes=5)):
        stage.submit()
    connection.close()
