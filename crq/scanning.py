"""Asking a virus scanner (clamd) about an upload, where one is configured. Without its answer nothing is let in."""

from __future__ import annotations

import logging
import socket
import struct
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

logger = logging.getLogger(__name__)

SILENCE = 20.0  # seconds until the scanner counts as gone
LONGEST_ANSWER = 4096
UNREACHABLE = "The virus scanner does not answer, so nothing can be attached now. Try again in some minutes."


def problem(upload: UploadedFile[Any]) -> str:
    """Why the scanner wants the file refused, or nothing. The file is left at its beginning."""
    if not settings.CLAMD_URL:
        return ""
    try:
        answer = _ask(upload)
    except OSError as error:
        logger.error("The virus scanner at %s does not answer: %s", settings.CLAMD_URL, error)
        return UNREACHABLE
    finally:
        upload.seek(0)
    if answer.endswith("FOUND"):
        logger.warning("An upload was refused: %s", answer)
        return "The virus scanner refuses this file."
    if not answer.endswith("OK"):
        logger.error("The virus scanner could not look at an upload: %s", answer)
        return UNREACHABLE
    return ""


def _ask(upload: UploadedFile[Any]) -> str:
    """clamd's INSTREAM: portions, each after its length in four bytes; an empty one ends it; one line comes back."""
    upload.seek(0)
    with closing(_connect()) as scanner:
        scanner.sendall(b"zINSTREAM\0")
        for chunk in upload.chunks():
            scanner.sendall(struct.pack("!L", len(chunk)) + chunk)
        scanner.sendall(struct.pack("!L", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER and (more := scanner.recv(1024)):
            answer += more
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


def _connect() -> socket.socket:
    url = urlsplit(settings.CLAMD_URL)
    if url.scheme == "unix":
        scanner = socket.socket(socket.AF_UNIX)
        scanner.settimeout(SILENCE)
        scanner.connect(url.path)
        return scanner
    return socket.create_connection((url.hostname, url.port or 3310), timeout=SILENCE)
