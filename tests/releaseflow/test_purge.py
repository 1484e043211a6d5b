"""Retention: nothing goes by itself, and what goes by command takes nothing along that proves anything."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.test import Client

from crq.evidence_pack import crq_pack
from crq.flow import CRQ_FLOW
from crq.models import Document
from crq.readiness import with_facts
from crq.retention import limit
from deployments.flow import DEPLOYMENT, WEEK
from deployments.models import Deployment
from notifications.models import Email, Letter, Post
from releaseflow import backup, purge
from tests.outboxes import posted
from tests.stages import EARLY, Stage, moment
from workflow import audit, clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

YEARS = timedelta(days=7 * 366)


@pytest.fixture
def over(stage: Stage) -> Deployment:
    """Installed and verified, its CRQ closed, every e-mail sent; the caller acts seven years later."""
    deployment = stage.installed()
    with clock.frozen(moment(stage.week, "install", hours=1)):
        perform(DEPLOYMENT, "verify", deployment, by=stage.cast.developer)
    Email.objects.filter(sent_at=None).update(sent_at=moment(stage.week, "install", hours=1))
    return stage.fresh(deployment)


@pytest.fixture
def later(stage: Stage) -> datetime:
    return moment(stage.week, "install") + YEARS


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("purge", *arguments)
    return capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    return dict(json.loads(run(capsys, *arguments, "--json")))


# --- What would go -------------------------------------------------------------------------------------------
def test_a_dry_run_names_what_would_go_and_changes_nothing(
    over: Deployment, later: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    letters = Letter.objects.count()
    with clock.frozen(later):
        said = run(capsys, "--dry-run")

    assert f"Would delete: 3 files of {over.crq.number}, week of Thu Dec 10, 2026" in said
    assert f"Would delete: {letters} letters." in said
    assert not Document.objects.exclude(purged_at=None).exists()
    assert Letter.objects.count() == letters > 0
    assert not Event.objects.filter(action="purge").exists()


def test_before_the_time_is_over_there_is_nothing_to_delete(
    over: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    with clock.frozen(EARLY + timedelta(days=7 * 365)):
        assert "Nothing is to be deleted." in run(capsys, "--delete")
    assert not Document.objects.exclude(purged_at=None).exists()


def test_one_of_both_must_be_said(db: None) -> None:
    with pytest.raises(CommandError, match="--dry-run --delete is required"):
        call_command("purge")


def test_the_limit_of_a_leap_day(settings: LazySettings) -> None:
    settings.RETENTION_YEARS = 7
    assert str(limit(datetime.fromisoformat("2028-02-29T12:00:00+00:00"))) == "2021-02-28"


# --- What goes and what stays --------------------------------------------------------------------------------
def test_files_and_e_mails_go_and_the_proof_stays(
    over: Deployment, stage: Stage, later: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [Path(each.file.path) for each in Document.objects.all()]
    trail = list(audit.rows(Event.objects.all()))
    with clock.frozen(later):
        done = run_json(capsys, "--delete")
        call_command("verify_documents")
        call_command("verify_audit")
        capsys.readouterr()
        again = run_json(capsys, "--delete")

    assert [each["documents"] for each in done["files"]] == [3]
    assert not any(path.exists() for path in files)
    assert not Letter.objects.exists()
    assert (again["files"], set(again["rows"].values())) == ([], {0})
    assert list(audit.rows(Event.objects.exclude(action="purge"))) == trail
    assert audit.verify().findings == []
    assert over.crq.decisions.count() == 1
    story, whole = Event.objects.filter(action="purge").order_by("pk")
    assert (story.deployment_id, story.actor, len(story.data["documents"])) == (over.pk, None, 3)
    assert whole.data["deleted"] == done["rows"]


def test_a_purged_document_says_so(client: Client, over: Deployment, stage: Stage, later: datetime) -> None:
    document = over.crq.documents.first()
    assert document
    with clock.frozen(later):
        purge.purge(clock.now)
        client.force_login(stage.cast.manager)
        page = client.get(document.get_absolute_url(), follow=True)
        assert client.get(over.crq.get_absolute_url()).status_code == 200

    assert "was deleted on" in page.content.decode()
    assert document.sha256 in client.get(over.crq.get_absolute_url()).content.decode()


def test_backup_and_evidence_pack_do_without_the_files(over: Deployment, later: datetime, tmp_path: Path) -> None:
    with clock.frozen(later):
        purge.purge(clock.now)
        manifest = backup.make(tmp_path / "all.tar.gz", later)
        [facts] = with_facts([over.pk])
        pack = b"".join(crq_pack(facts, made_by="Ada Quist", now=later))
    zipfile.ZipFile(io.BytesIO(pack)).extractall(tmp_path / "pack")
    checked = subprocess.run(
        [sys.executable, "verify.py"], cwd=tmp_path / "pack", capture_output=True, text=True, check=False
    )

    assert manifest["documents"] == {}
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.count("was deleted after the retention period") == 3


def test_an_unfinished_crq_keeps_its_files(stage: Stage, later: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    deployment = stage.cleared()
    with clock.frozen(later):
        said = run(capsys, "--delete")

    assert f"Stays: 3 files of {deployment.crq.number}" in said
    assert "This CRQ is approved, so this cannot be done now." in said
    assert not deployment.crq.documents.exclude(purged_at=None).exists()


def test_what_still_waits_to_be_sent_stays(stage: Stage, later: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    stage.ready()
    waiting = Email.objects.filter(Email.WAITING).count()
    with clock.frozen(later):
        run(capsys, "--delete")

    assert Email.objects.count() == waiting > 0


def test_posts_go_but_for_those_that_wait_and_those_of_a_week_on_hold(stage: Stage, later: datetime) -> None:
    perform(WEEK, "keep", stage.week, by=stage.cast.administrator, reason="Case 12-34.")
    held, _gone, waiting = posted(str(stage.week.thursday), "2026-12-17", "2026-12-24")
    Post.objects.exclude(pk=waiting.pk).update(sent_at=EARLY)

    with clock.frozen(later):
        call_command("purge", "--delete")

    assert {each.pk for each in Post.objects.all()} == {held.pk, waiting.pk}


# --- Legal hold ----------------------------------------------------------------------------------------------
def test_a_week_on_legal_hold_keeps_everything(
    over: Deployment, stage: Stage, later: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    perform(WEEK, "keep", stage.week, by=stage.cast.administrator, reason="Case 12-34.")
    about = set(Letter.objects.filter(emails__key__contains=f":deployment:{over.pk}:").values_list("pk", flat=True))
    with clock.frozen(later):
        said = run(capsys, "--delete")

        assert "is on legal hold, so nothing of it is deleted." in said
        assert about
        assert about <= set(Letter.objects.values_list("pk", flat=True))
        assert not over.crq.documents.exclude(purged_at=None).exists()
        with pytest.raises(Refused, match="legal hold"):
            perform(CRQ_FLOW, "purge", over.crq, by=None, files=[])

        perform(WEEK, "unkeep", stage.week, by=stage.cast.administrator, reason="The case is closed.")
        assert "Deleted: 3 files" in run(capsys, "--delete")


def test_only_an_administrator_decides_about_a_hold(client: Client, stage: Stage) -> None:
    with pytest.raises(Refused, match="Only an administrator can do this"):
        perform(WEEK, "keep", stage.week, by=stage.cast.scrum_master, reason="Why not.")
    url = f"/weeks/{stage.week.thursday}/schedule/"
    client.force_login(stage.cast.scrum_master)
    assert "Legal hold" not in client.get(url).content.decode()

    client.force_login(stage.cast.administrator)
    assert "Put on legal hold" in client.get(url).content.decode()
    client.post(f"/act/week/{stage.week.pk}/keep/", {"reason": "Case 12-34."})
    page = client.get(url).content.decode()

    assert "End the legal hold" in page
    assert Event.objects.get(action="keep").reason == "Case 12-34."


def test_nobody_purges_by_a_button(client: Client, over: Deployment, stage: Stage, later: datetime) -> None:
    client.force_login(stage.cast.administrator)
    with clock.frozen(later):
        client.post(f"/act/crq/{over.crq.pk}/purge/")

    assert not over.crq.documents.exclude(purged_at=None).exists()


# --- Ended in the middle -------------------------------------------------------------------------------------
def test_a_file_that_was_left_is_an_orphan(
    over: Deployment, later: datetime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "discard", lambda name: None)  # as if it had ended before
    with clock.frozen(later):
        purge.purge(clock.now)
        call_command("verify_documents", "--delete-orphans")

    assert capsys.readouterr().out.count("Deleted: documents/") == 3


def test_rows_go_together_or_not_at_all(over: Deployment, later: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(events: Any) -> None:
        raise DatabaseError("gone")

    letters = Letter.objects.count()
    with clock.frozen(later), monkeypatch.context() as patched:
        patched.setattr(purge, "_files", lambda now: iter(()))
        patched.setattr(audit, "record", fail)
        with pytest.raises(DatabaseError):
            purge.purge(clock.now)

    assert Letter.objects.count() == letters
