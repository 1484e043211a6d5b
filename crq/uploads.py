"""What may be attached, and under which name. Refusals are sentences for the person who uploads."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

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
LONGEST_NAME = 150
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
    return path.name[: LONGEST_NAME - len(ending)].removesuffix(ending) + ending


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
    head = upload.read(1024)
    upload.seek(0)
    if not _looks_right(ending, head):
        raise forms.ValidationError(f"The content of this file is not what its name says ({ending}).")


def _looks_right(ending: str, head: bytes) -> bool:
    """Known beginnings for binary kinds; text kinds contain no binary and do not begin like a web page."""
    signatures = SIGNATURES[ending]
    if signatures:
        return head.startswith(signatures)
    return b"\x00" not in head and not head.lstrip().lower().startswith(
        (b"<!doctype html", b"<html", b"<script", b"<svg")
    )
