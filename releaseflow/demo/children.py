"""The two programs of a running demonstration, and that neither outlives the other or us."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any

HOST = "127.0.0.1"
PATIENCE = 8.0  # seconds until a program that was asked to stop is made to
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def web_command(port: int) -> list[str]:
    options = ["--bind", f"{HOST}:{port}", "--worker-class", "gthread", "--workers", "1", "--threads", "8"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "releaseflow.wsgi",
        *options,
        "--log-level",
        "warning",
        "--no-control-socket",
    ]


def beat_command() -> list[str]:
    options = ["-S", "celery.beat:Scheduler", "--pidfile=", "-l", "WARNING"]
    return [sys.executable, "-m", "celery", "-A", "releaseflow", "--quiet", "beat", *options]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def run_to_end(command: list[str], environment: Mapping[str, str]) -> int:
    """Runs one program and returns its exit code; Ctrl-C reaches us alone, and ends it."""
    options: dict[str, Any] = {"start_new_session": True, "preexec_fn": _die_with_parent}
    return subprocess.run(command, env=dict(environment), check=False, **options).returncode


class Children:
    """Programs that run side by side: when one ends, or we are told to, all of them end."""

    def __init__(self, commands: Mapping[str, list[str]], environment: Mapping[str, str]) -> None:
        self._commands, self._environment = commands, environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._told_to_stop = threading.Event()

    def run(self, *, ready: int, when_ready: str) -> str:
        """Starts all and waits; says `when_ready` once the port `ready` answers.

        Returns the name of the program that ended by itself, or nothing when we were told to stop (Ctrl-C, SIGTERM).
        """
        before = {number: signal.signal(number, self._stop) for number in STOP_SIGNALS}
        try:
            for name, command in self._commands.items():
                self._running[name] = self._start(command)
            while not self._told_to_stop.wait(0.2) and not self._ended():
                if when_ready and answers(ready):
                    print(when_ready, flush=True)  # noqa: T201 (a program for people)
                    when_ready = ""
            return "" if self._told_to_stop.is_set() else self._ended()
        finally:
            self._end()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C reaches us alone, and we end the programs in order.
        return subprocess.Popen(
            command,
            env=dict(self._environment),
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 (this program has no threads)
        )

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._told_to_stop.set()

    def _ended(self) -> str:
        return next((name for name, child in self._running.items() if child.poll() is not None), "")

    def _end(self) -> None:
        for child in self._running.values():
            if child.poll() is None:
                child.terminate()
        for child in self._running.values():
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _die_with_parent() -> None:
    """Asks Linux to end this program when we are killed without a chance to end it (prctl, PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
