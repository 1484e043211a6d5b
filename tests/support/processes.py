"""Programs that a test starts, and that surely end with it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

from tests.support.scratch import scratch

ROOT = Path(__file__).resolve().parents[2]
_numbers = count(1)


class Process:
    """A running program; its output is collected in a file."""

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> None:
        self.name = Path(command[0]).name
        self.output = scratch() / f"{self.name}-{os.getpid()}-{next(_numbers)}.log"
        with self.output.open("wb") as output:
            self._popen = subprocess.Popen(
                [*_bound_to_us(user), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=ROOT if user is None else "/",
                env=dict(env) if env is not None else None,
                start_new_session=True,  # Ctrl-C is for the test run, which then ends its programs in order
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._popen.poll()

    def log(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 20) -> None:
        """Wait for a sign of life; a program that ended or stays silent is an error that shows what it wrote."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise RuntimeError(f"{self.name} ended with {self.exit_code}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} was not ready after {seconds} seconds:\n{self.log()}")
            time.sleep(0.05)

    def wait_for(self, text: str, *, times: int = 1, seconds: float = 20) -> None:
        """Wait until `text` stands in the output at least `times` times."""
        self.wait_until(lambda: self.log().count(text) >= times, seconds=seconds)

    def kill(self) -> None:
        """End it like a power cut, with everything it started."""
        self._signal_group(signal.SIGKILL)
        self._popen.wait()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, *, seconds: float = 10) -> int:
        """End it politely, then by force; returns the exit code."""
        if self.exit_code is None:
            self._popen.send_signal(with_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
        self.kill()
        return self._popen.returncode

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@contextlib.contextmanager
def running(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, user: str | None = None
) -> Iterator[Process]:
    process = Process(command, env=env, user=user)
    try:
        yield process
    finally:
        process.stop()


def gone(pid: int, *, seconds: float = 5) -> bool:
    """Whether a process has ended, or does so within `seconds`; one that only waits to be noticed by its parent has."""
    deadline = time.monotonic() + seconds
    while _state(pid) not in {"", "Z"}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def celery(*arguments: str, env: Mapping[str, str]) -> Process:
    return Process([sys.executable, "-m", "celery", "-A", "releaseflow", *arguments], env=env)


def worker(env: Mapping[str, str]) -> Process:
    """A Celery worker that is ready for tasks; `env` names its database and its Redis."""
    process = celery("worker", "-P", "solo", "--without-gossip", "--without-mingle", "-l", "INFO", env=env)
    _ready(process, " ready.")
    return process


def beat(env: Mapping[str, str]) -> Process:
    """A Celery beat that has begun to tick; without a REDIS_URL it does the work itself."""
    process = celery("beat", "--pidfile=", "-l", "INFO", env=env)
    _ready(process, "beat: Starting...")
    return process


def _ready(process: Process, sign: str) -> None:
    try:
        process.wait_for(sign, seconds=30)
    except RuntimeError:
        process.kill()
        raise


def _state(pid: int) -> str:
    """The letter by which the kernel tells how a process is; nothing when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


def _bound_to_us(user: str | None) -> list[str]:
    """A prefix that ends the program when the test run dies, and that drops root's rights where asked."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user:
            raise RuntimeError(f"setpriv (util-linux) is needed to run a program as the user {user}.")
        return []
    identity = pwd.getpwnam(user) if user else None
    drop = [f"--reuid={identity.pw_uid}", f"--regid={identity.pw_gid}", "--clear-groups"] if identity else []
    return [setpriv, *drop, "--pdeathsig=TERM", "--"]
