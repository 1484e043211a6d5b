"""A program that does its work when told: several are made ready, then let go in the same instant."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from tests.support import database


def environment_of_test(**more: str) -> dict[str, str]:
    """In which a process of the application works on this test's database."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "releaseflow.settings",
        "DATABASE_URL": database.url_of(settings.DATABASES["default"]["NAME"]),
        "VAR_DIR": str(Path(settings.MEDIA_ROOT).parent),
        "LOG_LEVEL": "WARNING",
        **more,
    }


@contextmanager
def waiting(script: Path, environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The script has said "ready" and waits for a line; it ends with the block."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    command = [sys.executable, str(script), *arguments]
    process = subprocess.Popen(command, env=environment, text=True, **pipes)  # type: ignore[call-overload]
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def go(*processes: subprocess.Popen[str]) -> list[str]:
    """Lets them work at once; what each wrote until it ended, or was killed."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    written = [process.stdout.read().strip() for process in processes if process.stdout]
    for process in processes:
        process.wait(60)
    return written
