"""A browser's side of a measurement: one kept connection, one request after the other."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape
from statistics import median
from urllib.parse import urlencode

from bench.server import Server

WARM = 10
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

    def measure(self, path: str, *, times: int, expect: int = 200) -> Cost:
        return self._measure(lambda: self.get(path, expect=expect), times)

    def measure_posts(self, path: str, fields: Callable[[], Mapping[str, str]], *, times: int) -> Cost:
        """Each POST has fields of its own, so that none is refused as the same again."""
        return self._measure(lambda: self.post(path, fields()), times)

    def live_address(self, path: str) -> str:
        """What the page asks every 20 seconds; with it, later requests are those of htmx."""
        found = re.search(r'hx-get="([^"]*live=[^"]*)"', self.get(path).decode())
        if found is None:
            raise RuntimeError(f"{path} has no live part.")
        self.headers["HX-Request"] = "true"
        return unescape(found[1])

    def _measure(self, ask: Callable[[], bytes], times: int) -> Cost:
        for _ in range(WARM):
            ask()
        time.sleep(DRAIN)
        before, walls, size = self.server.cpu(), [], 0
        for _ in range(times):
            started = time.perf_counter()
            size = len(ask())
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
