"""The application under measurement: a database of its own, and settings as in production but for https."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support import postgres

KEY = "only-for-benchmarks-" + "x" * 40


def database(cluster: postgres.Cluster, name: str) -> str:
    cluster.ask(f'create database "{name}"')
    return cluster.url.rpartition("/")[0] + f"/{name}"


def environment(url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": KEY,
        "SITE_URL": "http://127.0.0.1",
        "LOG_LEVEL": "WARNING",
        "DEBUG": "0",
        "DEMO": "0",
        "REDIS_URL": "",
        "EMAIL_URL": "dummymail://",
    }


def run(module: str, environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{module} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
