"""An event in words: who did what to what, and where that is shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from crq.timeline import SAID
from workflow.models import Event
from workflow.steps import Flow

PLACE = re.compile(r"\{(\w+)\}")
# What no deployment's own story tells, or tells with the subject in the middle of the sentence.
MORE = {
    ("crq", "open"): ("doc", "created"),
    ("crq", "attach_justification"): ("doc", "attached the business justification to"),
    ("crq", "attach_tests"): ("doc", "attached the test results to"),
    ("crq", "attach_plan"): ("doc", "attached the install and backout plan to"),
    ("pull_request", "new_head"): ("pr", "recorded new commits"),
    ("pull_request", "plan"): ("pr", "added to {deployment}"),
    ("pull_request", "review"): ("pr", "reviewed ({verdict})"),
    ("pull_request", "unplan"): ("pr", "took out of {deployment}"),
    ("announcement", "draft"): ("mail", "drafted the e-mail"),
    ("announcement", "edit"): ("mail", "edited the e-mail"),
    ("announcement", "refresh"): ("mail", "refreshed the e-mail"),
    ("announcement", "test"): ("mail", "tried out the e-mail"),
    ("announcement", "schedule"): ("mail", "chose when to send the e-mail"),
    ("announcement", "unschedule"): ("mail", "chose no time for the e-mail"),
    ("announcement", "send"): ("mail", "sent the e-mail"),
    ("announcement", "take_back"): ("mail", "cancelled sending the e-mail"),
    ("announcement", "release"): ("mail", "let the e-mail go at once"),
    ("announcement", "resend"): ("mail", "sent again where it failed: the e-mail"),
    ("email", "resend"): ("mail", "sent again"),
    ("letter", "resend"): ("mail", "sent again where it failed:"),
    ("follower", "follow"): ("people", "followed"),
    ("follower", "unfollow"): ("people", "stopped following"),
    ("person", "choose_emails"): ("people", "chose which e-mails to get:"),
    ("number_there", "note"): ("copy", "noted a number in another change system:"),
    ("number_there", "forget"): ("copy", "removed a number in another change system:"),
    ("change_there", "send"): ("copy", "sent ours to another change system again:"),
    ("change_there", "accept"): ("copy", "saw what differs in another change system:"),
    ("change_there", "take"): ("copy", "took over the number of another change system:"),
    ("attached_there", "mark"): ("copy", "attached in another change system:"),
    ("attached_there", "unmark"): ("copy", "said that it is not in another change system:"),
    ("retention", "purge"): ("history", "deleted what is older than the retention period:"),
    ("crq", "purge"): ("doc", "deleted the old files of"),
    ("week", "keep"): ("exempt", "put on legal hold:"),
    ("week", "unkeep"): ("exempt", "ended the legal hold of"),
    ("audit", "seal"): ("history", "sealed the audit trail:"),
    ("deployment", "comment"): ("review", "commented on"),
    ("closed_day", "add"): ("cal", "closed a day"),
    ("closed_day", "remove"): ("cal", "opened a closed day again"),
    ("code_review", "schedule"): ("review", "scheduled the code review"),
    ("code_review", "record"): ("review", "recorded an ad hoc review"),
    ("code_review", "announce"): ("mail", "sent the agenda of the code review"),
    ("code_review", "hold"): ("review", "held the code review"),
    ("code_review", "cancel"): ("review", "cancelled the code review"),
    ("code_review", "decide"): ("review", "decided about a pull request"),
    ("code_review", "reschedule"): ("review", "moved the code review"),
    ("code_review", "resume"): ("review", "scheduled the code review again"),
    ("account", "sign_in"): ("people", "signed in ({method}):"),
    ("account", "sign_in_failed"): ("stop", "noted a failed sign-in ({method}) of"),
    ("account", "change_password"): ("people", "changed the password of"),
    ("account", "add_factor"): ("people", "added a way to sign in ({factor}) for"),
    ("account", "remove_factor"): ("people", "removed a way to sign in ({factor}) of"),
    ("account", "renew_codes"): ("people", "renewed the recovery codes of"),
    ("place", "give_role"): ("people", "gave the role {role} to"),
    ("place", "take_role"): ("people", "took the role {role} from"),
    ("place", "confirm"): ("people", "confirmed as {role}:"),
    ("place", "decline"): ("people", "declined as administrator:"),
    ("place", "switch_off"): ("stop", "switched off"),
    ("place", "switch_on"): ("people", "switched on again"),
    ("invitation", "invite"): ("mail", "invited:"),
    ("invitation", "send_again"): ("mail", "sent again the"),
    ("invitation", "revoke"): ("stop", "revoked the"),
    ("invitation", "accept"): ("people", "accepted the"),
    ("invitation", "arrive"): ("people", "noted as accepted the"),
    ("deputy", "appoint"): ("people", "appointed a deputy"),
    ("deputy", "end"): ("people", "ended a deputy’s time"),
    ("milestone", "enforce"): ("cal", "enforced the deadline"),
    ("policy", "change"): ("gear", "changed the schedule"),
    ("pull_request", "refresh"): ("pr", "took over what changed at the forge:"),
    ("pull_request", "record_checks"): ("pr", "recorded checks ({to}) of"),
    ("pull_request", "dismiss_review"): ("pr", "dismissed the review by {reviewer} of"),
    ("pull_request", "recognise"): ("people", "recognised {person} in"),
    ("pull_request", "submit"): ("pr", "submitted"),
    ("pull_request", "resubmit"): ("pr", "submitted again"),
    ("pull_request", "withdraw"): ("pr", "withdrew"),
    ("pull_request", "ship"): ("pr", "shipped"),
    ("pull_request", "unship"): ("pr", "took back from shipped"),
    ("pull_request", "requeue"): ("pr", "returned to the queue"),
    ("forge_connection", "create"): ("gear", "connected the forge"),
    ("forge_connection", "rotate"): ("gear", "made a new secret for the forge"),
    ("forge_connection", "ask"): ("gear", "changed how the API is asked of the forge"),
    ("forge_connection", "disable"): ("gear", "stopped listening to the forge"),
    ("forge_connection", "enable"): ("gear", "listened again to the forge"),
    ("forge_delivery", "replay"): ("gear", "took the delivery again:"),
    ("forge_name", "link"): ("people", "linked {login} to"),
    ("channel", "create"): ("bell", "added the channel"),
    ("channel", "change"): ("bell", "changed the channel"),
    ("channel", "renew"): ("bell", "made a new secret for the channel"),
    ("channel", "test"): ("bell", "sent a test post to the channel"),
    ("channel", "resend"): ("bell", "sent again what was given up for the channel"),
    ("channel", "disable"): ("bell", "turned off the channel"),
    ("channel", "enable"): ("bell", "turned on the channel"),
    ("post", "resend"): ("bell", "sent again the post"),
    ("feed", "make"): ("cal", "made a calendar address:"),
    ("feed", "revoke"): ("cal", "revoked a calendar address:"),
    ("week", "open"): ("cal", "opened the week"),
    ("week", "complete_batch"): ("batch", "marked the batch complete"),
    ("week", "reorder"): ("install", "changed the run order"),
    ("week", "reschedule"): ("cal", "moved dates of the week"),
    ("week", "skip"): ("stop", "skipped the week"),
    ("week", "substitute"): ("cal", "set the install day"),
    ("week", "reopen"): ("cal", "let the week follow the calendar again"),
    ("week", "warn"): ("mail", "warned of the skipped week"),
}
PAGES = {
    "deployment": "deployment",
    "pull_request": "pull-request",
    "code_review": "review",
    "exemption": "exemption",
    "announcement": "announcement",
    "application": "setting-application",
    "team": "setting-team",
    "forge_connection": "setting-forge",
    "forge_delivery": "setting-forge-delivery",
    "channel": "setting-channel",
    "post": "setting-channel-post",
}
PLACES = {
    "change_there": "crq-changes",
    "policy": "schedule",
    "closed_day": "closed-days",
    "deputy": "people",
    "repository": "setting-applications",
    "stakeholder": "setting-recipients",
    "account": "people",
    "forge_name": "setting-forge-people",
    "place": "people",
    "invitation": "people",
}


@dataclass(frozen=True)
class Told:
    """One event as lists show it; `subject_url` is empty where there is nothing to open."""

    key: int
    url: str
    icon: str
    who: str
    text: str
    subject: str
    subject_url: str
    at: datetime
    reason: str
    week: date | None


def told(event: Event) -> Told:
    icon, text = verb(event)
    return Told(
        key=event.pk,
        url=reverse("event", args=[event.pk]),
        icon=icon,
        who=event.actor_name,
        text=text,
        subject=event.subject,
        subject_url=subject_url(event),
        at=event.at,
        reason=event.reason,
        week=event.week,
    )


def verb(event: Event) -> tuple[str, str]:
    """The icon and the words between the person and the subject."""
    known = MORE.get((event.object_type, event.action)) or SAID.get((event.object_type, event.action))
    if known is None:
        return "history", f"did “{label(event.object_type, event.action)}”"
    icon, words = known
    return icon, PLACE.sub(lambda place: _plain(event.data.get(place[1], "")), words).strip().rstrip(":, ")


def _plain(value: object) -> str:
    words = dict.fromkeys(map(str, value)) if isinstance(value, list) else [str(value).replace("_", " ")]
    return ", ".join(words)


def label(object_type: str, action: str) -> str:
    """The words of the step's button; an action of former days speaks for itself."""
    flow = Flow.registry.get(object_type)
    step = flow.steps.get(action) if flow else None
    return step.label if step else action.replace("_", " ")


def kind_label(object_type: str) -> str:
    """ "Deployment", "Code review"."""
    if object_type == "milestone":
        return "Deadline"
    flow = Flow.registry.get(object_type)
    words = str(flow.model._meta.verbose_name) if flow else object_type.replace("_", " ")
    return words if words.isupper() else words[:1].upper() + words[1:]


def subject_url(event: Event) -> str:
    """Where the object, or what shows it, is found."""
    if event.object_type in PAGES:
        return reverse(PAGES[event.object_type], args=[event.object_id])
    if event.object_type in PLACES:
        return reverse(PLACES[event.object_type])
    if event.object_type in {"week", "milestone"} and event.week:
        return reverse("week", args=[event.week])
    return reverse("deployment", args=[event.deployment_id]) if event.deployment_id else ""
