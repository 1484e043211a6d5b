"""Documents for the demonstration: small, but each opens in its usual program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile

from crq.models import Document

Kind = Document.Kind
NAMES = {
    Kind.JUSTIFICATION: "Business justification.pdf",
    Kind.TESTS: "Test results, {application}.csv",
    Kind.PLAN: "Install and backout plan.pdf",
}
WRITTEN_AS = {"pdf": "application/pdf", "csv": "text/csv"}


@dataclass(frozen=True)
class About:
    title: str
    application: str
    crq: str
    version: int


def paper(kind: str, *, title: str, application: str, crq: str, version: int = 1) -> SimpleUploadedFile:
    """A document of this kind about that deployment, as if it had been uploaded."""
    name = NAMES[Kind(kind)].format(application=application.lower())
    about = About(title, application, crq, version)
    content = _tests(about) if kind == Kind.TESTS else pdf(_lines(kind, about))
    return SimpleUploadedFile(name, content, WRITTEN_AS[name.rpartition(".")[2]])


def _lines(kind: str, about: About) -> list[str]:
    application = about.application
    head = [about.title, f"{application} - {about.crq} - version {about.version}", ""]
    if kind == Kind.PLAN:
        return [
            *head,
            "Install",
            f"1. Check that the batch is complete and that {application} is healthy.",
            "2. Deploy the release build to one node and watch it for five minutes.",
            "3. Deploy to the remaining nodes, one at a time.",
            "4. Ask the owning team to verify.",
            "",
            "Backout",
            "1. Deploy the previous release build to all nodes. This takes about ten minutes.",
            "2. There is no change to stored data, so nothing has to be restored.",
        ]
    return [
        *head,
        "Why",
        f"Customers and colleagues have asked for this change to {application}.",
        "It lowers the number of calls to the service desk and of corrections by hand.",
        "",
        "What happens without it",
        "The present behaviour stays; the work-around is known, but costs time every day.",
    ]


def _tests(about: About) -> bytes:
    cases = (
        "Sign in and out",
        "Main path",
        "Wrong input is explained",
        "Old data still opens",
        "Under load",
        "Backout",
    )
    rows = [f"{number},{case},passed,{12 + 7 * number * about.version}" for number, case in enumerate(cases, 1)]
    what = f"{about.application},{about.crq},version {about.version},"
    head = [f"Test results,{about.title.replace(',', ';')},,", what, "No,Case,Result,Seconds"]
    return "\r\n".join([*head, *rows, ""]).encode()


def pdf(lines: Sequence[str]) -> bytes:
    """A PDF of one A4 page with these lines of text (ISO 32000-1, the smallest set of objects a reader needs)."""
    body = b"BT /F1 11 Tf 60 780 Td 16 TL " + b" ".join(b"(%s) '" % _escaped(line) for line in lines) + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R/Resources << /Font << /F1 5 0 R >> >>>>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(body), body),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    file, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(file))
    return file + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + trailer


def _escaped(line: str) -> bytes:
    plain = line.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
