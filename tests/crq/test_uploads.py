"""Uploads are inert: only known kinds come in, under harmless names, and they leave as downloads that do nothing."""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
import struct
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from crq import archives, keeping, scanning, uploads
from crq.flow import CRQ_FLOW
from crq.models import CRQ
from tests.stages import PDF, Stage
from workflow.models import Event
from workflow.steps import Refused

TYPES = "[Content_Types].xml"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def zipped(*names: str, content: bytes = b"x") -> bytes:
    """The same bytes at any time of day: they name tests, and parallel runs must agree on names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def refused(name: str, content: bytes) -> str:
    """The sentence that an upload is refused with, or nothing."""
    upload = SimpleUploadedFile("x", content)
    vars(upload)["_name"] = name  # as if it came from a client that keeps to no rule
    try:
        uploads.check(upload)
    except ValidationError as error:
        return str(error.messages[0])
    assert upload.tell() == 0
    return ""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plan.pdf", PDF),
        ("PLAN.PDF", PDF),
        ("notes.docx", zipped(TYPES, "word/document.xml")),
        ("cases.xlsx", zipped(TYPES, "xl/workbook.xml")),
        ("talk.pptx", zipped(TYPES, "ppt/presentation.xml")),
        ("logs.zip", zipped("a.log", "folder/b.log")),
        ("screen.png", PNG),
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(40)),
        ("photo.jpeg", b"\xff\xd8\xff\xe0" + bytes(40)),
        ("results.txt", "Zoë passed".encode()),
        ("results.csv", b"No,Case\r\n1,Sign in\r\n"),
        ("results.md", b"# Results"),
        ("run.log", b"10:00 started"),
    ],
)
def test_what_may_be_attached(name: str, content: bytes) -> None:
    assert refused(name, content) == ""


HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    "name", ["x.html", "x.svg", "x.exe", "x.js", "x.hta", "x.lnk", "x.docm", "x.pdf.exe", "x", ".pdf"]
)
def test_other_kinds_are_refused(name: str) -> None:
    assert "Files of this kind cannot be attached" in refused(name, PDF)


@pytest.mark.parametrize("ending", ["pdf", "png", "jpg", "docx", "txt", "csv", "md", "log", "zip"])
@pytest.mark.parametrize(
    "content", [HTML, SVG, b"MZ\x90\x00\x03", b"L\x00\x00\x00\x01\x14\x02", b"\xef\xbb\xbf \n" + HTML]
)
def test_a_web_page_or_program_under_another_name_is_refused(ending: str, content: bytes) -> None:
    assert f"not what its name says ({ending})" in refused(f"x.{ending}", content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("both.pdf", b"%PDF-1.4\n" + HTML),
        ("both.pdf", b"%PDF-1.4\n" + zipped("a.js")),
        ("both.png", PNG + zipped("a.js")),
        ("both.jpg", b"\xff\xd8\xff" + SVG),
        ("both.txt", b"plain\n" + zipped("a.js")),
        ("late.txt", b"a" * 100_000 + b"\x00"),
    ],
)
def test_a_file_of_two_kinds_is_refused(name: str, content: bytes) -> None:
    assert "not what its name says" in refused(name, content)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.docx", zipped("a.txt"), "not what its name says (docx)"),
        ("a.docx", zipped(TYPES, "xl/workbook.xml"), "not what its name says (docx)"),
        ("a.docx", zipped(TYPES, "word/document.xml", "word/vbaProject.bin"), "holds macros"),
        ("a.zip", zipped("../evil"), "lead outside"),
        ("a.zip", zipped("a/../../evil"), "lead outside"),
        ("a.zip", zipped("/etc/passwd"), "lead outside"),
        ("a.zip", zipped("..\\evil"), "lead outside"),
        ("a.zip", zipped("C:\\evil"), "lead outside"),
        ("a.zip", zipped("zeros", content=bytes(3 * archives.SMALL)), "far more than its size"),
        ("a.zip", zipped(*map(str, range(archives.MOST_ENTRIES + 1))), "more than 2,000 files"),
        ("a.zip", zipped("a")[:-30], "damaged"),
        ("a.zip", b"PK\x03\x04" + bytes(100), "damaged"),
    ],
)
def test_dangerous_archives_are_refused(name: str, content: bytes, sentence: str) -> None:
    assert sentence in refused(name, content)


def test_a_link_in_an_archive_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "lead outside" in refused("a.zip", file.getvalue())


def test_a_bomb_is_refused_by_its_list_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten entries that say a gigabyte each: nothing is unpacked to find out."""
    content = zipped(*"abcdefghij", content=b"x" * 100)
    size = struct.pack("<L", 100)
    at = content.index(b"PK\x01\x02")
    content = content[:at] + content[at:].replace(size, struct.pack("<L", 1 << 30))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    monkeypatch.setattr(zipfile.ZipFile, "read", None)

    assert "far more than its size" in refused("a.xlsx", content)


