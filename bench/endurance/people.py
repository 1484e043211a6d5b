"""Eight people who act over HTTP, by pages and by the API, and remember what they were answered."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

PDF = b"%PDF-1.4\n%endurance "
PATIENCE = 60.0
"""Seconds for which an act with an Idempotency-Key is tried again until it is answered."""
SELDOM = {"withdraw": 0.02, "move": 0.03, "fail": 0.05, "back_out": 0.1, "undo_start": 0.05, "undo_finish": 0.05,
          "return": 0.05, "new_head": 0.05, "deny": 0.2, "comment": 0.05, "review": 0.7, "note": 0.1}  # fmt: skip
"""How readily an act that is allowed is done when it comes to mind; 1 where nothing is said."""
UNUSED = {"plan", "decide", "reorder", "skip", "substitute", "freeze", "unfreeze", "unskip", "hold", "keep", "unkeep",
          "hold_legally", "release_legally", "place_hold", "lift_hold"}  # fmt: skip
ENDED = {"withdrawn", "verified", "backed_out", "closed", "shipped"}
PAGES = ("/", "/weeks/", "/crqs/", "/pull-requests/", "/emails/", "/approve/", "/search/?q=portal", "/reviews/")


@dataclass
class Act:
    """One intention and its outcome: `status` is the last answer, 0 when there never was one."""

    who: int
    flow: str
    action: str
    key: str
    token: str
    status: int = 0
    tries: int = 0
    late: bool = False


@dataclass
class Record:
    """What all people met, since the event `last_event`; filled by many threads."""

    last_event: int
    acts: list[Act] = field(default_factory=list)
    implied: list[Act] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    lost: list[float] = field(default_factory=list)
    failures: list[tuple[float, str]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Person(threading.Thread):
    """`sites` are the addresses of the web processes; each request goes to one by chance, as behind a balancer."""

    def __init__(self, name: str, facts: dict[str, Any], sites: list[str], record: Record, until: float) -> None:
        super().__init__(name=name, daemon=True)
        mine = facts["people"][name]
        self.pk, self.chance, self.facts = mine["id"], random.Random(name), facts  # noqa: S311
        self.sites, self.record, self.until = sites, record, until
        self.bearer = {"Authorization": f"Bearer {mine['token']}"}
        self.cookies = {"sessionid": mine["session"], "csrftoken": "c" * 32}
        self.numbers = iter(range(self.pk * 100_000 + 1, (self.pk + 1) * 100_000))
        self.broken = ""

    def run(self) -> None:
        deeds: list[Callable[[], None]] = [self.look, self.remark, self.walk, self.walk, self.walk, self.walk]
        if self.name in {"developer", "reviewer", "other_developer", "manager", "other_manager"}:
            deeds += [self.submit, self.plan, self.open]
        if "manager" in self.name:
            deeds += [self.ask, self.ask]
        if self.name in {"developer", "reviewer", "manager", "devops"}:
            deeds += [self.install, self.install]
        while time.monotonic() < self.until:
            try:
                self.chance.choice(deeds)()
            except Exception as error:  # noqa: BLE001 (a fault of the run itself, told at its end)
                self.broken = f"{type(error).__name__}: {error}"
            time.sleep(self.chance.uniform(0.1, 0.5))

    # --- What comes to mind --------------------------------------------------------------------------------------
    def look(self) -> None:
        """A page."""
        week = self.chance.choice(self.facts["weeks"][: self.facts["hurried"] + 1])
        path = self.chance.choice([*PAGES, f"/weeks/{week}/", f"/weeks/{week}/install/"])
        self._send("GET", path, cookies=self.cookies)

    def remark(self) -> None:
        """A comment by the page's form. Without an answer nobody knows what became of it; it is not sent again."""
        found = self._one("deployments")
        if found:
            act = self._act("deployment", "comment", str(found["id"]))
            form = {"text": act.token, "csrfmiddlewaretoken": "c" * 32}
            answer = self._send("POST", f"/deployments/{found['id']}/comments/", act, cookies=self.cookies, data=form)
            act.status = answer.status_code if answer is not None else 0

    def submit(self) -> None:
        application = self.chance.choice(self.facts["applications"])
        url = f"{self.chance.choice(application['repositories'])}/pull/{next(self.numbers)}"
        act = self._act("pull_request", "submit", "")
        body = {"url": url, "title": act.token, "head_sha": f"{self.chance.getrandbits(160):040x}"}
        self._make(act, "pull-requests", body)

    def plan(self) -> None:
        waiting = self._list("pull-requests", view="waiting")
        weeks = self.facts["weeks"][: self.facts["hurried"] + 1]
        application = self.chance.choice(self.facts["applications"])
        pulls = [each["id"] for each in waiting if each["url"].rpartition("/pull/")[0] in application["repositories"]]
        act = self._act("deployment", "plan", "")
        body = {"application": application["id"], "title": act.token, "pull_requests": pulls[:2]}
        self._make(act, "deployments", body | {"week": self.chance.choice(weeks)})

    def open(self) -> None:
        bare = [each for each in self._list("deployments") if each["crq"] is None and each["status"] == "planned"]
        if bare:
            act = self._act("crq", "open", "")
            self._make(act, "crqs", {"deployment": self.chance.choice(bare)["id"], "title": act.token})

    def ask(self) -> None:
        """For an exemption, with a late approval."""
        held = [each for each in self._list("deployments", status="held") if each["crq"]]
        if held:
            number = self.chance.choice(held)["crq"]["number"]
            digest = (self._read(f"crqs/{number}") or {}).get("digest")
            act = self._act("exemption", "request", "")
            body = {"crq": number, "why": act.token, "why_now": "Fixed by law", "risk": "Low"}
            approve = {"approve": True, "digest": digest} if digest and self.chance.random() < 0.8 else {}
            if self._make(act, "exemptions", body | approve) is not None and approve:
                with self.record.lock:  # it counts when the exemption is granted, and only then
                    self.record.implied.append(Act(self.pk, "crq", "approve", number, ""))

    def walk(self) -> None:
        """Goes to any object and does what it offers; now and then what it refuses."""
        path = self.chance.choice(
            ["deployments", "deployments", "crqs", "crqs", "pull-requests", "exemptions", "weeks"]
        )
        row = self._one(path)
        if row is not None:
            self._visit(
                path, str(row["thursday"] if path == "weeks" else row["number"] if path == "crqs" else row["id"])
            )

    def install(self) -> None:
        """Goes where something is to be installed or verified, or to its week, whose batch has to be complete."""
        rows = self._list("deployments", status=self.chance.choice(["cleared", "installing", "installed"]))
        if rows:
            row = self.chance.choice(rows)
            self._visit(*self.chance.choice([("deployments", str(row["id"])), ("weeks", row["week"])]))

    def _visit(self, path: str, key: str) -> None:
        found = self._read(f"{path}/{key}")
        if found is None:
            return
        stubborn = self.chance.random() < 0.1
        offers = [each for each in found["actions"] if each["allowed"] != stubborn and each["action"] not in UNUSED]
        offers = [each for each in offers if self.chance.random() < _readiness(each["action"], found)]
        if offers:
            self._do(path, key, self.chance.choice(offers), found)

    def _do(self, path: str, key: str, offer: dict[str, Any], found: dict[str, Any]) -> None:
        flow = {"deployments": "deployment", "crqs": "crq", "pull-requests": "pull_request",
                "exemptions": "exemption", "weeks": "week"}[path]  # fmt: skip
        act = self._act(flow, offer["action"], key)
        if act.action.startswith("attach_"):
            sent: dict[str, Any] = {"files": {"file": (f"{act.token}.pdf", PDF + act.token.encode())}}
        else:
            sent = {"json": self._body(act, offer, found)}
        self._persist(act, f"/api/v1/{path}/{key}/actions/{act.action}", sent)

    def _body(self, act: Act, offer: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"reason": act.token} if offer["needs_reason"] else {}
        match act.action:
            case "record_branch":
                names = {each["repository"]["id"] for each in found["pull_requests"]}
                body = {"branches": [{"repository": each, "name": "release/endurance"} for each in names]}
            case "record_core_dev":
                body = {"result": "success", "build": act.token}
            case "move":
                body["week"] = self.chance.choice(self.facts["weeks"])
            case "comment" | "note":
                body = {"text": act.token}
            case "review":
                body = {"verdict": "approved", "sha": found["head_sha"], "note": act.token}
            case "new_head":
                body = {"sha": f"{self.chance.getrandbits(160):040x}"}
            case "approve":
                body = {"digest": found["digest"]}
            case "grant":
                body = {"reason": act.token}
        return body

    # --- How it is sent ------------------------------------------------------------------------------------------
    def _act(self, flow: str, action: str, key: str) -> Act:
        act = Act(self.pk, flow, action, key, f"mark-{self.pk}-{next(self.numbers)}")
        with self.record.lock:
            self.record.acts.append(act)
        return act

    def _make(self, act: Act, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        answer = self._persist(act, f"/api/v1/{path}", {"json": body})
        if answer is None or answer.status_code != 201:
            return None
        made: dict[str, Any] = answer.json()
        act.key = str(made["number"] if path == "crqs" else made["id"])
        return made

    def _persist(self, act: Act, path: str, sent: dict[str, Any]) -> requests.Response | None:
        """Sends the same again until it is answered; the key makes it count once."""
        headers, until = self.bearer | {"Idempotency-Key": act.token}, time.monotonic() + PATIENCE
        while time.monotonic() < until:
            answer = self._send("POST", path, act, headers=headers, **sent)
            if answer is not None and answer.status_code < 500 and not _busy(answer):
                act.status = answer.status_code
                return answer
            time.sleep(0.5)
        return None

    def _send(self, method: str, path: str, act: Act | None = None, **more: Any) -> requests.Response | None:
        """None when the connection broke."""
        began = time.monotonic()
        if act:
            act.tries += 1
        try:
            site = self.chance.choice(self.sites)
            answer = requests.request(method, site + path, timeout=30, allow_redirects=False, **more)
        except requests.RequestException:
            with self.record.lock:
                self.record.lost.append(time.monotonic())
            return None
        with self.record.lock:
            self.record.answers[f"{method} {answer.status_code}"] += 1
            self.record.waits.append(time.monotonic() - began)
            if answer.status_code >= 500 or (method == "GET" and answer.status_code not in {200, 302}):
                self.record.failures.append(
                    (time.monotonic(), f"{answer.status_code} {method} {path}: {answer.text[150:260]}")
                )
        return answer

    def _read(self, path: str, **query: str) -> Any:
        answer = self._send("GET", f"/api/v1/{path}", headers=self.bearer, params=query)
        return answer.json() if answer is not None and answer.status_code == 200 else None

    def _list(self, path: str, **query: str) -> list[dict[str, Any]]:
        found = self._read(path, **query)
        rows: list[dict[str, Any]] = found["items"] if found else []
        return rows

    def _one(self, path: str) -> dict[str, Any] | None:
        """By chance; of deployments and CRQs mostly one that has not ended."""
        rows = self._list(path)
        living = [row for row in rows if row.get("status") not in ENDED]
        rows = living if living and self.chance.random() < 0.95 else rows
        if path == "weeks":
            rows = [row for row in rows if row["thursday"] in self.facts["weeks"][: self.facts["hurried"]]]
        return self.chance.choice(rows) if rows else None


def _readiness(action: str, found: dict[str, Any]) -> float:
    """What is there already is seldom done again: it would take approvals back all the time."""
    kinds = {each["kind"] for each in found.get("documents", ())}
    again = {
        "record_branch": bool(found.get("branches")),
        "record_core_dev": bool((found.get("core_dev") or {}).get("result")),
        "review": bool(found.get("fully_approved")),
    }
    return 0.05 if again.get(action) or action.removeprefix("attach_") in kinds else SELDOM.get(action, 1)


def _busy(answer: requests.Response) -> bool:
    return answer.status_code == 409 and '"busy"' in answer.text
