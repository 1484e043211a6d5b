"""What happened to a deployment, in words, from the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deployments.models import Deployment
from workflow.models import Event


@dataclass(frozen=True)
class Entry:
    icon: str
    who: str
    text: str
    at: datetime
    quote: str = ""
    initials: str = ""


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
    ("exemption", "request"): ("exempt", "asked for an exemption"),
    ("exemption", "note"): ("exempt", "wrote about the exemption: {text}"),
    ("exemption", "grant"): ("exempt", "granted the exemption: {condition}"),
    ("exemption", "deny"): ("stop", "denied the exemption"),
    ("exemption", "lapse"): ("stop", "closed the exemption without a decision"),
    ("exemption", "withdraw"): ("exempt", "withdrew the request for an exemption"),
    ("pull_request", "plan"): ("pr", "added {subject}"),
    ("pull_request", "unplan"): ("pr", "took {subject} out"),
    ("pull_request", "review"): ("pr", "reviewed {subject}: {verdict}"),
    ("pull_request", "new_head"): ("pr", "recorded new commits on {subject}"),
    ("crq", "open"): ("doc", "created {subject}"),
    ("crq", "approve"): ("done", "approved the CRQ"),
    ("crq", "return"): ("review", "asked for changes"),
    ("crq", "void"): ("stop", "voided the approval"),
    ("crq", "close"): ("doc", "closed the CRQ: {closure}"),
    ("crq", "correct"): ("doc", "corrected how the CRQ was closed: {closure}, not {was}"),
    ("crq", "attach_justification"): ("doc", "attached {name}, version {version}"),
    ("crq", "attach_tests"): ("doc", "attached {name}, version {version}"),
    ("crq", "attach_plan"): ("doc", "attached {name}, version {version}"),
}


def timeline(deployment: Deployment) -> list[Entry]:
    """Oldest first; what only echoes another entry is left out."""
    events = Event.objects.filter(deployment_id=deployment.pk).select_related("actor", "for_user")
    return [_entry(event) for event in events if (event.object_type, event.action) in SAID]


def _entry(event: Event) -> Entry:
    icon, words = SAID[event.object_type, event.action]
    values = {key: _plain(value) for key, value in event.data.items()} | {"subject": event.subject}
    text = words.format_map(_Known(values)).strip().rstrip(":")
    who = event.data.get("approver") or event.actor_name  # the approval came with the exemption request
    return Entry(icon, who, text, event.at, event.reason)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(str(each) for each in value))
    return str(value).replace("_", " ")


class _Known(dict[str, str]):
    """An older event may lack a value: nothing is shown for it."""

    def __missing__(self, key: str) -> str:
        return ""
