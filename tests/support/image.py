"""The image, built and run as Compose runs it, where there is no Docker engine: `python -m tests.support.image`.

buildah (Debian: apt-get install buildah) carries out the Dockerfile in a chroot. Then each command of Compose runs in
that image as its user, against a PostgreSQL and a Redis of this machine, and each health check is asked. What only an
engine has is not shown: its networks, a root file system mounted read-only, restarts, volumes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError

import yaml

from tests.support import postgres, redis
from tests.support.ports import answers, free_port
from tests.support.processes import Process

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "releaseflow:check"
PORT = 8000  # the image's own
ENV = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
STACK = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
Finding = tuple[bool, str]


class Container:
    """The image with this environment; it is gone after `remove`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.name = _buildah("from", IMAGE)

    def command(self, words: list[str]) -> list[str]:
        given = [f"--env={name}={value}" for name, value in self.environment.items()]
        return ["buildah", "run", *given, "--user", STACK["web"]["user"], self.name, "--", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command([*words]), env=ENV, capture_output=True, text=True, check=False)

    def does(self, *words: str) -> bool:
        return self.run(*words).returncode == 0

    def remove(self) -> None:
        _buildah("rm", self.name)


def main() -> int:
    if answers(PORT):
        sys.exit(f"Another program listens on port {PORT}, which the image uses.")
    subprocess.run(["buildah", "bud", "--layers", "-t", IMAGE, "."], cwd=ROOT, env=ENV, check=True)
    bad = 0
    with ExitStack() as stack:
        cluster, broker = stack.enter_context(postgres.running(free_port())), stack.enter_context(redis.running())
        container = Container({"SECRET_KEY": "k3y-" * 15, "DATABASE_URL": cluster.url, "REDIS_URL": broker.url})
        stack.callback(container.remove)
        for well, said in (*_rights(container), *_one_shot(container), *_services(container, stack)):
            print("ok  " if well else "FAIL", said)  # noqa: T201
            bad += not well
    return min(bad, 1)


def _rights(container: Container) -> Iterator[Finding]:
    yield container.run("id", "-u").stdout.strip() == "10001", "runs as the user 10001"
    for folder in ("/app", "/app/staticfiles", "/venv"):
        yield not container.does("touch", f"{folder}/x"), f"cannot write to {folder}"
    yield container.does("touch", "/var/lib/releaseflow/x"), "can write to /var/lib/releaseflow"
    yield not container.does("test", "-e", "/venv/bin/pip"), "its environment holds no pip"


def _one_shot(container: Container) -> Iterator[Finding]:
    for words in (STACK["migrate"]["command"], ["python", "manage.py", "check"]):
        done = container.run(*words)
        yield not done.returncode, f"{' '.join(words)} {done.stderr[-500:]}".strip()


def _services(container: Container, stack: ExitStack) -> Iterator[Finding]:
    commands = {"web": _default_command(), **{name: STACK[name]["command"] for name in ("worker", "beat")}}
    running = {name: Process(container.command(words), env=ENV) for name, words in commands.items()}
    for process in running.values():
        stack.callback(process.stop)
    running["web"].wait_until(lambda: answers(PORT), seconds=60)
    yield _ready(within=90), "/readyz says 200: beat and worker do their work"
    for name, process in running.items():
        test = STACK[name]["healthcheck"]["test"][1:]
        yield process.exit_code is None and container.does(*test), f"{name} runs, and its health check agrees"


def _ready(*, within: float) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            return bool(urllib.request.urlopen(f"http://localhost:{PORT}/readyz").status == 200)
        except HTTPError:
            time.sleep(1)
    return False


def _default_command() -> list[str]:
    words = _buildah("inspect", "--type=image", "--format={{range .OCIv1.Config.Cmd}}{{.}}|{{end}}", IMAGE)
    return words.strip("|").split("|")


def _buildah(*words: str) -> str:
    return subprocess.run(["buildah", *words], env=ENV, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
