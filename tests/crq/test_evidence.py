"""An evidence pack proves itself: unpacked anywhere, its own program finds whatever was changed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from crq.evidence_pack import crq_pack
from crq.evidence_verify import _sha256
from crq.models import Document
from crq.readiness import with_facts
from deployments.models import Deployment
from releaseflow.tick import tick
from tests.stages import Stage, moment
from tests.support.database import unprotected
from workflow import clock
from workflow.models import Event


@pytest.fixture
def installed(stage: Stage) -> Deployment:
    """Installed on Thursday, after its deadlines and the week's seal."""
    deployment = stage.installed()
    with clock.frozen(moment(stage.week, "install", minutes=30)):
        tick(clock.now())
    return deployment


def download(client: Client, url: str, folder: Path) -> Path:
    response: Any = client.get(url)
    assert response.status_code == 200
    content = b"".join(response.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


@pytest.fixture
def pack(installed: Deployment, client: Client, stage: Stage, tmp_path: Path) -> Path:
    client.force_login(stage.cast.outsider)  # whoever is signed in may read a CRQ
    return download(client, f"{installed.crq.get_absolute_url()}evidence/", tmp_path / "pack")


def verify(pack: Path) -> tuple[int, str]:
    """As an auditor does it: no Django, no settings, no network needed."""
    command = [sys.executable, "-S", "-B", str(pack / "verify.py")]  # -S: not even what is installed here
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", env={})
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_untouched_pack_is_whole(pack: Path, installed: Deployment) -> None:
    code, said = verify(pack)

    assert code == 0, said
    seal = Event.objects.get(action="seal")
    assert f"audit:0 1 {seal.hash}" in said
    assert "Every file, document and chain in this pack is whole." in said


def test_it_holds_what_an_auditor_asks_for(pack: Path, installed: Deployment, stage: Stage) -> None:
    record = json.loads((pack / "evidence.json").read_text())

    assert record["crq"]["number"] == installed.crq.number
    assert record["pull_requests"][0]["head_sha"] == installed.pull_requests.get().head_sha
    assert record["pull_requests"][0]["reviews"][0]["reviewer"] == stage.cast.reviewer.name
    assert [each["verdict"] for each in record["decisions"]] == ["approved"]
    assert [each["deadline"] for each in record["snapshots"]] == ["cutoff", "approval"]
    assert [each["action"] for each in record["install_log"]] == ["start", "finish"]
    assert {each["kind"] for each in record["emails"]} >= {"approval_needed"}
    assert record["emails"][0]["recipients"][0]["message_id"]
    assert sorted(path.suffix for path in (pack / "emails").iterdir())[:1] == [".html"]
    events = [json.loads(line) for line in (pack / "audit.jsonl").read_text().splitlines()]
    assert {event["shard"] for event in events} > {f"deployment:{installed.pk}"}
    for document in record["documents"]:
        assert (pack / document["file"]).read_bytes() == Path(
            Document.objects.get(pk=document["id"]).file.path
        ).read_bytes()
    page = (pack / "index.html").read_text()
    assert record["pull_requests"][0]["head_sha"] in page
    assert "<script" not in page


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def relisted(pack: Path) -> None:
    """The manifest made true again, as a careful forger would."""
    manifest = json.loads((pack / "manifest.json").read_text())
    manifest["files"] = {name: _sha256(pack / name) for name in manifest["files"] if (pack / name).exists()}
    (pack / "manifest.json").write_text(json.dumps(manifest))


def without_line(number: int) -> Callable[[str], str]:
    return lambda text: "".join(line for at, line in enumerate(text.splitlines(True)) if at != number)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("audit.jsonl", lambda text: text.replace('"approve"', '"return"'), "its hash does not fit"),
        ("audit.jsonl", without_line(3), "is missing"),
        ("seals.jsonl", lambda text: text.replace('"heads"', '"heads": {}, "tails"'), "is not what was recorded"),
    ],
)
def test_a_forged_trail_is_found_although_the_manifest_fits(
    pack: Path, name: str, change: Callable[[str], str], said: str
) -> None:
    rewrite(pack / name, change)
    assert f"{name} is not what it was" in verify(pack)[1]

    relisted(pack)
    code, found = verify(pack)
    assert code == 1
    assert said in found


def test_an_exchanged_document_is_found_although_manifest_and_record_fit(pack: Path) -> None:
    document = next((pack / "documents").iterdir())
    before = json.loads((pack / "manifest.json").read_text())["files"][f"documents/{document.name}"]
    document.write_bytes(b"%PDF-1.4 forged")
    relisted(pack)
    after = json.loads((pack / "manifest.json").read_text())["files"][f"documents/{document.name}"]
    rewrite(pack / "evidence.json", lambda text: text.replace(before, after))
    relisted(pack)

    code, found = verify(pack)
    assert code == 1
    assert "is not the document that the audit trail says was attached" in found


