"""Telling another change system: one CRQ at a time is leased in a short transaction, told outside any, and confirmed.

What is told is the CRQ as it is then, so that many changes in a row are told once. Whoever dies between their
acceptance and our confirmation has made no second change: a change is searched by our number before one is made. See
docs/adr/0031.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError

from crq.change_system.by_hand import FILE, NUMBER
from crq.change_system.line import Trouble
from crq.change_system.queue import Tally, confirm, lease, still_ours, troubled
from crq.change_system.system import LONGEST, Change, ChangeSystem
from crq.change_system.systems import chosen
from crq.change_text import as_one, change_fields
from crq.models import CRQ, AttachedThere, ChangeThere, Document, NumberThere
from crq.models.elsewhere import number_there_format
from crq.readiness import Facts, with_facts
from deployments.policy import Deadline
from notifications.faults import Fault
from workflow.machine import begin
from workflow.steps import Refused

logger = logging.getLogger(__name__)

READ_EVERY = timedelta(hours=1)
"""How often what they have is read again, until the CRQ is closed."""
Clock = Callable[[], datetime]


def tell(clock: Clock, *, seconds: float = float("inf"), monotonic: Callable[[], float] = time.monotonic) -> Tally:
    """Tells and reads all that is due; begins none after `seconds`. Does nothing where there is no other system."""
    tally, ends = Tally(), monotonic() + seconds
    system = chosen()
    if system is None:
        return tally
    with system:
        while not tally.fault and monotonic() < ends and (row := lease(clock())):
            _one(system, row, clock, tally)
    return tally


def _one(system: ChangeSystem, row: ChangeThere, clock: Clock, tally: Tally) -> None:
    owed = row.revision > row.told
    try:
        _Telling(system, row, clock).run()
    except Trouble as trouble:
        troubled(row, trouble, clock(), tally)
    except DatabaseError:
        raise
    except Exception as error:
        logger.exception("The change of %s could not be told", row.crq)
        troubled(row, Trouble(f"releaseflow could not make it: {type(error).__name__}."), clock(), tally)
    else:
        tally.told, tally.read = tally.told + owed, tally.read + (not owed)


class _Telling:
    """One CRQ that is leased."""

    def __init__(self, system: ChangeSystem, row: ChangeThere, clock: Clock) -> None:
        self.system, self.row, self.clock = system, row, clock
        self.crq, self.owed = row.crq, row.revision > row.told

    @cached_property
    def facts(self) -> Facts:
        [found] = Facts.of_all(with_facts([self.crq.deployment_id]))
        return found

    def run(self) -> None:
        known = self._noted()
        change = self.system.find(self.crq.number, known or self.row.number)
        if change is None and known:
            raise Trouble(f"{self.system.access.name} has no {known}: is the number right?", Fault.FINAL)
        if change is None and self.crq.status == CRQ.Status.CLOSED:
            return confirm(self.row, None)  # nobody wants it there any more
        if self.owed:
            change = self._send(change)
        if change is None:
            raise Trouble(f"{self.system.access.name} has no {self.row.number} any more.", Fault.FINAL)
        self._learn(change)
        if self.owed:
            self._attach(change)
        self._compare(change)
        return confirm(self.row, None if self.crq.status == CRQ.Status.CLOSED else self.clock() + READ_EVERY)

    def _send(self, change: Change | None) -> Change:
        """Only what is new of ours: what people changed there stays until somebody sends ours again."""
        values = self.system.fields.values(_texts(self.facts, self.system))
        if change is None:
            change = self.system.create(self.crq.number, values)
        elif new := {name: text for name, text in values.items() if self.row.ours.get(name) != text}:
            change = self.system.update(change, self.crq.number, new)
        self.row.ours = values
        return change

    def _learn(self, change: Change) -> None:
        """Their number, noted where none was when it was learnt: what people noted or removed stays as they left it."""
        if self.row.number == change.number:
            return
        try:
            number_there_format(change.number)
        except ValidationError:
            said = f"Their number has a form that cannot be noted here: {change.number[:80]}."
            raise Trouble(said, Fault.FINAL) from None
        if not self.row.number:
            note_number(self.crq, change.number)
        self.row.number = change.number
        still_ours(self.row).update(number=change.number)

    def _attach(self, change: Change) -> None:
        """The current documents that are not marked as attached there; what has our name there was attached already."""
        wanted = [each for each in self.facts.documents.values() if not each.purged_at]
        marked = AttachedThere.objects.filter(document__in=wanted).values_list("document", flat=True)
        missing = [each for each in wanted if each.pk not in set(marked)]
        names = self.system.files(change) if missing else set()
        for document in missing:
            if (name := file_name(document)) not in names:
                with document.file.open("rb") as file:
                    self.system.attach(change, name, file)
            mark(document, self.crq)

    def _compare(self, change: Change) -> None:
        row = self.row
        row.theirs = {name: change.says(name, text) for name, text in row.ours.items() if name in change.texts}
        row.differing, row.state, row.read_at = row.count(self._noted()), change.state[:80], self.clock()

    def _noted(self) -> str:
        return NumberThere.objects.filter(crq=self.crq).values_list("number", flat=True).first() or ""


def _texts(facts: Facts, system: ChangeSystem) -> dict[str, str]:
    """Those of the page to copy from, by the names of `fields.LABELS`."""
    shown = change_fields(facts, site=settings.SITE_URL)
    week, crq = facts.deployment.week, facts.deployment.crq
    return {
        **{each.label.lower().replace(" ", "_"): each.text for each in shown},
        "number": crq.number,
        "numbered_summary": f"{crq.number}: {crq.title}",
        "everything": as_one(shown)[:LONGEST],
        "starts_at": system.instant(week.due(Deadline.INSTALL)),
        "ends_at": system.instant(week.due(Deadline.INSTALL_CLOSE)),
    }


def file_name(document: Document) -> str:
    """With its kind and version, so that it names this file among all that a change has; at most 100 characters."""
    return f"{document.kind} v{document.version} {document.name[-75:]}"


def note_number(crq: CRQ, number: str) -> None:
    """By the system, in a transaction of its own. What somebody noted meanwhile stays; what cannot be noted, because it
    is the number of another CRQ here, is shown as a difference.
    """
    with suppress(Refused):
        begin(NUMBER, "note", NumberThere(crq=crq, number=number), by=None)


def mark(document: Document, crq: CRQ) -> None:
    """By the system. Somebody may have marked it meanwhile, which comes to the same."""
    document.crq = crq
    try:
        begin(FILE, "mark", AttachedThere(document=document), by=None)
    except Refused as refused:
        if refused.refusal.code != "done":
            raise