def test_an_endless_list_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The count in a file's end may lie; the length of the list is what a reader would follow."""
    content = bytearray(zipped("a" * 200))
    at = content.rindex(archives.END)
    content[at + 12 : at + 16] = struct.pack("<L", archives.LONGEST_LIST + 1)
    monkeypatch.setattr(zipfile, "ZipFile", None)

    assert "more than 2,000 files" in refused("a.zip", bytes(content))


def test_size_is_limited_to_the_byte(settings: LazySettings) -> None:
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024

    assert refused("a.txt", b"a" * 1024 * 1024) == ""
    assert "The limit is 1 MB" in refused("a.txt", b"a" * (1024 * 1024 + 1))
    assert refused("a.txt", b"") == "This file is empty."


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\evil.txt", "evil.txt"),
        ("C:\\Users\\me\\plan.pdf", "plan.pdf"),
        ("plan\u202efdp.exe.pdf", "planfdp.exe.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("a\x00b.pdf", "ab.pdf"),
        ("NUL.pdf", "_NUL.pdf"),
        ("com1.txt", "_com1.txt"),
        ("  plan.pdf. ", "plan.pdf"),
        ("Zoe\u0308.pdf", "Zoë.pdf"),
        ("...", "document"),
        ("", "document"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
        ("/", "document"),
    ],
)
def test_names_become_harmless(given: str, kept: str) -> None:
    assert uploads.safe_name(given) == kept


# --- In and out again ----------------------------------------------------------------------------------------
@pytest.fixture
def crq(stage: Stage) -> CRQ:
    return stage.with_crq().crq


def attach(client: Client, crq: CRQ, name: str = "plan.pdf", content: bytes = PDF) -> Any:
    url = f"{crq.get_absolute_url()}attach/tests/"
    return client.post(url, {"file": SimpleUploadedFile(name, content, "text/html")})


@pytest.fixture
def developer(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.developer)
    return client


def stored() -> list[str]:
    try:
        return default_storage.listdir("documents")[1]
    except FileNotFoundError:
        return []


