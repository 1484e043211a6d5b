"""The environment: documented without gaps, and wrong values stop the start with a sentence."""

import ast
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from releaseflow import environment

ROOT = Path(__file__).resolve().parents[2]
READERS = {name for name, found in vars(environment).items() if callable(found)}


def read_in_settings() -> set[str]:
    files = ("settings.py", "environment.py")  # the latter reads the keys that come with a bucket
    return {name for file in files for name in _names(ast.parse((ROOT / "releaseflow" / file).read_text()))}


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


def test_the_example_starts_once_it_has_a_key(tmp_path: Path) -> None:
    """Also with every line uncommented that names no server of somebody's."""
    example = (ROOT / ".env.example").read_text()
    apart = ("DEMO", "DEBUG", "DATABASE_URL", "VAR_DIR")
    whole = re.sub(rf"^# (?!(?:{'|'.join(apart)})=)([A-Z_]+=)", r"\1", example, flags=re.MULTILINE)

    for text in (example, whole):
        file = tmp_path / ".env"
        file.write_text(re.sub("^SECRET_KEY=$", f"SECRET_KEY={'k3y-' * 15}", text, flags=re.MULTILINE))
        given = {
            line.partition("=")[0]: line.partition("=")[2] for line in file.read_text().splitlines() if "=" in line
        }
        answer = start(tmp_path, **{name: value for name, value in given.items() if name.isupper()})
        assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    ("environment", "variable"),
    [({}, "SECRET_KEY"), ({"DEMO": "maybe"}, "DEMO"), ({"DEMO": "1", "SECRET_KEY_FILE": "/nowhere"}, "SECRET_KEY")],
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


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **given: str) -> dict[str, Any]:
    """What the settings are in this environment and nothing else."""
    for name in documented():
        monkeypatch.delenv(name, raising=False)
    for name, value in {"DEMO": "1", "VAR_DIR": str(folder), **given}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "releaseflow" / "settings.py"))


# --- docs/configure.md ---------------------------------------------------------------------------------------
def rows() -> list[list[str]]:
    """The variable, its meaning, default, example and what a bad value says, of each line of the tables."""
    lines = (ROOT / "docs" / "configure.md").read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]


def test_the_documentation_explains_every_variable_once() -> None:
    assert sorted(row[0].strip("`") for row in rows()) == sorted(documented())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0].strip("`"))
def test_each_example_is_taken_and_each_sentence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: list[str]
) -> None:
    variable, example = row[0].strip("`"), row[3].strip("`")
    around = {"DEMO": "0", "SECRET_KEY": "x" * 50, "DATABASE_URL": "postgres://h/x"}
    if variable.startswith("OIDC_"):  # three of them are of use together only
        around |= {"OIDC_SERVER_URL": "https://h", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "x"}
    if variable.startswith("CHANGE_SYSTEM"):
        around |= {"CHANGE_SYSTEM": "servicenow", "CHANGE_SYSTEM_URL": "https://h"}
        around |= {"CHANGE_SYSTEM_USER": "x", "CHANGE_SYSTEM_PASSWORD": "x"}
    settings_of(tmp_path, monkeypatch, **around | {variable: example})

    if bad := re.fullmatch("`(.*?)`: (.+)", row[4]):
        with pytest.raises(ImproperlyConfigured) as said:
            settings_of(tmp_path, monkeypatch, **around | {variable: bad[1]})
        assert str(said.value) == bad[2]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "2"),
        ("SITE_URL", "https://releases.example.com"),  # with DEMO
        ("SITE_URL", "releases.example.com"),
        ("SITE_URL", "http://releases.example.com/here"),
        ("SITE_URL", "http://[::1"),
        ("ALLOWED_HOSTS", "https://releases.example.com"),
        ("ALLOWED_HOSTS", "releases.example.com:8000"),
        ("CSRF_TRUSTED_ORIGINS", "releases.example.com"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://:port"),
        ("DATABASE_URL", "mysql://root@localhost/releaseflow"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "postgres://me@localhost:port/releaseflow"),
        ("DATABASE_URL", "postgres://me@localhost"),
        ("DATABASE_URL", "sqlite:////proc/nowhere/db.sqlite3"),
        ("DATABASE_CONN_MAX_AGE", "-1"),
        ("ENFORCE_EVERY", "abc"),
        ("ENFORCE_EVERY", "121"),
        ("ENFORCE_EVERY", "\N{SUPERSCRIPT TWO}"),
        ("DELIVER_EVERY", "0"),
        ("DELIVER_EVERY", "61"),
        ("EMAIL_TIMEOUT", "31"),
        ("EMAIL_URL", "pigeon://coop"),
        ("EMAIL_URL", "smtp://"),
        ("DEFAULT_FROM_EMAIL", "releaseflow"),
        ("CLAMD_URL", "localhost:3310"),
        ("CLAMD_URL", "tcp://localhost"),
        ("DOCUMENTS_URL", "https://bucket.example.com"),
        ("DOCUMENTS_URL", "s3://["),
        ("DOCUMENT_MAX_MB", "1025"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_sentence_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    more = {"DATABASE_URL": "postgres://h/x"} if variable == "DATABASE_CONN_MAX_AGE" else {}

    with pytest.raises(ImproperlyConfigured, match=rf"{variable}.*\.$"):
        settings_of(tmp_path, monkeypatch, **more, **{variable: value})


@pytest.mark.parametrize("variable", ["DATABASE_URL", "EMAIL_URL", "REDIS_URL"])
def test_no_sentence_tells_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with pytest.raises(ImproperlyConfigured) as said:
        settings_of(tmp_path, monkeypatch, **{variable: "http://me:hunter2@host:port/x"})

    assert "hunter2" not in str(said.value)


def test_an_empty_value_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_of(tmp_path, monkeypatch, **dict.fromkeys(set(documented()) - {"DEMO", "VAR_DIR"}, ""))

    assert (found["SITE_URL"], found["REDIS_URL"], found["ENFORCE_EVERY"]) == ("http://localhost:8000", "", 30)


def test_a_secret_may_begin_with_any_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("$HOME#%sweet\n")

    found = settings_of(tmp_path, monkeypatch, METRICS_TOKEN="$HOME", SECRET_KEY_FILE=str(tmp_path / "key"))

    assert (found["METRICS_TOKEN"], found["SECRET_KEY"]) == ("$HOME", "$HOME#%sweet")


def test_the_address_of_the_site_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_of(tmp_path, monkeypatch, SITE_URL="http://releases.example.com:8080/")

    assert found["ALLOWED_HOSTS"] == ["releases.example.com", "localhost", "127.0.0.1", "[::1]"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["http://releases.example.com:8080"]


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    answer = start(tmp_path, DEMO="1")

    assert (answer.returncode, answer.stderr) == (0, "")