def test_missing_and_added_files_are_found(pack: Path) -> None:
    (pack / "index.html").unlink()
    (pack / "extra.txt").write_text("x")

    code, found = verify(pack)
    assert code == 1
    assert "index.html is missing." in found
    assert "extra.txt does not belong to the pack." in found


def test_tampering_in_the_database_shows_in_the_pack(
    installed: Deployment, client: Client, stage: Stage, tmp_path: Path
) -> None:
    with transaction.atomic(), unprotected("workflow_event"):
        Event.objects.filter(deployment_id=installed.pk, action="approve").update(reason="x")
    client.force_login(stage.cast.director)

    code, found = verify(download(client, f"{installed.crq.get_absolute_url()}evidence/", tmp_path / "pack"))

    assert code == 1
    assert "its hash does not fit" in found


def test_a_lost_document_shows_in_the_pack(installed: Deployment, client: Client, stage: Stage, tmp_path: Path) -> None:
    Path(Document.objects.order_by("pk")[0].file.path).unlink()
    client.force_login(stage.cast.director)

    code, found = verify(download(client, f"{installed.crq.get_absolute_url()}evidence/", tmp_path / "pack"))

    assert code == 1
    assert "is not the document of its record" in found


def test_the_pack_of_a_week_holds_each_deployment(
    installed: Deployment, client: Client, stage: Stage, tmp_path: Path
) -> None:
    with clock.frozen(moment(stage.week, "install", minutes=31)):
        client.force_login(stage.cast.director)
        pack = download(client, f"/weeks/{stage.week.thursday}/evidence/", tmp_path / "pack")

    code, said = verify(pack)
    assert code == 0, said
    assert (pack / "deployments" / str(installed.pk) / "evidence.json").exists()
    record = json.loads((pack / "week.json").read_text())
    assert record["week"]["batch_completed_by"] == stage.cast.devops.name
    actions = {json.loads(line)["action"] for line in (pack / "audit.jsonl").read_text().splitlines()}
    assert {"enforce", "complete_batch"} <= actions


def test_a_deployment_without_a_crq_is_in_its_week(client: Client, stage: Stage, tmp_path: Path) -> None:
    deployment = stage.planned()
    client.force_login(stage.cast.director)

    pack = download(client, f"/weeks/{stage.week.thursday}/evidence/", tmp_path / "pack")

    assert verify(pack)[0] == 0
    record = json.loads((pack / "deployments" / str(deployment.pk) / "evidence.json").read_text())
    assert (record["crq"], record["documents"]) == (None, [])


def test_hostile_words_stay_words(client: Client, stage: Stage, tmp_path: Path) -> None:
    deployment = stage.plan(title="<script>alert(1)</script>")
    stage.join(deployment, stage.submit(title="<img src=x onerror=alert(1)>"))
    crq = stage.open_crq(deployment)
    client.force_login(stage.cast.director)

    page = (download(client, f"{crq.get_absolute_url()}evidence/", tmp_path / "pack") / "index.html").read_text()

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_it_is_sent_in_portions(installed: Deployment, stage: Stage) -> None:
    [deployment] = with_facts([installed.pk])

    portions = [len(each) for each in crq_pack(deployment, made_by="Ada Quist", now=clock.now())]

    assert len(portions) > 10
    assert max(portions) < 20_000


@pytest.mark.parametrize("url", ["/crqs/CRQ000000000001/evidence/", "/weeks/2031-01-02/evidence/"])
def test_unknown_things_have_no_evidence(client: Client, stage: Stage, url: str) -> None:
    client.force_login(stage.cast.director)
    assert client.get(url).status_code == 404


def test_strangers_get_nothing(client: Client, installed: Deployment) -> None:
    response: Any = client.get(f"{installed.crq.get_absolute_url()}evidence/")
    assert response.status_code == 302
    assert response.url.startswith("/sign-in/")


def test_pages_lead_to_it(client: Client, stage: Stage, installed: Deployment) -> None:
    client.force_login(stage.cast.director)

    assert (
        f'{installed.crq.get_absolute_url()}evidence/"' in client.get(installed.crq.get_absolute_url()).content.decode()
    )
    week = f"/weeks/{stage.week.thursday}/"
    assert f'{week}evidence/"' in client.get(f"{week}snapshots/").content.decode()
