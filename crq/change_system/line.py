"""The HTTP line to another change system: what may go wrong there becomes one sentence, and whose fault it is.

The address, who we are there and its certificate are the administrator's; nothing that comes back is trusted: no
redirect is followed, an answer is read up to a limit in size and time, and no sentence is made of what we sent.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import requests
from requests import PreparedRequest, Response

from notifications.faults import Fault
from notifications.http import asked_wait
from workflow import clock

TIMEOUT = (5, 10)
"""Seconds until it must be reached, and until it must go on with its answer."""
SLOWEST = 30.0
"""Seconds that a whole answer may take."""
LARGEST = 4 * 1024 * 1024
FINAL = {400, 404, 405, 406, 409, 410, 413, 414, 415, 422}


class Trouble(Exception):
    """Something was not done, or nobody knows; the message says why, as a sentence for people.

    Fault.FINAL: it will never be done so. LATER: this one, not now. LOST: it may have been done. SERVER: nothing can be
    done now, and `wait` is how long it asks us to wait.
    """

    def __init__(self, sentence: str, fault: Fault = Fault.LATER, wait: timedelta = timedelta(0)) -> None:
        super().__init__(sentence)
        self.fault, self.wait = fault, wait


class Line:
    """`base` begins with https, or with http on this machine itself; `name` is the system's, for sentences."""

    def __init__(self, base: str, name: str) -> None:
        self.base, self.name = base, name
        self.session = requests.Session()
        self.session.headers["Accept"] = "application/json"
        self.session.headers["User-Agent"] = "releaseflow"
        self.session.auth = self._authorize  # a .netrc never replaces it
        self.authorization = ""

    def _authorize(self, request: PreparedRequest) -> PreparedRequest:
        if self.authorization:
            request.headers["Authorization"] = self.authorization
        return request

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """The answer's JSON, None where it is empty. `more` is for `requests`. Raises Trouble."""
        text = self.text(method, path, **more)
        if not text.strip():
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise Trouble(f"{self.name}’s answer is not JSON: is its address right?") from None

    def text(self, method: str, path: str, **more: Any) -> str:
        response = self._sent(method, f"{self.base}{path}", more)
        try:
            body = self._body(response)
        finally:
            response.close()
        if response.status_code >= 300:
            raise self._refused(response, body)
        return body

    def close(self) -> None:
        self.session.close()

    def _sent(self, method: str, url: str, more: dict[str, Any]) -> Response:
        try:
            return self.session.request(method, url, timeout=TIMEOUT, allow_redirects=False, stream=True, **more)
        except (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError) as error:
            certificate = isinstance(error, requests.exceptions.SSLError)
            why = "shows no certificate that is trusted" if certificate else "cannot be reached"
            raise Trouble(f"{self.name} {why}.", Fault.SERVER) from None
        except requests.Timeout:
            raise Trouble(f"{self.name} did not answer in time.", Fault.LOST) from None
        except requests.ConnectionError as error:
            never = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            why, fault = ("cannot be reached", Fault.SERVER) if never else ("broke the connection off", Fault.LOST)
            raise Trouble(f"{self.name} {why}.", fault) from None
        except (requests.RequestException, ValueError):
            raise Trouble(f"{self.name}’s answer cannot be read.", Fault.LOST) from None

    def _body(self, response: Response) -> str:
        ends, body = time.monotonic() + SLOWEST, bytearray()
        try:
            for part in response.iter_content(64 * 1024):
                body += part
                if len(body) > LARGEST:
                    raise Trouble(f"{self.name}’s answer is too long.", Fault.LOST)
                if time.monotonic() > ends:
                    raise Trouble(f"{self.name} did not end its answer in time.", Fault.LOST)
        except requests.RequestException:
            raise Trouble(f"{self.name}’s answer broke off.", Fault.LOST) from None
        return body.decode(errors="replace")

    def _refused(self, response: Response, body: str) -> Trouble:
        status, wait = response.status_code, asked_wait(response.headers.get("Retry-After", ""), clock.now())
        if status == 401:
            return Trouble(f"{self.name} does not accept our sign-in (401).", Fault.SERVER)
        if status in {429, 503}:
            return Trouble(f"{self.name} asks us to come later ({status}).", Fault.SERVER, wait)
        if status < 400:
            return Trouble(f"{self.name} has moved: set CHANGE_SYSTEM_URL to its new address.", Fault.SERVER)
        why = reason(body)
        sentence = f"{self.name} answered {status}{f': {why}' if why else ''}."
        return Trouble(sentence, Fault.FINAL if status in FINAL else Fault.LATER)


def reason(body: str) -> str:
    """What an error's answer says to people: ServiceNow has one object, AR System a list of messages."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        parts = [said["error"].get("message"), said["error"].get("detail")]
    elif isinstance(said, list) and said and isinstance(said[0], dict):
        parts = [said[0].get("messageText"), said[0].get("messageAppendedText")]
    else:
        return ""
    words = ", ".join(str(each) for each in parts if each)
    return " ".join("".join(char if char.isprintable() else " " for char in words).split()).rstrip(".")[:300]
