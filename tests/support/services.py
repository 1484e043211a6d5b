"""What a test may need from the machine, and what happens when the machine lacks it."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str, folders: Iterable[Path] = ()) -> str | None:
    """The path of a program on PATH or in one of `folders`."""
    return shutil.which(name) or next((str(f / name) for f in folders if os.access(f / name, os.X_OK)), None)


def are_required() -> bool:
    return os.environ.get("REQUIRE_SERVICES", "0") not in {"", "0"}


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test, or fail it where every service is promised to be there (REQUIRE_SERVICES=1)."""
    reason = f"{what} is not installed ({remedy})."
    if are_required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
