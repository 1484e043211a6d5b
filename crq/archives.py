"""What a ZIP or office file says that it holds. Only its list of contents is read; nothing is ever unpacked here."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import PurePosixPath
from typing import Any

from django.core.files.uploadedfile import UploadedFile

MOST_ENTRIES = 2000
MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 100
SMALL = 1024 * 1024  # below this an entry may be as dense as it likes: empty tables are
LONGEST_LIST = 1024 * 1024  # of the archive's directory, in bytes
END, END_SIZE, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
FOLDERS = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}
MACROS = "vbaproject.bin"


def problem(upload: UploadedFile[Any], ending: str) -> str:
    """Why an archive is refused, in a sentence, or nothing. The file is left at its beginning."""
    try:
        entries = _entries(upload)
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError):
        return "This file is damaged: its list of contents cannot be read."
    finally:
        upload.seek(0)
    if entries is None or len(entries) > MOST_ENTRIES:
        return f"This file holds more than {MOST_ENTRIES:,} files. Attach a smaller one."
    if _is_bomb(entries):
        return "This file would unpack to far more than its size, so it is refused."
    if any(_leaves_its_folder(entry) for entry in entries):
        return "This file holds links or paths that lead outside of it, so it is refused."
    return _not_office(entries, ending) if ending in FOLDERS else ""


def _entries(upload: UploadedFile[Any]) -> list[zipfile.ZipInfo] | None:
    """None when the list itself is too long to be read."""
    upload.seek(max(0, (upload.size or 0) - END_SIZE - LONGEST_COMMENT))
    tail = upload.read()
    at = tail.rfind(END)
    if at < 0:
        raise zipfile.BadZipFile
    count, size = struct.unpack("<HL", tail[at + 10 : at + 16])
    if count > MOST_ENTRIES or size > LONGEST_LIST:
        return None
    upload.seek(0)
    with zipfile.ZipFile(upload) as archive:
        return archive.infolist()


def _is_bomb(entries: list[zipfile.ZipInfo]) -> bool:
    if sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        return True
    return any(entry.file_size > max(SMALL, MOST_RATIO * entry.compress_size) for entry in entries)


def _leaves_its_folder(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in entry.filename or stat.S_ISLNK(entry.external_attr >> 16)


def _not_office(entries: list[zipfile.ZipInfo], ending: str) -> str:
    names = [entry.filename for entry in entries]
    if any(name.lower().endswith(MACROS) for name in names):
        return "This file holds macros. Save it without them, then attach it."
    if "[Content_Types].xml" not in names or not any(name.startswith(FOLDERS[ending]) for name in names):
        return f"The content of this file is not what its name says ({ending})."
    return ""
