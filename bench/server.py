"""A web server under measurement: gunicorn with two workers, as in the floor's definition."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.support.ports import answers, free_port
from tests.support.processes import Process

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
WORKERS = 2


class Server:
    def __init__(self, process: Process, port: int, started_in: float) -> None:
        self.process, self.port, self.started_in = process, port, started_in

    def cpu(self) -> float:
        """Seconds of CPU, user and system, that the workers have used so far."""
        return sum(_cpu(pid) for pid in self._workers())

    def memory(self) -> float:
        """The largest worker's resident memory in MB."""
        return max(_resident(pid) for pid in self._workers())

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextmanager
def serving(application: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """`application` is a WSGI module; ends with the block. Start-up counts until the port answers a request."""
    port = free_port()
    options = ["-b", f"127.0.0.1:{port}", "-w", str(WORKERS), "-k", "gthread", "--threads", "4"]
    options += ["--preload", "--log-level", "error"]
    started = time.monotonic()
    process = Process([sys.executable, "-m", "gunicorn", application, *options], env={**os.environ, **environment})
    try:
        process.wait_until(lambda: _responds(port), seconds=60)
        yield Server(process, port, time.monotonic() - started)
    finally:
        process.stop()


def _responds(port: int) -> bool:
    """Whether a worker answers; the port itself is open before there is one."""
    if not answers(port):
        return False
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    return connection.getresponse().status < 500


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