def test_a_download_can_do_nothing(developer: Client, crq: CRQ) -> None:
    attach(developer, crq, 'Zoë "final"; x.pdf')
    document = crq.documents.get()

    response: Any = developer.get(document.get_absolute_url())

    assert b"".join(response.streaming_content) == PDF
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment; filename")
    assert "filename*=utf-8''Zo%C3%AB" in response["Content-Disposition"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_nothing_of_the_name_reaches_the_storage(developer: Client, crq: CRQ) -> None:
    attach(developer, crq, "../../evil.pdf")
    document = crq.documents.get()

    assert document.name == "evil.pdf"
    assert stored() == [str(document.file.name).removeprefix("documents/")]
    assert len(stored()[0]) == 32


def test_a_changed_file_is_not_given_out(developer: Client, crq: CRQ) -> None:
    attach(developer, crq)
    document = crq.documents.get()
    Path(document.file.path).write_bytes(PDF + b"!")

    response = developer.get(document.get_absolute_url(), follow=True)

    assert "is not the one that was attached" in response.content.decode()
    assert not response.streaming


def test_a_missing_file_is_said(developer: Client, crq: CRQ) -> None:
    attach(developer, crq)
    document = crq.documents.get()
    Path(document.file.path).unlink()

    assert "cannot be read now" in developer.get(document.get_absolute_url(), follow=True).content.decode()


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_gives_a_sentence_and_no_half_record(
    developer: Client, crq: CRQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileSystemStorage, "_save", full)
    before = Event.objects.count()

    response = attach(developer, crq)

    assert response.status_code == 422
    assert "could not be stored" in response.content.decode()
    assert not crq.documents.exists()
    assert Event.objects.count() == before


def test_what_was_stored_goes_when_its_record_does(
    developer: Client, crq: CRQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(call: Any) -> None:
        assert len(stored()) == 1
        raise Refused.because("Something after it failed.")

    monkeypatch.setitem(CRQ_FLOW.consequences, "attach_tests", fails)

    assert "Something after it failed." in attach(developer, crq).content.decode()
    assert stored() == []
    assert not crq.documents.exists()


def test_a_success_keeps_its_file(developer: Client, crq: CRQ) -> None:
    assert attach(developer, crq).status_code == 302
    assert len(stored()) == 1


def test_orphans_are_found_after_a_day_and_removed_on_demand(developer: Client, crq: CRQ) -> None:
    attach(developer, crq)
    folder = Path(default_storage.path("documents"))
    old, new = folder / ("0" * 32), folder / ("1" * 32)
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    now = datetime.fromtimestamp(new.stat().st_mtime, UTC)
    long_ago = (now - timedelta(days=2)).timestamp()
    for path in folder.iterdir():
        if path != new:
            os.utime(path, (long_ago, long_ago))

    assert list(keeping.orphans(now)) == [f"documents/{old.name}"]


def test_the_command_reports_both_sorts(developer: Client, crq: CRQ, capsys: pytest.CaptureFixture[str]) -> None:
    attach(developer, crq)
    call_command("verify_documents")
    assert capsys.readouterr().out == "Every document is as it was attached.\n"

    Path(crq.documents.get().file.path).write_bytes(b"x")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_documents")
    assert ended.value.code == 1
    assert f"{crq.number}: the file of plan.pdf" in capsys.readouterr().err


# --- The virus scanner ---------------------------------------------------------------------------------------
class Clamd(threading.Thread):
    """Answers one INSTREAM as clamd does, and keeps what it was given."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.answer, self.got = answer, b""
        self.url = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        scanned, _ = self.server.accept()
        with scanned, scanned.makefile("rb") as given:
            assert given.read(10) == b"zINSTREAM\0"
            while length := struct.unpack("!L", given.read(4))[0]:
                self.got += given.read(length)
            scanned.sendall(self.answer)


@pytest.fixture
def clamd(settings: LazySettings, request: pytest.FixtureRequest) -> Iterator[Clamd]:
    scanner = Clamd(request.param)
    settings.CLAMD_URL = scanner.url
    yield scanner
    scanner.join(5)
    scanner.server.close()


@pytest.mark.parametrize(
    ("clamd", "said"),
    [
        (b"stream: OK\0", ""),
        (b"stream: Eicar-Signature FOUND\0", "The virus scanner refuses this file."),
        (b"INSTREAM size limit exceeded. ERROR\0", scanning.UNREACHABLE),
        (b"", scanning.UNREACHABLE),
    ],
    indirect=["clamd"],
)
def test_the_scanner_is_asked_about_the_whole_file(clamd: Clamd, said: str) -> None:
    content = PDF + b"x" * 200_000

    assert refused("a.pdf", content) == said
    assert clamd.got == content


def test_without_the_scanners_answer_nothing_is_let_in(settings: LazySettings) -> None:
    settings.CLAMD_URL = "tcp://127.0.0.1:1"

    assert refused("a.pdf", PDF) == scanning.UNREACHABLE
