"""The environment: documented without gaps, and wrong values stop the start with a sentence."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READERS = {"_one_of", "_whole", "_switch", "_text", "_list", "str", "list", "int", "bool", "db_url", "email_url"}


def read_in_settings() -> set[str]:
    tree = ast.parse((ROOT / "releaseflow" / "settings.py").read_text())
    return set(_names(tree))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0].value
            if called in READERS and isinstance(name, str) and re.fullmatch("[A-Z_]{2,}", name):
                yield name


def documented() -> list[str]:
    return re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)


def start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `manage.py check` answers in this environment and nothing else."""
    clean = {"PATH": os.environ["PATH"], "VAR_DIR": str(folder)}
    command = [sys.executable, str(ROOT / "manage.py"), "check"]
    return subprocess.run(
        command, env={**clean, **environment}, cwd=folder, capture_output=True, text=True, check=False
    )


def test_every_variable_is_documented_once() -> None:
    assert len(documented()) == len(set(documented()))
    assert set(documented()) == read_in_settings()


def test_the_test_can_see_the_variables() -> None:
    assert {"SECRET_KEY", "DEMO", "ENFORCE_EVERY", "DATABASE_URL", "EMAIL_URL", "ALLOWED_HOSTS"} <= read_in_settings()


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, "SECRET_KEY"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"DEMO": "maybe"}, "DEMO"),
        ({"DEMO": "1", "DEBUG": "2"}, "DEBUG"),
        ({"DEMO": "1", "SITE_URL": "https://releaseflow.example.com"}, "DEMO"),
        ({"DEMO": "1", "SITE_URL": "releaseflow.example.com"}, "SITE_URL"),
        ({"DEMO": "1", "REDIS_URL": "localhost:6379"}, "REDIS_URL"),
        ({"DEMO": "1", "DATABASE_URL": "mysql://root@localhost/releaseflow"}, "DATABASE_URL"),
        ({"DEMO": "1", "DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DEMO": "1", "DATABASE_URL": "postgres://me@localhost:port/releaseflow"}, "DATABASE_URL"),
        ({"DEMO": "1", "ENFORCE_EVERY": "abc"}, "ENFORCE_EVERY"),
        ({"DEMO": "1", "DELIVER_EVERY": "0"}, "DELIVER_EVERY"),
        ({"DEMO": "1", "RETENTION_YEARS": "seven"}, "RETENTION_YEARS"),
        ({"DEMO": "1", "RETENTION_YEARS": "0"}, "RETENTION_YEARS"),
        ({"DEMO": "1", "DELIVER_EVERY": "61"}, "DELIVER_EVERY"),
        ({"DEMO": "1", "EMAIL_TIMEOUT": "-1"}, "EMAIL_TIMEOUT"),
        ({"DEMO": "1", "EMAIL_TIMEOUT": "31"}, "EMAIL_TIMEOUT"),
        ({"DEMO": "1", "EMAIL_URL": "pigeon://coop"}, "EMAIL_URL"),
        ({"DEMO": "1", "CLAMD_URL": "localhost:3310"}, "CLAMD_URL"),
        ({"DEMO": "1", "DOCUMENTS_URL": "https://bucket.example.com"}, "DOCUMENTS_URL"),
        ({"DEMO": "1", "LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
        ({"DEMO": "1", "LOG_FORMAT": "xml"}, "LOG_FORMAT"),
        ({"DEMO": "1", "REQUIRE_MFA": "some"}, "REQUIRE_MFA"),
        ({"DEMO": "1", "SESSION_HOURS": "0"}, "SESSION_HOURS"),
        ({"DEMO": "1", "OIDC_SERVER_URL": "https://id.example.com"}, "OIDC_CLIENT_ID"),
        ({"DEMO": "1", "SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY"),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) or "nothing" if isinstance(value, dict) else value,
)
def test_a_bad_value_stops_the_start_with_a_sentence(
    tmp_path: Path, environment: dict[str, str], variable: str
) -> None:
    answer = start(tmp_path, **environment)

    last_line = answer.stderr.strip().splitlines()[-1]
    assert answer.returncode != 0
    assert "Traceback" not in answer.stderr
    assert variable in last_line
    assert last_line.endswith(".")


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    answer = start(tmp_path, DEMO="1")

    assert (answer.returncode, answer.stderr) == (0, "")
