"""What a web process loads before the first request: a cold start, and the memory of every worker, pay for it."""

from __future__ import annotations

import os
import subprocess
import sys

LATER = {"boto3", "celery", "holidays", "icalendar", "ninja", "prometheus_client", "pydantic"}
"""Packages that are loaded when a page first asks for them, or by beat alone."""


def test_large_packages_wait_until_they_are_asked_for() -> None:
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 50, "DATABASE_URL": "sqlite://:memory:"}

    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, releaseflow.wsgi; print(*sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert "releaseflow.urls" in loaded
    assert LATER.isdisjoint(loaded)
