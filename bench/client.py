"""A browser's side of a measurement: one kept connection, one request after the other."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlencode

from bench.server import Server

DRAIN = 0.3  # seconds between pages, so that a server's leftover work is not charged to the next page


@dataclass(frozen=True)
class Cost:
    """Of one request: median wall time and mean CPU of the workers, in milliseconds; the answer's size in bytes."""

    wall: float
    cpu: float
    size: int


class Browser:
    """Signed in by a session cookie; raises when an answer is not the one expected, so that no error page is timed."""

    def __init__(self, server: Server, session: str) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.headers = {"Cookie": f"sessionid={session}; csrftoken={'c' * 32}"}

    def measure(self, path: str, *, times: int, warm: int = 10, expect: int = 200) -> Cost:
        for _ in range(warm):
            self.get(path, expect=expect)
        time.sleep(DRAIN)
        before, walls, size = self.server.cpu(), [], 0
        for _ in range(times):
            started = time.perf_counter()
            size = len(self.get(path, expect=expect))
            walls.append(time.perf_counter() - started)
        return Cost(median(walls) * 1000, (self.server.cpu() - before) * 1000 / times, size)

    def get(self, path: str, *, expect: int = 200) -> bytes:
        return self._ask("GET", path, {}, None, expect)

    def post(self, path: str, fields: Mapping[str, str], *, expect: int = 302) -> bytes:
        body = urlencode({**fields, "csrfmiddlewaretoken": "c" * 32})
        return self._ask("POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, body, expect)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: str | None, expect: int) -> bytes:
        self.connection.request(method, path, body, {**self.headers, **headers})
        response = self.connection.getresponse()
        content = response.read()
        if response.status != expect:
            raise RuntimeError(f"{method} {path} answered {response.status}, not {expect}: {content[:300]!r}")
        return content
