"""A small OpenID Connect provider on 127.0.0.1: real HTTP, real signed tokens, one person who always says yes."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from workflow import clock

CLIENT_ID, SECRET = "releaseflow", "the client's secret"


@dataclass
class Provider:
    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    deny: bool = False

    def configuration(self) -> dict[str, Any]:
        ends = {
            name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        }
        return ends | {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes after the person has agreed."""
        answer = {"state": asked["state"]}
        if self.deny:
            answer["error"] = "access_denied"
        else:
            answer["code"] = token_urlsafe()
            self.codes[answer["code"]] = asked
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def token(self, given: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A code counts once, and only for whoever has the verifier that belongs to its challenge."""
        asked = self.codes.pop(given.get("code", ""), None)
        verifier = urlsafe_b64encode(sha256(given.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if not asked or verifier != asked["code_challenge"] or given.get("client_secret") != SECRET:
            return 400, {"error": "invalid_grant"}
        now = int(clock.machine())
        facts = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300} | self.claims
        signed = jwt.encode(facts, self.key, algorithm="RS256", headers={"kid": "1"})
        return 200, {"access_token": token_urlsafe(), "token_type": "Bearer", "expires_in": 300, "id_token": signed}


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, asked = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            if path == "/.well-known/openid-configuration":
                self._answer(200, provider.configuration())
            elif path == "/userinfo_endpoint":
                self._answer(200, provider.claims)
            elif path == "/authorization_endpoint":
                self.send_response(302)
                self.send_header("Location", provider.authorize({key: value[0] for key, value in asked.items()}))
                self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(*provider.token({key: value[0] for key, value in parse_qs(body).items()}))

        def _answer(self, status: int, values: dict[str, Any]) -> None:
            body = json.dumps(values).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
