"""What happened to a deployment, in words, from the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from accounts.prepared import Prepared, Slot
from deployments.models import Deployment
from workflow.addresses import address
from workflow.markup import rendered
from workflow.models import Event

ATTACHED = "attached"
ONE_GO = timedelta(minutes=10)


@dataclass(frozen=True)
class Link:
    """Something that an entry is about; without an address it is only named."""

    text: str
    url: str


@dataclass(frozen=True)
class Entry:
    """`who` did what `text` says with what `links` name, then `rest`. `quote` is plain, `said` a comment's HTML."""

    icon: str
    who: str
    text: str
    at: datetime
    quote: str = ""
    initials: str = ""
    links: list[Link] = field(default_factory=list)
    rest: str = ""
    said: str = ""
    anchor: str = ""


SAID: dict[tuple[str, str], tuple[str, str]] = {
    ("deployment", "plan"): ("board", "planned this deployment"),
    ("deployment", "record_branch"): ("branch", "merged and created {branches}"),
    ("deployment", "record_core_dev"): ("branch", "deployed to core dev: {result} {build}"),
    ("deployment", "clear"): ("done", "cleared it for install"),
    ("deployment", "unclear"): ("stop", "took the clearance back"),
    ("deployment", "hold"): ("stop", "held it"),
    ("deployment", "release"): ("exempt", "released the hold"),
    ("deployment", "move"): ("cal", "moved it from {from} to {to}"),
    ("deployment", "withdraw"): ("stop", "withdrew the deployment"),
    ("deployment", "start"): ("install", "started the install"),
    ("deployment", "finish"): ("install", "installed it"),
    ("deployment", "undo_start"): ("history", "took the start back"),
    ("deployment", "undo_finish"): ("history", "took “installed” back"),
    ("deployment", "fail"): ("stop", "reported a failure"),
    ("deployment", "back_out"): ("stop", "backed it out"),
    ("deployment", "retry"): ("install", "tried the install again"),
    ("deployment", "remind"): ("mail", "asked the team again to verify"),
    ("deployment", "verify"): ("done", "verified the install"),
    ("nudge", "nudge"): ("mail", "nudged {asked}: {step}"),
    ("deployment", "comment"): ("review", ""),
    ("exemption", "request"): ("exempt", "asked for an exemption"),
    ("exemption", "note"): ("exempt", "wrote about the exemption: {text}"),
    ("exemption", "grant"): ("exempt", "granted the exemption: {condition}"),
    ("exemption", "deny"): ("stop", "denied the exemption"),
    ("exemption", "lapse"): ("stop", "closed the exemption without a decision"),
    ("exemption", "withdraw"): ("exempt", "withdrew the request for an exemption"),
    ("pull_request", "plan"): ("pr", "added {link}"),
    ("pull_request", "unplan"): ("pr", "took {link} out"),
    ("pull_request", "review"): ("pr", "reviewed {link}: {verdict}"),
    ("pull_request", "new_head"): ("pr", "recorded new commits on {link}"),
    ("crq", "open"): ("doc", "created {subject}"),
    ("crq", "approve"): ("done", "approved the CRQ"),
    ("crq", "return"): ("review", "asked for changes"),
    ("crq", "void"): ("stop", "voided the approval"),
    ("crq", "close"): ("doc", "closed the CRQ: {closure}"),
    ("crq", "correct"): ("doc", "corrected how the CRQ was closed: {closure}, not {was}"),
    ("crq", "attach_justification"): ("doc", ATTACHED),
    ("crq", "attach_tests"): ("doc", ATTACHED),
    ("crq", "attach_plan"): ("doc", ATTACHED),
    ("number_there", "note"): ("copy", "noted its number in another change system: {number}"),
    ("number_there", "forget"): ("copy", "removed its number in another change system: {number}"),
    ("change_there", "send"): ("copy", "sent ours to the other change system again"),
    ("change_there", "accept"): ("copy", "saw what differs in the other change system"),
    ("attached_there", "mark"): ("copy", "attached {name}, version {version}, in another change system"),
    ("attached_there", "unmark"): ("copy", "said that {name}, version {version}, is not in another change system"),
}


def timeline(deployment: Deployment) -> tuple[list[Entry], int]:
    """The whole story, and the number of its newest event."""
    events = _STORY(deployment=deployment.pk)
    return entries(events, deployment), max((event.pk for event in events), default=0)


_STORY = Prepared(lambda: Event.objects.filter(deployment_id=Slot("deployment")).select_related("actor", "for_user"))


def entries(events: Iterable[Event], deployment: Deployment) -> list[Entry]:
    """Oldest first; what only echoes another entry is left out, and files attached together are one entry."""
    found: list[Entry] = []
    for event in events:
        if (event.object_type, event.action) not in SAID:
            continue
        entry = _entry(event, deployment)
        if found and _together(found[-1], entry):
            entry = replace(entry, links=found.pop().links + entry.links)
        found.append(entry)
    return found


def _together(before: Entry, entry: Entry) -> bool:
    """Two uploads of one person within a few minutes."""
    uploads = before.text == entry.text == ATTACHED and before.who == entry.who
    return uploads and not before.quote and not entry.quote and entry.at - before.at <= ONE_GO


def _entry(event: Event, deployment: Deployment) -> Entry:
    icon, words = SAID[event.object_type, event.action]
    values = {key: _plain(value) for key, value in event.data.items()} | {"subject": event.subject}
    text, _, rest = words.partition("{link}")
    text, rest = (part.format_map(_Known(values)).strip() for part in (text, rest))
    who = event.data.get("approver") or event.actor_name  # the approval came with the exemption request
    found = Entry(icon, who, text.rstrip(":"), event.at, event.reason, links=_links(event, deployment), rest=rest)
    if event.action != "comment":
        return found
    initials = event.actor.initials if event.actor else ""
    return replace(found, quote="", said=rendered(event.reason), initials=initials, anchor=f"comment-{event.pk}")


def _links(event: Event, deployment: Deployment) -> list[Link]:
    """The file that was attached, or the pull request; what it is about stands in the words."""
    if event.action.startswith("attach_"):
        name = f"{event.data.get('name', '')}, version {event.data.get('version', 1)}"
        crq = getattr(deployment, "crq", None)
        known = crq is not None and "id" in event.data
        return [Link(name, address("document", crq.number, event.data["id"]) if known and crq else "")]
    if event.object_type == "pull_request":
        return [Link(event.subject, address("pull-request", event.object_id))]
    return []


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(str(each) for each in value))
    return str(value).replace("_", " ")


class _Known(dict[str, str]):
    """An older event may lack a value: nothing is shown for it."""

    def __missing__(self, key: str) -> str:
        return ""
