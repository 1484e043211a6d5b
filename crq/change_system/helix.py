"""BMC Helix ITSM by the REST API of AR System: the form that creates changes, the one that finds and updates them, and
the work information that has files.

Shapes are those of BMC's documentation ("The platform REST API references", "Endpoints in AR REST API", "Overview of
the REST API"). None of it was run against a real server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any
from urllib.parse import quote, unquote

from crq.change_system.line import Trouble
from crq.change_system.system import Change, ChangeSystem, plain
from notifications.faults import Fault

ENTRY = "/api/arsys/v1/entry"
CREATE, CHANGE, WORK = "CHG:ChangeInterface_Create", "CHG:ChangeInterface", "CHG:WorkLog"
NUMBER, STATE = "Infrastructure Change ID", "Change Request Status"
FILE = "z2AF Work Log01"
MOST_FILES = 1000


class Helix(ChangeSystem):
    INSTANT = "%Y-%m-%dT%H:%M:%S.000+0000"

    def find(self, ours: str, theirs: str) -> Change | None:
        """Our number stands at the beginning of the field, as it does where a summary carries it."""
        carries = f"'{self.fields.correlation}' LIKE \"{ours}%\""
        query = f"({carries}) OR ('{NUMBER}' = \"{theirs}\")" if theirs else carries
        found = [self._change(each) for each in self._entries(CHANGE, query, NUMBER, STATE, *self.fields.mapped)]
        carrying = [each for each in found if each.number != theirs]
        return next(iter(carrying or found), None)

    def create(self, ours: str, values: Mapping[str, str]) -> Change:
        """The form answers before what stands behind it has made the change, so the change is read afterwards."""
        sent = {"z1D_Action": "CREATE", **self.fields.fixed, **self.tagged(ours, values)}
        self._ask("POST", f"{ENTRY}/{quote(CREATE)}", json={"values": sent})
        return self._there(ours, "")

    def update(self, change: Change, ours: str, values: Mapping[str, str]) -> Change:
        sent = {"z1D_Action": "MODIFY", **self.tagged(ours, values)}
        self._ask("PUT", f"{ENTRY}/{quote(CHANGE)}/{quote(change.key, safe='')}", json={"values": sent})
        return self._there(ours, change.number)

    def files(self, change: Change) -> set[str]:
        entries = self._entries(WORK, f"'{NUMBER}' = \"{change.number}\"", "Description")
        return {str(_values(each).get("Description")) for each in entries}

    def attach(self, change: Change, name: str, file: IO[bytes]) -> None:
        values = {
            NUMBER: change.number,
            "Work Log Type": "General Information",
            "View Access": "Internal",
            "Description": name,
            "Detailed Description": f"Attached by releaseflow: {name}",
            FILE: name,
        }
        parts = {
            "entry": (None, json.dumps({"values": values}), "application/json"),
            f"attach-{FILE}": (name, file, "application/octet-stream"),
        }
        self._ask("POST", f"{ENTRY}/{quote(WORK)}", files=parts)

    def close(self) -> None:
        """A session that is not ended holds a licence there until it runs out."""
        if self.line.authorization:
            with suppress(Trouble):
                self.line.text("POST", "/api/jwt/logout")
        super().close()

    def _there(self, ours: str, theirs: str) -> Change:
        """Where it is not shown yet, whoever sends again decides when: made at once, it could be made twice."""
        found = self.find(ours, theirs)
        if found is None:
            raise Trouble(f"{self.access.name} took the change and does not show it yet: send again.", Fault.FINAL)
        return found

    def _entries(self, form: str, query: str, *fields: str) -> list[Any]:
        params = {"q": query, "fields": f"values({','.join(dict.fromkeys(fields))})", "limit": str(MOST_FILES)}
        answer = self._ask("GET", f"{ENTRY}/{quote(form)}", params=params)
        if not isinstance(answer, dict) or not isinstance(answer.get("entries"), list):
            raise Trouble(f"{self.access.name}’s answer has no entries: is its address right?")
        return list(answer["entries"])

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        if not self.line.authorization:
            who = {"username": self.access.user, "password": self.access.password}
            token = self.line.text("POST", "/api/jwt/login", data=who).strip()
            if not token or len(token.split()) != 1 or not token.isascii():
                raise Trouble(f"{self.access.name} gave no token for our sign-in.", Fault.SERVER)
            self.line.authorization = f"AR-JWT {token}"
        return self.line.ask(method, path, **more)

    def _change(self, entry: object) -> Change:
        """The key is the end of the entry's own address: the form is a join, whose keys have two parts."""
        values, key = _values(entry), unquote(_address(entry).rpartition("/")[2])
        number = plain(str(values.get(NUMBER) or "")).upper()
        if not key or not number:
            raise Trouble(f"{self.access.name}’s answer names no change.")
        texts = {name: (str(values[name] or ""),) for name in self.fields.mapped if name in values}
        return Change(key, number, plain(str(values.get(STATE) or "")), texts)


def _values(entry: object) -> dict[str, Any]:
    values = entry.get("values") if isinstance(entry, dict) else None
    return values if isinstance(values, dict) else {}


def _address(entry: object) -> str:
    links = entry.get("_links") if isinstance(entry, dict) else None
    own = links.get("self") if isinstance(links, dict) else None
    first = own[0] if isinstance(own, list) and own else None
    return str(first.get("href") or "") if isinstance(first, dict) else ""
