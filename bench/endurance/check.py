"""Compares what people were answered with the database: `python -m bench.endurance.check FILE`, in the application's
own environment. The file holds the acts and what the mail server took; prints the faults as a JSON list.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
django.setup()

from crq import keeping  # noqa: E402 (a set-up Django comes first)
from crq.deadlines import JUDGED  # noqa: E402
from crq.models import CRQ, Document, ExemptionRequest, Snapshot  # noqa: E402
from deployments.models import Deployment, Milestone, PullRequest, ReleaseWeek  # noqa: E402
from notifications.models import Email, Letter  # noqa: E402
from tests.stories import unapproved_starts  # noqa: E402
from workflow import audit, clock  # noqa: E402
from workflow.models import Event  # noqa: E402

OK = range(200, 400)
BEGUN = {
    "pull_request": (PullRequest, "title"),
    "deployment": (Deployment, "title"),
    "crq": (CRQ, "title"),
    "exemption": (ExemptionRequest, "why"),
}
BEGINS = {"submit", "plan", "open", "request"}
Key = tuple[int, str, int, str]


def main(path: str) -> None:
    found = json.loads(Path(path).read_text())
    done = acts(found["acts"] + found["implied"], found["last_event"])
    faults = [*done, *marks(found["acts"]), *deadlines(), *letters(found), *trail()]
    counts = {
        "events": Event.objects.count(),
        "deployments": Counter(Deployment.objects.values_list("status", flat=True)),
        "milestones": Event.objects.filter(action="enforce").count(),
        "holds": Event.objects.filter(action="hold").count(),
        "exemptions": Counter(ExemptionRequest.objects.values_list("status", flat=True)),
        "documents": Document.objects.count(),
        "emails": Email.objects.count(),
    }
    sys.stdout.write(json.dumps({"faults": faults, "counts": counts}))


# --- Acts ----------------------------------------------------------------------------------------------------
def acts(done: list[dict[str, Any]], last_event: int) -> Iterator[str]:
    """Every person's events are those that this person was told of; acts that were never answered may be there once.

    `last_event` was there when the run began.
    """
    told: Counter[Key] = Counter()
    open_: Counter[Key] = Counter()
    keys = _keys()
    for each in done:
        if not each["key"]:
            continue
        key = (each["who"], each["flow"], keys[each["flow"]][each["key"]], each["action"])
        told[key] += each["status"] in OK
        open_[key] += each["status"] == 0
    kinds = {(flow, action) for _, flow, _, action in told}
    there: Counter[Key] = Counter()
    since = Event.objects.filter(pk__gt=last_event).exclude(actor=None)
    for actor, flow, pk, action in since.values_list("actor", "object_type", "object_id", "action"):
        if (flow, action) in kinds:
            there[actor, flow, pk, action] += 1
    unborn = Counter(
        (each["who"], each["flow"], each["action"]) for each in done if not each["key"] and not each["status"]
    )
    for key in sorted(told.keys() | there.keys()):
        if key not in told and unborn[key[0], key[1], key[3]]:
            continue
        if not told[key] <= there[key] <= told[key] + open_[key]:
            yield f"{key} was confirmed {told[key]} times, unanswered {open_[key]}, and is there {there[key]} times"


def _keys() -> dict[str, dict[str, int]]:
    """How people name an object, and its number in the database."""
    return {
        "crq": dict(CRQ.objects.values_list("number", "pk")),
        "week": {day.isoformat(): pk for day, pk in ReleaseWeek.objects.values_list("thursday", "pk")},
        **{
            name: {str(pk): pk for pk in model.objects.values_list("pk", flat=True)}
            for name, model in (
                ("deployment", Deployment),
                ("pull_request", PullRequest),
                ("exemption", ExemptionRequest),
            )
        },
    }


def marks(done: list[dict[str, Any]]) -> Iterator[str]:
    """What was typed is there once when it was confirmed, and nowhere when it was refused."""
    typed: Counter[str] = Counter()
    for text, data in Event.objects.values_list("reason", "data"):
        words = [text, *map(data.get, ("build", "note", "text"))]
        typed.update({word for word in words if isinstance(word, str)})
    typed.update(name.removesuffix(".pdf") for name in Document.objects.values_list("name", flat=True))
    for model, field in BEGUN.values():
        typed.update(model._default_manager.values_list(field, flat=True))
    written = {"comment", "submit", "open", "request", "record_core_dev", "note"}
    for each in done:
        if each["action"] not in written and not each["action"].startswith("attach_"):
            if each["status"] not in {0, *OK} and typed[each["token"]]:
                yield f"{each} was refused and is there"
            continue
        least, most = (1, 1) if each["status"] in OK else (0, each["status"] == 0)
        if not least <= typed[each["token"]] <= most:
            yield f"{each} is there {typed[each['token']]} times"


# --- The clock's work ----------------------------------------------------------------------------------------
def deadlines() -> Iterator[str]:
    now = clock.now()
    enforced = Counter(Event.objects.filter(action="enforce").values_list("object_id", flat=True))
    for each in Milestone.objects.select_related("week"):
        wanted = int(each.due_at < now)
        if enforced[each.pk] != wanted or (each.enforced_at is not None) != bool(wanted):
            yield f"{each} was enforced {enforced[each.pk]} times, not {wanted}"
    twice = Counter(Snapshot.objects.values_list("milestone", "deployment"))
    yield from (f"{key} has {times} snapshots" for key, times in twice.items() if times != 1)
    for snapshot in Snapshot.objects.filter(milestone__key__in=JUDGED[:2]).exclude(missing=[]):
        if snapshot.status in {"planned", "cleared"} and not (_held(snapshot) or _exempted(snapshot)):
            yield f"{snapshot} misses {snapshot.missing}, and was not held"
    yield from (f"deployment {pk} was started without an approval" for pk in unapproved_starts())


def _held(snapshot: Snapshot) -> bool:
    """Its hold is written in the instant of the snapshot."""
    return Event.objects.filter(
        object_type="deployment", object_id=snapshot.deployment_id, action="hold", at=snapshot.taken_at
    ).exists()


def _exempted(snapshot: Snapshot) -> bool:
    """An exemption was granted before."""
    granted = ExemptionRequest.objects.filter(status="granted", decided_at__lte=snapshot.taken_at)
    return granted.filter(crq__deployment=snapshot.deployment_id).exists()


# --- E-mail --------------------------------------------------------------------------------------------------
def letters(found: dict[str, Any]) -> Iterator[str]:
    """Every e-mail that was queued was taken by the mail server once; a killed sender may have repeated one."""
    taken = Counter(found["taken"])
    rows = {each.message_id: each for each in Email.objects.all()}
    yield from (f"{each} was taken, and never queued" for each in taken.keys() - rows.keys())
    for name, row in rows.items():
        if row.cancelled_at is None and not (taken[name] and row.sent_at):
            yield f"e-mail {row.pk} to {row.to}: taken {taken[name]} times, sent {row.sent_at}, {row.last_error}"
    repeats = sum(times - 1 for times in taken.values() if times > 1)
    if repeats > found["killed_senders"]:
        yield f"{repeats} e-mails were repeated by {found['killed_senders']} killed senders"
    # An approval is asked for again, in the same words, when the content changed; the key of its letter is the content.
    once = Letter.objects.exclude(kind="approval_needed")
    same = Counter(once.values_list("kind", "subject", "text", "emails__to"))
    yield from (
        f"{kind} to {to} was written {n} times: {subject}" for (kind, subject, _, to), n in same.items() if n > 1
    )


# --- The trail and the files ---------------------------------------------------------------------------------
def trail() -> Iterator[str]:
    verdict = audit.verify()
    yield from (str(each) for each in verdict.findings)
    if verdict.events != Event.objects.count():
        yield f"{verdict.events} events verified of {Event.objects.count()}"
    yield from (f"{document} is {what}" for document, what in keeping.damaged())


if __name__ == "__main__":
    main(sys.argv[1])
