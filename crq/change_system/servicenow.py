"""ServiceNow: the Change Management API writes changes, the Table API finds them, the Attachment API has their files.

Shapes are those of ServiceNow's API reference ("Change Management API", "Table API", "Attachment API") and of its OAuth
client credentials. None of it was run against a real instance.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from mimetypes import guess_type
from typing import IO, Any

from crq.change_system.line import Trouble
from crq.change_system.system import Change, ChangeSystem, plain
from notifications.faults import Fault

NORMAL = "/api/sn_chg_rest/change/normal"
TABLE = "change_request"
MOST_FILES = 1000


class ServiceNow(ChangeSystem):
    INSTANT = "%Y-%m-%d %H:%M:%S"

    def find(self, ours: str, theirs: str) -> Change | None:
        query = f"{self.fields.correlation}={ours}" + (f"^ORnumber={theirs}" if theirs else "")
        wanted = ["sys_id", "number", "state", self.fields.correlation, *self.fields.mapped]
        entries = self._ask(
            "GET",
            f"/api/now/table/{TABLE}",
            params={
                "sysparm_query": f"{query}^ORDERBYsys_created_on",
                "sysparm_fields": ",".join(dict.fromkeys(wanted)),
                "sysparm_display_value": "all",
                "sysparm_exclude_reference_link": "true",
                "sysparm_limit": "5",
            },
        )
        found = [self._change(each) for each in self._list(entries)]
        carrying = [each for each in found if each.number != theirs]
        return next(iter(carrying or found), None)

    def create(self, ours: str, values: Mapping[str, str]) -> Change:
        sent = {**self.fields.fixed, **self.tagged(ours, values)}
        return self._change(self._ask("POST", NORMAL, json=sent))

    def update(self, change: Change, ours: str, values: Mapping[str, str]) -> Change:
        return self._change(self._ask("PATCH", f"{NORMAL}/{change.key}", json=self.tagged(ours, values)))

    def files(self, change: Change) -> set[str]:
        entries = self._ask(
            "GET",
            "/api/now/attachment",
            params={
                "sysparm_query": f"table_name={TABLE}^table_sys_id={change.key}",
                "sysparm_limit": str(MOST_FILES),
            },
        )
        return {str(each.get("file_name")) for each in self._list(entries) if isinstance(each, dict)}

    def attach(self, change: Change, name: str, file: IO[bytes]) -> None:
        self._ask(
            "POST",
            "/api/now/attachment/file",
            params={"table_name": TABLE, "table_sys_id": change.key, "file_name": name},
            headers={"Content-Type": guess_type(name)[0] or "application/octet-stream"},
            data=file,
        )

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        if not self.line.authorization:
            self.line.authorization = self._signed_in()
        answer = self.line.ask(method, path, **more)
        if not isinstance(answer, dict) or "result" not in answer:
            raise Trouble(f"{self.access.name}’s answer has no result: is its address right?")
        return answer["result"]

    def _signed_in(self) -> str:
        user, password = self.access.user, self.access.password
        if not self.access.oauth:
            return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
        grant = {"grant_type": "client_credentials", "client_id": user, "client_secret": password}
        answer = self.line.ask("POST", "/oauth_token.do", data=grant)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise Trouble(f"{self.access.name} gave no token for our client.", Fault.SERVER)
        return f"Bearer {token}"

    def _list(self, entries: object) -> list[Any]:
        if not isinstance(entries, list):
            raise Trouble(f"{self.access.name}’s answer is no list.")
        return entries

    def _change(self, entry: object) -> Change:
        """Each field is `{"value": …, "display_value": …}`."""
        if not isinstance(entry, dict):
            raise Trouble(f"{self.access.name}’s answer is no change.")
        key, number = _forms(entry.get("sys_id"))[-1], _forms(entry.get("number"))[-1]
        if not key.isalnum() or not number:
            raise Trouble(f"{self.access.name}’s answer names no change.")
        texts = {name: _forms(entry[name]) for name in self.fields.mapped if name in entry}
        return Change(key, plain(number).upper(), plain(_forms(entry.get("state"))[0]), texts)


def _forms(said: object) -> tuple[str, str]:
    """As people see it, then as it is stored."""
    if isinstance(said, dict):
        return str(said.get("display_value") or ""), str(said.get("value") or "")
    return (str(said), str(said)) if said else ("", "")
