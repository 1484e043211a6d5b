"""A real HTTP receiver on loopback that can be told to misbehave."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HANG, DROP, TRICKLE = "hang", "drop", "trickle"
Answer = int | str | tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """What it took, with headers in lower case. `answers` are for the next posts, then it answers 204."""

    port: int = 0
    answers: list[Answer] = field(default_factory=list)
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/very-secret?token=abc"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.posts]


@contextmanager
def receiver(certificate: Path | None = None) -> Iterator[Receiver]:
    """By https where it has a certificate, a file that holds its key as well."""
    found = Receiver()
    let_go = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.posts.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self._answer(found.answers.pop(0) if found.answers else 204)

        def _answer(self, answer: Answer) -> None:
            if answer == HANG:
                let_go.wait(10)
            if answer == TRICKLE:
                with suppress(OSError):
                    for byte in b"HTTP/1.1 204 No Content\r\n\r\n":
                        self.wfile.write(bytes([byte]))
                        let_go.wait(0.05)
            if isinstance(answer, str):
                return
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Tests read what was posted, not this."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(certificate)
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        found.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        let_go.set()
        server.shutdown()
