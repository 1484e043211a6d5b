"""A CRQ that is in another change system as well: its number there and the files there, as people note them by hand, or
as the system does where it tells the other one itself (`telling.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import User
from accounts.prepared import Prepared, Slot
from accounts.roles import Role
from crq.change_system.owing import recount
from crq.models import CRQ, AttachedThere, Document, NumberThere
from crq.readiness import Facts
from deployments.flow import lock_deployment
from workflow.acts import Act, act
from workflow.steps import Call, Flow, Refused, Step

CARRIERS = (Role.DEVELOPER, Role.MANAGER, Role.SCRUM_MASTER, Role.DEVOPS)


# --- The number -----------------------------------------------------------------------------------------------
def _lock_number(pk: int) -> NumberThere:
    lock_deployment(NumberThere.objects.values_list("crq__deployment", flat=True).get(pk=pk))
    found = NumberThere.objects.select_related("crq__deployment__application", "crq__deployment__week", "by")
    return found.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _join_crq(there: NumberThere) -> None:
    """A CRQ has one number there, so that a second one takes the place of the first."""
    there.crq.deployment = lock_deployment(there.crq.deployment_id)
    known = NumberThere.objects.filter(crq=there.crq).values_list("pk", flat=True).first()
    there.pk, there._state.adding = known, known is None  # noqa: SLF001 # saved over the first one


def _note(call: Call) -> None:
    there: NumberThere = call.obj
    there.by, there.at = call.by, call.now
    if owner := _owner(there):
        raise Refused.because(f"{there.number} is {owner} here. Look at the number again.", "number")
    was = NumberThere.objects.filter(pk=there.pk).values_list("number", flat=True).first()
    if was and call.by is None:
        raise Refused.because(f"{was} is noted already.", "done")
    call.note = {"number": there.number, "was": was or ""}


def _owner(there: NumberThere) -> str:
    """The other CRQ that has this number here or there."""
    other = CRQ.objects.exclude(pk=there.crq_id)
    if other.filter(number=there.number).exists():
        return "the number of another CRQ"
    known = other.filter(number_there__number=there.number).values_list("number", flat=True).first()
    return f"noted for {known}" if known else ""


def _forgotten(call: Call) -> None:
    call.note = {"number": call.obj.number}


NUMBER = Flow(
    "number_there",
    NumberThere,
    _lock_number,
    [
        Step("note", "Note its number there", roles=CARRIERS, effect=_note, plain=False),
        Step("forget", "Remove the number", roles=CARRIERS, effect=_forgotten, done="The number is removed."),
    ],
    join=_join_crq,
)
NUMBER.complete(consequences={"forget": lambda call: call.obj.delete()}, after=recount)


# --- The files ------------------------------------------------------------------------------------------------
def _lock_mark(pk: int) -> AttachedThere:
    lock_deployment(AttachedThere.objects.values_list("document__crq__deployment", flat=True).get(pk=pk))
    found = AttachedThere.objects.select_related(
        "document__crq__deployment__application", "document__crq__deployment__week", "by"
    )
    return found.select_for_update(no_key=True, of=("self",)).get(pk=pk)


def _join_document(mark: AttachedThere) -> None:
    mark.document.crq.deployment = lock_deployment(mark.document.crq.deployment_id)


def _mark(call: Call) -> None:
    mark: AttachedThere = call.obj
    if AttachedThere.objects.filter(document=mark.document).exists():
        raise Refused.because(f"{mark.document} is marked as attached there already.", "done")
    mark.by, mark.at = call.by, call.now
    call.note = _which(mark.document)


def _unmark(call: Call) -> None:
    call.note = _which(call.obj.document)


def _which(document: Document) -> dict[str, object]:
    return {"name": document.name, "version": document.version, "sha256": document.sha256}


FILE = Flow(
    "attached_there",
    AttachedThere,
    _lock_mark,
    [
        Step("mark", "Mark as attached there", roles=CARRIERS, effect=_mark, plain=False, undone_by="unmark"),
        Step("unmark", "Not attached there", roles=CARRIERS, effect=_unmark, done="It is not marked any more."),
    ],
    join=_join_document,
)
FILE.complete(consequences={"unmark": lambda call: call.obj.delete()})


# --- As the pages show it -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class File:
    """The current version of a document: who attached it there, or which older version is there instead. No `act` for
    who may note nothing: the buttons of the number say why, once.
    """

    name: str
    label: str
    url: str
    version: int
    mark: AttachedThere | None
    older: int
    act: Act | None


@dataclass(frozen=True)
class There:
    number: NumberThere | None
    acts: list[Act]
    files: list[File]


def number_there(crq: CRQ) -> NumberThere | None:
    """One statement."""
    return next(iter(_NUMBER(crq=crq.pk)), None)


_NUMBER = Prepared(lambda: NumberThere.objects.filter(crq=Slot("crq")).select_related("by"))


def there(facts: Facts, *, by: User, now: datetime) -> There:
    """What is noted of a deployment that has a CRQ, with the buttons that note more: two statements of its own."""
    crq = facts.deployment.crq
    crq.deployment = facts.deployment
    number = number_there(crq)
    marks = {each.document_id: each for each in AttachedThere.objects.filter(document__crq=crq).select_related("by")}
    every = list(crq.documents.all())
    for document in every:
        document.crq = crq
    acts = _number_acts(crq, number, by=by, now=now)
    carrier = by if acts[0].enabled else None
    files = [_file(each, every, marks, by=carrier, now=now) for each in facts.documents.values()]
    return There(number, acts if carrier else acts[:1], files)


def _number_acts(crq: CRQ, number: NumberThere | None, *, by: User, now: datetime) -> list[Act]:
    label = "Change the number" if number else ""
    url = reverse("crq-number-there", args=[crq.number])
    note = act(NUMBER, "note", NumberThere(crq=crq), by=by, now=now, label=label, url=url, form_url=url)
    if number is None:
        return [note]
    number.crq = crq
    return [note, act(NUMBER, "forget", number, by=by, now=now)]


def _file(
    document: Document, every: Iterable[Document], marks: dict[int, AttachedThere], *, by: User | None, now: datetime
) -> File:
    mark = marks.get(document.pk)
    older = [each.version for each in every if each.kind == document.kind and each.pk in marks and not mark]
    return File(
        name=document.name,
        label=document.get_kind_display(),
        url=document.get_absolute_url(),
        version=document.version,
        mark=mark,
        older=max(older, default=0),
        act=_file_act(document, mark, by=by, now=now) if by else None,
    )


def _file_act(document: Document, mark: AttachedThere | None, *, by: User, now: datetime) -> Act:
    if mark:
        mark.document = document
        return act(FILE, "unmark", mark, by=by, now=now)
    url = reverse("attached-there", args=[document.crq.number, document.pk])
    return act(FILE, "mark", AttachedThere(document=document), by=by, now=now, url=url)
