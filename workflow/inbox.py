"""What a person is asked to do. Each app's `inbox.py` computes its tasks from facts; nobody ticks them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Task:
    """One thing somebody owes. `due` and `since` are aware UTC instants; no `due` means "when you can".

    `pick` names what can be done together with others of its kind: the number of a CRQ that is ready for approval.
    """

    verb: str
    subject: str
    url: str
    why: str
    due: datetime | None = None
    since: datetime | None = None
    who: str = ""
    pick: str = ""

    def late(self, now: datetime) -> bool:
        return self.due is not None and now > self.due
