"""ServiceNow and BMC Helix in small, on real HTTP: they keep changes and files, and can be told to misbehave."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from re import findall
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

USER, PASSWORD, TOKEN = "releaseflow", "s3cret-that-nobody-sees", "a-token"
BASIC = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
HANG, DROP = "hang", "drop"
Answer = str | tuple[int, dict[str, str], bytes]


@dataclass
class ChangeServer:
    """`next` are the answers of the next calls by method; then it behaves. DROP does what is asked and tells nobody."""

    port: int = 0
    changes: list[dict[str, str]] = field(default_factory=list)
    files: list[tuple[str, str, bytes]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    next: dict[str, list[Answer]] = field(default_factory=dict)
    signed_in: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, key: str) -> dict[str, str]:
        return next(each for each in self.changes if key in {each["sys_id"], each["number"]})

    def asked(self, method: str) -> list[str]:
        return [path for each, path in self.calls if each == method]

    def make(self, number: str, values: dict[str, str]) -> dict[str, str]:
        made = {"sys_id": f"{len(self.changes) + 1:032x}", "number": number, "state": "New", **values}
        self.changes.append(made)
        return made


class _Handler(BaseHTTPRequestHandler):
    box: ChangeServer
    let_go: threading.Event

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        path, query = unquote(url.path), {name: each[0] for name, each in parse_qs(url.query).items()}
        self.box.calls.append((self.command, path))
        if path in {"/oauth_token.do", "/api/jwt/login", "/api/jwt/logout"}:
            return self._sign_in(path, parse_qs(body.decode()))
        if self.headers.get("Authorization") not in {BASIC, f"Bearer {TOKEN}", f"AR-JWT {TOKEN}"}:
            return self._say(401, {"error": {"message": "User Not Authenticated"}})
        waiting = self.box.next.get(self.command, [])
        answer = waiting.pop(0) if waiting else None
        if isinstance(answer, tuple):
            return self._raw(*answer)
        if answer == HANG:
            self.let_go.wait(10)
            return None
        status, said = (_service_now if "arsys" not in path else _helix)(self, path, query, body)
        return None if answer == DROP else self._say(status, said)

    do_GET = do_POST = do_PATCH = do_PUT = _any  # noqa: N815

    def _sign_in(self, path: str, form: dict[str, list[str]]) -> None:
        self.box.signed_in += path != "/api/jwt/logout"
        right = PASSWORD in {*form.get("password", []), *form.get("client_secret", [])} or path.endswith("logout")
        if not right:
            return self._say(401, {"error": "access_denied"})
        if path == "/oauth_token.do":
            return self._say(200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 1799})
        return self._raw(200, {}, TOKEN.encode())

    def _say(self, status: int, said: Any) -> None:
        self._raw(status, {"Content-Type": "application/json"}, b"" if said is None else json.dumps(said).encode())

    def _raw(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Tests read what was kept, not this."""


def _service_now(handler: _Handler, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
    box, command = handler.box, handler.command
    if path == "/api/now/attachment":
        key = query["sysparm_query"].partition("table_sys_id=")[2]
        return 200, {"result": [{"file_name": name} for owner, name, _ in box.files if owner == key]}
    if path == "/api/now/attachment/file":
        box.files.append((query["table_sys_id"], query["file_name"], body))
        return 201, {"result": {"file_name": query["file_name"]}}
    if path == "/api/now/table/change_request":
        wanted = dict(findall(r"([a-z_]+)=([^^]+)", query["sysparm_query"]))
        found = [each for each in box.changes if any(each.get(name) == text for name, text in wanted.items())]
        return 200, {"result": [_both(each) for each in found]}
    values = json.loads(body)
    if command == "POST":
        return 200, {"result": _both(box.make(f"CHG{len(box.changes) + 31234:07}", values))}
    change = box.of(path.rpartition("/")[2])
    change.update(values)
    return 200, {"result": _both(change)}


def _both(change: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"display_value": text, "value": text} for name, text in change.items()}


def _helix(handler: _Handler, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
    box, form = handler.box, path.split("/")[5]
    if form == "CHG:WorkLog" and handler.command == "POST":
        head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
        parts: Any = message_from_bytes(head + body).get_payload()
        entry, file = parts
        values = json.loads(entry.get_payload())["values"]
        box.files.append((values["Infrastructure Change ID"], values["Description"], file.get_payload(decode=True)))
        return 201, None
    if handler.command == "POST":
        values = json.loads(body)["values"]
        box.make(f"CRQ{len(box.changes) + 900_000:012}", values)
        return 201, None
    if handler.command == "PUT":
        box.of(path.rpartition("/")[2].partition("|")[0]).update(json.loads(body)["values"])
        return 204, None
    wanted = findall(r"'([^']+)' (LIKE|=) \"([^\"%]+)", query["q"])
    if form == "CHG:WorkLog":
        return 200, {"entries": [{"values": {"Description": n}} for owner, n, _ in box.files if owner == wanted[0][2]]}
    found = [each for each in box.changes if any(_matches(each, *each_wanted) for each_wanted in wanted)]
    return 200, {"entries": [_entry(box, each) for each in found]}


def _matches(change: dict[str, str], name: str, how: str, text: str) -> bool:
    has = change["number"] if name == "Infrastructure Change ID" else change.get(name, "")
    return has.startswith(text) if how == "LIKE" else has == text


def _entry(box: ChangeServer, change: dict[str, str]) -> dict[str, Any]:
    number = change["number"]
    address = f"{box.url}/api/arsys/v1/entry/CHG:ChangeInterface/{quote(f'{number}|{number}')}"
    values = {**change, "Infrastructure Change ID": number, "Change Request Status": change["state"]}
    return {"values": values, "_links": {"self": [{"href": address}]}}


@contextmanager
def change_server() -> Iterator[ChangeServer]:
    box, let_go = ChangeServer(), threading.Event()
    handler = type("Handler", (_Handler,), {"box": box, "let_go": let_go})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield box
        let_go.set()
        server.shutdown()
