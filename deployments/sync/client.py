"""Asking a forge's REST API: what may go wrong there becomes one sentence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests import PreparedRequest, Response

from workflow import clock

TIMEOUT = (5, 20)
"""Seconds until the forge must have answered the call, and until it must go on with its answer."""
LONGEST_WAIT = 60.0
"""How many seconds a run waits for one forge in all, because the forge asks for it."""
LARGEST = 20 * 1024 * 1024
MOST_PAGES = 100
WHY_NOT = {
    401: "the forge does not accept the token (401)",
    403: "the token does not allow this (403)",
    404: "the forge does not know it, or the token may not see it (404)",
}


class Unreachable(Exception):
    """The forge gave no usable answer; the message says why, to follow the repository's name and a colon."""


@dataclass
class Client:
    """Reads from one API with one token. `base` begins with https, or with http on this machine itself."""

    base: str
    header: tuple[str, str]
    sleep: Callable[[float], None] = time.sleep
    waited: float = 0.0
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Accept"] = "application/json"
        self.session.headers["User-Agent"] = "releaseflow"
        self.session.auth = self._authorize  # a .netrc never replaces it

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        name, value = self.header
        request.headers[name] = value
        return request

    def get(self, path: str, **query: str | int) -> Any:
        """The answer's JSON. Raises Unreachable."""
        return self._json(self._ask(f"{self.base}{path}", query))

    def pages(self, path: str, holds: str = "", /, **query: str | int) -> Iterator[Any]:
        """The entries of all pages: those of the list in the field `holds` (none: null), or the list itself."""
        url: str | None = f"{self.base}{path}"
        for _ in range(MOST_PAGES):
            response = self._ask(str(url), query)
            answer = self._json(response)
            entries = (answer.get(holds) or []) if holds and isinstance(answer, dict) else answer
            if not isinstance(entries, list):
                raise Unreachable("the forge's answer is no list")
            yield from entries
            url, query = self._next(response, answer), {}
            if url is None:
                return
        raise Unreachable(f"the forge has more than {MOST_PAGES} pages of it")

    def _next(self, response: Response, answer: object) -> str | None:
        """GitHub, GitLab and Gitea say it in a header, Bitbucket in its answer. The token goes nowhere else."""
        said = response.links.get("next", {}).get("url") or (answer.get("next") if isinstance(answer, dict) else None)
        if not said:
            return None
        if urlsplit(str(said))[:2] != urlsplit(self.base)[:2]:
            raise Unreachable("the forge's next page is at another host")
        return str(said)

    def _ask(self, url: str, query: dict[str, str | int]) -> Response:
        while True:
            try:
                response = self.session.get(url, params=query, timeout=TIMEOUT, allow_redirects=False, stream=True)
            except requests.Timeout:
                raise Unreachable("the forge did not answer in time") from None
            except (requests.RequestException, ValueError):
                raise Unreachable("the forge cannot be reached") from None
            if response.ok and response.status_code < 300:
                return response
            response.close()
            self._wait(response)

    def _wait(self, response: Response) -> None:
        """Waits as long as the forge asks for; raises when that is too long, or when it asks for nothing."""
        status, asked = response.status_code, _asked_wait(response)
        if asked is None:
            moved = "it has moved: give it its new address here" if 300 <= status < 400 else ""
            raise Unreachable(moved or WHY_NOT.get(status, f"the forge answered {status}"))
        if self.waited + asked > LONGEST_WAIT:
            raise Unreachable(f"the forge asks to wait for {max(1, round(asked / 60))} min: run it again then")
        self.waited += asked
        self.sleep(asked)

    def _json(self, response: Response) -> Any:
        try:
            body = bytearray()
            for part in response.iter_content(64 * 1024):
                body += part
                if len(body) > LARGEST:
                    raise Unreachable("the forge's answer is too long")
            return json.loads(body)
        except requests.RequestException:
            raise Unreachable("the forge's answer broke off") from None
        except (ValueError, RecursionError):
            raise Unreachable("the forge's answer is not JSON: is the API's address right?") from None
        finally:
            response.close()


def _asked_wait(response: Response) -> float | None:
    """Seconds, at least one, where the forge says that too much was asked; None where it says something else."""
    if response.status_code not in {403, 429, 503}:
        return None
    if (after := response.headers.get("Retry-After", "")).isdigit():
        return max(1.0, float(after))
    if response.headers.get("X-RateLimit-Remaining") == "0":
        reset = response.headers.get("X-RateLimit-Reset", "")
        return max(1.0, float(reset) - clock.now().timestamp()) if reset.isdigit() else LONGEST_WAIT + 1
    return 5.0 if response.status_code == 429 else None
