"""The facts that an action records on a locked CRQ. Input arrives in `call.given`."""

from __future__ import annotations

from crq.keeping import keep, sha256
from crq.models import CRQ, Decision, Document
from crq.readiness import Facts
from workflow.machine import for_whom
from workflow.steps import Call, Refused


def open_crq(call: Call) -> None:
    crq: CRQ = call.obj
    crq.opened_at, crq.opened_by = call.now, call.person
    crq.target_date = crq.deployment.week.install_day or crq.deployment.week.thursday
    crq.title = crq.title or crq.deployment.title
    crq.number = crq.number or own_number(crq.deployment_id)
    if CRQ.objects.filter(number=crq.number).exists():
        raise Refused.because(f"{crq.number} is the number of another deployment's CRQ.")


def own_number(deployment_id: int) -> str:
    """A number of ours, from the deployment's own; where somebody pasted that one, the next free step above it."""
    number = 418_000 + deployment_id
    while CRQ.objects.filter(number=f"CRQ{number:012d}").exists():
        number += 1_000_000
    return f"CRQ{number:012d}"


def attach(call: Call) -> None:
    """Given `kind`, `file` (an uploaded file that passed its checks) and `name`: the next version of that document."""
    crq, kind, upload = call.obj, call.given["kind"], call.given["file"]
    digest = sha256(upload)
    current = crq.documents.filter(kind=kind).order_by("-version").first()
    if current and current.sha256 == digest:
        raise Refused.because(f"This is the same file as version {current.version}, so nothing was attached.")
    document = Document.objects.create(
        crq=crq,
        kind=kind,
        version=current.version + 1 if current else 1,
        name=call.given["name"],
        file=keep(upload),
        size=upload.size,
        sha256=digest,
        by=call.person,
        at=call.now,
    )
    call.note |= {"kind": kind, "name": document.name, "version": document.version, "sha256": digest, "id": document.pk}


def approve(call: Call) -> None:
    """Given `digest`, the content that the manager looked at: anything newer must be looked at first.

    Given `approver` by the system: the manager whose approval came with a granted exemption, `approver_for` whom they
    were deputy of.
    """
    facts = Facts.seen(call.obj.deployment)
    digest = facts.digest
    if call.given.get("digest", digest) != digest:
        raise Refused.because("The content changed after you opened this page. Look at what is new, then approve.")
    facts.decide(_decide(call, Decision.Verdict.APPROVED, digest))


def send_back(call: Call) -> None:
    """Its letters go to whoever brought the content: by the facts read here, since the decision changes no content.

    Only an approved CRQ has an approval that stands.
    """
    if call.obj.status == CRQ.Status.APPROVED:
        _void_standing(call, call.reason)
    _decide(call, Decision.Verdict.RETURNED, Facts.of_content(call.obj).remember().digest)


def void(call: Call) -> None:
    _void_standing(call, call.reason)


def close(call: Call) -> None:
    """Given `closure`, how it ended."""
    call.obj.closure = call.given["closure"]
    call.note["closure"] = str(call.obj.closure)


def correct(call: Call) -> None:
    """Given `closure`: what was closed ended otherwise after all."""
    call.note["was"] = str(call.obj.closure)
    close(call)


def _decide(call: Call, verdict: str, digest: str) -> Decision:
    """Given `approver` and `approver_for` by the system, else whoever acts."""
    by, principal = call.given.get("approver"), call.given.get("approver_for")
    if by:
        call.note["approver"] = by.name_for(principal)
    else:
        by, principal = call.person, for_whom(call)
    call.note["digest"] = digest
    return Decision.objects.create(
        crq=call.obj,
        verdict=verdict,
        digest=digest,
        opened_by_id=call.obj.opened_by_id,
        by=by,
        for_user=principal,
        at=call.now,
        reason=call.reason,
    )


def _void_standing(call: Call, because: str) -> None:
    standing = call.obj.decisions.filter(verdict=Decision.Verdict.APPROVED, voided_at=None)
    standing.update(voided_at=call.now, voided_because=because[:500])
