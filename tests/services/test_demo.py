"""The demonstration as people start it: one command, two programs, and none of them left behind."""

import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.processes import Process, gone

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, so that the weeks are made once."""
    return tmp_path_factory.mktemp("demo")


def demonstration(folder: Path, port: int) -> Process:
    """`manage.py demo` in an environment that holds nothing of the test run's."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**clean, "DEMO": "1", "VAR_DIR": str(folder), "PORT": str(port)}
    return Process([sys.executable, "manage.py", "demo", "--weeks", "2"], env=environment)


@pytest.fixture
def demo(folder: Path) -> Iterator[Process]:
    port = free_port()
    process = demonstration(folder, port)
    try:
        process.wait_for(f"releaseflow runs on http://localhost:{port}", seconds=90)
        yield process
    finally:
        process.stop()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def address(process: Process) -> str:
    return process.log().partition("releaseflow runs on ")[2].split()[0]


def test_it_answers_and_stops_with_its_programs(demo: Process) -> None:
    page = urllib.request.urlopen(f"{address(demo)}/sign-in/").read().decode()
    programs = children(demo.pid)

    code = demo.stop(signal.SIGINT)

    assert "Anita Desai" in page
    assert (code, len(programs)) == (0, 2)
    assert all(gone(pid) for pid in programs)
    assert demo.log().endswith("Stopped.\n")


@pytest.mark.parametrize("which", [0, 1], ids=["web server", "beat"])
def test_when_one_program_dies_the_other_is_stopped(demo: Process, which: int) -> None:
    programs = children(demo.pid)

    os.kill(programs[which], signal.SIGKILL)

    assert gone(demo.pid, seconds=20)
    assert demo.exit_code == 1
    assert all(gone(pid) for pid in programs)
    assert ["The web server", "Celery beat"][which] + " ended by itself, so the demo was stopped." in demo.log()


def test_killed_without_a_chance_it_leaves_nothing_behind(demo: Process) -> None:
    programs = children(demo.pid)

    os.kill(demo.pid, signal.SIGKILL)

    assert all(gone(pid, seconds=15) for pid in programs)


def test_two_demos_do_not_share_a_port(demo: Process, folder: Path) -> None:
    port = int(address(demo).rpartition(":")[2])

    second = demonstration(folder, port)

    assert gone(second.pid, seconds=20)
    assert second.exit_code == 1
    assert f"Another program listens on port {port}." in second.log()
