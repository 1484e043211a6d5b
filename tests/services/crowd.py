"""A crowd: `python tests/services/crowd.py NUMBER SECONDS` does anything that may come to somebody's mind.

It says "ready". For each line that it reads, an instant in ISO form, five threads with connections of their own pick an
object, an act and a person by chance, at that instant, for so many seconds. Refusals are part of it; whatever else is
raised is printed, in one line of JSON, beside how often each act succeeded.
"""

from __future__ import annotations

import json
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
THREADS = 5
WORDS = {"why": "A regulator asked for it", "why_now": "The date is fixed by law", "risk": "Low"}
PLAIN = {
    "deployment": ("start", "finish", "undo_start", "undo_finish", "fail", "retry", "verify", "comment"),
    "exemption": ("grant", "deny", "withdraw"),
    "crq": ("approve", "approve", "return"),
}


class Person:
    """One thread's acts."""

    def __init__(self, number: int, until: float) -> None:
        self.chance, self.until = random.Random(number), until
        self.done: Counter[str] = Counter()
        self.broken: list[str] = []

    def act(self) -> None:
        from workflow.steps import Refused

        deeds: list[Callable[[], str]] = [self.plain, self.plain, self.plain, self.attach, self.change, self.ask]
        while time.monotonic() < self.until:
            try:
                self.done[self.chance.choice(deeds)()] += 1
            except (Refused, IndexError):  # refused, or there is no such object yet
                self.done["refused"] += 1
            except Exception:  # noqa: BLE001 (that is what this looks for)
                self.broken.append(traceback.format_exc())

    def anyone(self) -> Any:
        from accounts.models import User

        return self.chance.choice(list(User.objects.all()))

    def one(self, model: Any) -> Any:
        return self.chance.choice(list(model.objects.all()))

    def plain(self) -> str:
        from workflow.machine import perform
        from workflow.steps import Flow

        flow = Flow.registry[self.chance.choice(list(PLAIN))]
        action = self.chance.choice(PLAIN[flow.name])
        perform(flow, action, self.one(flow.model), by=self.anyone(), reason="Because.")
        return f"{flow.name}.{action}"

    def attach(self) -> str:
        from django.core.files.uploadedfile import SimpleUploadedFile

        from crq.flow import CRQ_FLOW
        from crq.models import CRQ
        from workflow.machine import perform

        kind = self.chance.choice(["justification", "tests", "plan"])
        file = SimpleUploadedFile("paper.pdf", b"%PDF-1.4\n" + self.chance.randbytes(20))
        perform(CRQ_FLOW, f"attach_{kind}", self.one(CRQ), by=self.anyone(), kind=kind, file=file, name="paper.pdf")
        return "crq.attach"

    def change(self) -> str:
        from deployments.flow import PULL_REQUEST
        from deployments.models import PullRequest
        from workflow.machine import perform

        sha, pull = f"{self.chance.getrandbits(160):040x}", self.one(PullRequest)
        if self.chance.random() < 0.3:
            perform(PULL_REQUEST, "new_head", pull, by=self.anyone(), sha=sha)
            return "pull_request.new_head"
        perform(PULL_REQUEST, "review", pull, by=self.anyone(), verdict="approved")
        return "pull_request.review"

    def ask(self) -> str:
        from crq.exemptions import EXEMPTION
        from crq.models import CRQ, ExemptionRequest
        from workflow.machine import begin

        begin(EXEMPTION, "request", ExemptionRequest(crq=self.one(CRQ), **WORDS), by=self.anyone(), approve=True)
        return "exemption.request"


def live(person: Person, at: datetime) -> Person:
    from django.db import connections

    from workflow import clock

    try:
        with clock.frozen(at):
            person.act()
    finally:
        connections.close_all()
    return person


def crowd(number: int, seconds: float, at: datetime) -> str:
    until = time.monotonic() + seconds
    people = [Person(number * 100 + each, until) for each in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        lived = list(pool.map(lambda person: live(person, at), people))
    done: Counter[str] = sum((person.done for person in lived), Counter())
    return json.dumps({"done": done, "broken": [each for person in lived for each in person.broken]})


def main(number: int, seconds: float) -> None:
    django.setup()
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        print(crowd(number, seconds, datetime.fromisoformat(line.strip())), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
