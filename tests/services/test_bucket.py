"""Documents in an S3-compatible bucket instead of on disk: a real server of that protocol on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from moto.server import ThreadedMotoServer

from crq import keeping
from crq.models import CRQ
from releaseflow import environment
from tests.stages import PDF, Stage
from tests.support.ports import free_port
from workflow.steps import Refused

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # boto keeps its connections for the next call
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    moto.start()
    yield f"http://127.0.0.1:{moto._port}"
    moto.stop()


@pytest.fixture
def bucket(server: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    boto3.client("s3", endpoint_url=server, region_name="us-east-1").create_bucket(Bucket="papers")
    monkeypatch.setenv("DOCUMENTS_URL", f"s3://papers/prod?endpoint={server}&region=us-east-1")
    entry = environment.bucket("DOCUMENTS_URL")
    settings.STORAGES = settings.STORAGES | {"default": entry}
    yield "papers"
    s3 = boto3.resource("s3", endpoint_url=server, region_name="us-east-1").Bucket("papers")
    s3.objects.all().delete()
    s3.delete()


@pytest.fixture
def crq(stage: Stage) -> CRQ:
    return stage.with_crq().crq


def test_a_document_goes_in_and_comes_back(bucket: str, client: Client, stage: Stage, crq: CRQ) -> None:
    client.force_login(stage.cast.developer)
    sent = client.post(f"{crq.get_absolute_url()}attach/tests/", {"file": SimpleUploadedFile("plan.pdf", PDF)})
    document = crq.documents.get()

    response: Any = client.get(document.get_absolute_url())

    assert sent.status_code == 302
    assert b"".join(response.streaming_content) == PDF
    assert default_storage.listdir("documents")[1] == [str(document.file.name).removeprefix("documents/")]
    assert list(keeping.damaged()) == []


def test_a_lost_or_changed_object_is_found(bucket: str, stage: Stage, crq: CRQ) -> None:
    stage.attach(crq, "tests")
    document = crq.documents.get()

    default_storage.delete(str(document.file.name))
    assert [what for _, what in keeping.damaged()] == ["missing"]
    default_storage.save(str(document.file.name), SimpleUploadedFile("x", b"other"))
    assert [what for _, what in keeping.damaged()] == ["changed"]


def test_an_object_without_a_record_is_found(bucket: str, crq: CRQ) -> None:
    default_storage.save("documents/left", SimpleUploadedFile("x", b"x"))

    assert list(keeping.orphans(datetime.now(UTC))) == []  # noqa: TID251 (the bucket has a clock of its own)
    assert list(keeping.orphans(datetime.now(UTC) + timedelta(days=2))) == ["documents/left"]  # noqa: TID251


def test_a_bucket_out_of_reach_gives_a_sentence(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, crq: CRQ
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("DOCUMENTS_URL", "s3://papers?endpoint=http://127.0.0.1:1&region=us-east-1")
    entry = environment.bucket("DOCUMENTS_URL")
    settings.STORAGES = settings.STORAGES | {"default": entry}

    with pytest.raises(Refused, match="could not be stored"):
        keeping.keep(SimpleUploadedFile("x.pdf", PDF))
