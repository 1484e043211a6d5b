"""What may be attached, and under which name. Refusals are sentences for the person who uploads."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from crq import archives, scanning

ZIP = b"PK\x03\x04"
SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "docx": (ZIP,),
    "xlsx": (ZIP,),
    "pptx": (ZIP,),
    "zip": (ZIP,),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "txt": (),
    "csv": (),
    "md": (),
    "log": (),
}
ALLOWED = ", ".join(SIGNATURES)
PAGES = (b"<!doctype html", b"<html", b"<script", b"<svg", b"<?xml")
"""Beginnings of what a browser would take for a page."""
LONGEST_NAME = 150
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
"""Names that Windows keeps for itself: such a file could not be saved there."""
KIND_WORDS: dict[str, tuple[str, ...]] = {
    "plan": ("install", "backout", "back-out", "rollback", "runbook", "plan"),
    "tests": ("test", "result", "qa", "coverage", "junit", "report"),
    "justification": ("justification", "business", "case", "why", "reason"),
}
"""Words of file names, and the kind of document they speak for; the first kind that fits is taken."""


def megabytes() -> int:
    return int(settings.DOCUMENT_MAX_BYTES) // (1024 * 1024)


def hint() -> str:
    return f"{ALLOWED}; up to {megabytes()} MB a file."


def accepted() -> str:
    """For a file input's `accept`."""
    return ",".join(f".{ending}" for ending in (*SIGNATURES, "jpeg"))


def guess_kind(name: str) -> str:
    """The kind that a file's name speaks of, or nothing."""
    said = name.lower()
    return next((kind for kind, words in KIND_WORDS.items() if any(word in said for word in words)), "")


def safe_name(name: str) -> str:
    """The file's own name without folders, control and direction characters, at most 150 characters, ending kept."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    name = " ".join("".join(char for char in name if unicodedata.category(char)[0] != "C").split())
    path = PurePosixPath(name.strip(". ") or "document")
    ending = path.suffix[:10]
    stem = path.name.removesuffix(path.suffix)[: LONGEST_NAME - len(ending)]
    return f"{'_' if stem.lower() in DEVICES else ''}{stem}{ending}"


def check(upload: UploadedFile[Any]) -> None:
    """Raises ValidationError unless kind, content and size are allowed. Never trusts the browser's content type."""
    size = upload.size or 0
    if size == 0:
        raise forms.ValidationError("This file is empty.")
    if size > settings.DOCUMENT_MAX_BYTES:
        raise forms.ValidationError(f"This file is {size / 1048576:.1f} MB. The limit is {megabytes()} MB.")
    ending = PurePosixPath(safe_name(upload.name or "")).suffix.lstrip(".").lower().replace("jpeg", "jpg")
    if ending not in SIGNATURES:
        raise forms.ValidationError(f"Files of this kind cannot be attached. Allowed are {ALLOWED}.")
    if not _looks_right(ending, upload):
        raise forms.ValidationError(f"The content of this file is not what its name says ({ending}).")
    if ZIP in SIGNATURES[ending] and (sentence := archives.problem(upload, ending)):
        raise forms.ValidationError(sentence)
    if sentence := scanning.problem(upload):
        raise forms.ValidationError(sentence)


def _looks_right(ending: str, upload: UploadedFile[Any]) -> bool:
    """Known beginnings for binary kinds, none of another kind's marks, and no binary in text."""
    upload.seek(0)
    head = upload.read(1024)
    upload.seek(0)
    signatures = SIGNATURES[ending]
    if signatures and not head.startswith(signatures):
        return False
    if ZIP in signatures:
        return True
    if not signatures:
        return not _has_binary(upload) and not head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGES)
    return not any(mark in head.lower() for mark in PAGES) and not _is_archive(upload)


def _has_binary(upload: UploadedFile[Any]) -> bool:
    found = any(b"\x00" in chunk for chunk in upload.chunks())
    upload.seek(0)
    return found


def _is_archive(upload: UploadedFile[Any]) -> bool:
    """Whether a reader of ZIP files would open it: such readers look at the end of a file."""
    found = zipfile.is_zipfile(upload)
    upload.seek(0)
    return found
