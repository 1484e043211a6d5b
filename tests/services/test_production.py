"""An installation as docs/operate.md has it: a copy of the code, a `.env`, PostgreSQL, Redis, a mail server, and the
very commands of that page.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tests.support import postgres, redis, smtp
from tests.support.ports import answers, free_port
from tests.support.processes import Process

pytestmark = pytest.mark.services
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operate.md").read_text()
PASSWORD = "slow river 27 boats"
HOST = "releases.example.com"


class Installation:
    """The code in a folder of its own, with nothing in its environment but what `.env` says."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.port = folder, free_port()
        kept = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
        for name in kept:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, folder / name)
        example = (ROOT / ".env.example").read_text()
        for variable, value in settings.items():
            example = re.sub(rf"^(?:# )?{variable}=.*$", f"{variable}={value}", example, flags=re.MULTILINE)
        (folder / ".env").write_text(example)
        self.running: dict[str, Process] = {}

    def words(self, command: str) -> list[str]:
        """A command of the page, with this machine's Python, this folder, and a free port."""
        program, *rest = shlex.split(command.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}"))
        return [str(Path(sys.executable).with_name(Path(program).name)), *rest]

    def run(self, command: str, *, typed: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], **more}
        words = self.words(command)
        return subprocess.run(words, env=env, cwd=self.folder, input=typed, capture_output=True, text=True, check=False)

    def start(self, name: str) -> None:
        program = self.words(f"/bin/env -C {self.folder}")[1:]
        words = ["env", *program, *self.words(unit(name))]
        self.running[name] = Process(words, env={"PATH": os.environ["PATH"]})

    def ready(self) -> tuple[int, dict[str, Any]]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            parts: dict[str, Any] = json.loads(response.read())["parts"]
            return response.status, parts


class Visitor:
    """A browser behind the TLS proxy, as far as cookies and forms go."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, SimpleCookie()

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        kept = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "Cookie": kept, "Referer": f"https://{HOST}{path}"}
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, urlencode(form), headers)
            response = connection.getresponse()
            for value in response.headers.get_all("Set-Cookie", []):
                self.cookies.load(value)
            page: str = response.read().decode()
            return response.status, page

    def post(self, path: str, *, seen_on: str, **form: str) -> int:
        _, page = self.ask("GET", seen_on)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
        return self.ask("POST", path, csrfmiddlewaretoken=token, **form)[0]


def unit(name: str) -> str:
    """What the page's systemd unit of this name starts."""
    sign = {"web": "gunicorn", "worker": " worker ", "beat": " beat "}[name]
    started: list[str] = re.findall(r"^ExecStart=(.+)$", PAGE, flags=re.MULTILINE)
    return next(command for command in started if sign in command)


def becomes(condition: Callable[[], bool], *, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def mail() -> Iterator[smtp.SmtpServer]:
    with smtp.running() as server:
        yield server


@pytest.fixture(scope="module")
def database(postgres_cluster: postgres.Cluster) -> str:
    postgres_cluster.ask("DROP DATABASE IF EXISTS production")
    postgres_cluster.ask("CREATE DATABASE production")
    return f"{postgres_cluster.url.rpartition('/')[0]}/production"


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, database: str, redis_server: redis.RedisServer, mail: smtp.SmtpServer
) -> Iterator[Installation]:
    """Migrated, with its static files and its first administrator, and running."""
    made = Installation(
        tmp_path_factory.mktemp("srv"),
        {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "SITE_URL": f"https://{HOST}",
            "BEHIND_PROXY": "1",
            "DATABASE_URL": database,
            "REDIS_URL": redis_server.url,
            "EMAIL_URL": mail.url,
            "ENFORCE_EVERY": "1",
            "DELIVER_EVERY": "1",
            "VAR_DIR": str(tmp_path_factory.mktemp("documents")),
        },
    )
    steps = re.findall(r"^(\.venv/bin/python manage\.py .+)$", PAGE, flags=re.MULTILINE)
    for command in steps:
        done = made.run(command, typed=f"{PASSWORD}\n")
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    try:
        for name in ("web", "worker", "beat"):
            made.start(name)
        made.running["web"].wait_until(lambda: answers(made.port), seconds=40)
        yield made
    finally:
        for process in made.running.values():
            process.stop()


def test_the_page_names_what_prepares_an_installation() -> None:
    steps = re.findall(r"^\.venv/bin/python manage\.py (\w+)", PAGE, flags=re.MULTILINE)

    assert steps == ["migrate", "collectstatic", "check", "open_weeks", "first_administrator"]


def test_it_becomes_ready(installation: Installation) -> None:
    assert becomes(lambda: installation.ready()[0] == 200), installation.ready()


def test_the_first_administrator_signs_in_and_an_e_mail_arrives(
    installation: Installation, mail: smtp.SmtpServer
) -> None:
    rosa = Visitor(installation.port)

    wrong = rosa.post("/sign-in/", seen_on="/sign-in/", login="rosa@example.com", password="wrong")
    signed_in = rosa.post("/sign-in/", seen_on="/sign-in/", login="rosa@example.com", password=PASSWORD)
    status, page = rosa.ask("GET", "/settings/")
    action = re.findall(r'action="(/act/account/\d+/test_email/)"', page)[0]
    pressed = rosa.post(action, seen_on="/settings/")

    assert (wrong, signed_in, status, pressed) == (422, 302, 200, 302)
    assert rosa.cookies["__Host-sessionid"]["secure"]
    assert becomes(lambda: "E-mail from releaseflow works" in [each["Subject"] for each in mail.messages])
    assert set(mail.to) == {"rosa@example.com"}


def test_the_doctor_finds_everything_but_people(installation: Installation) -> None:
    assert becomes(lambda: installation.ready()[0] == 200)

    found = json.loads(installation.run("python manage.py doctor --json").stdout)

    assert {each["name"]: each["sentence"] for each in found if not each["ok"]} == {
        "people": "Nobody is Dev Team or Dev Manager or Scrum Master or DevOps or EDMT Director yet."
    }


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_health_check_of_compose_agrees(
    installation: Installation, redis_server: redis.RedisServer, name: str
) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    words = [
        word.replace(":8000", f":{installation.port}") for word in compose["services"][name]["healthcheck"]["test"]
    ]
    command = shlex.join(words[1:])

    assert installation.run(command, REDIS_URL=redis_server.url).returncode == 0
    dead = command.replace(str(installation.port), "1")
    assert installation.run(dead, REDIS_URL="redis://127.0.0.1:1/0").returncode != 0


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_who_is_killed_is_missed_and_comes_back(
    installation: Installation, postgres_cluster: postgres.Cluster, name: str
) -> None:
    """The time that passes unseen is set back in the database, since nobody wants to wait for it here."""
    installation.running[name].kill()
    later = "UPDATE releaseflow_heartbeat SET at = at - interval '4 minutes'"
    postgres_cluster.ask(later, database="production")
    status, parts = installation.ready()
    if status == 200:  # a tick was on its way and came in
        postgres_cluster.ask(later, database="production")
        status, parts = installation.ready()
    installation.start(name)

    assert status == 503
    assert parts["tick"]["sentence"].endswith("is beat running?")
    assert becomes(lambda: installation.ready()[0] == 200, seconds=60)
