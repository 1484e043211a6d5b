"""What channels hear of: the same occasions as the letters, without names beyond who acted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from deployments.models import Deployment
from notifications import posts
from notifications.posts import News, Subject

Context = Mapping[str, Any]
TITLES: Mapping[str, str] = {
    "approval_needed": "Approval needed",
    "crq_approved": "Approved",
    "crq_returned": "Changes asked for",
    "exemption_requested": "Exemption asked",
    "verify_needed": "Installed",
    "backed_out": "Backed out",
    "withdrawn": "Withdrawn",
}


def post(kind: str, context: Context, *, key: str, now: datetime, not_before: datetime | None = None) -> None:
    """Given a letter's kind, context and key. A reminder of what was told before is for people, not for channels."""
    if context.get("action") == "remind" or not (channels := posts.listeners(kind)):
        return
    news = News(
        url=context["url"],
        week=context["week"].thursday.isoformat(),
        by=context.get("actor", ""),
        reason=context.get("reason", ""),
    )
    reasons = context.get("reasons", {})
    about = [_subject(each, reasons.get(each, "")) for each in _deployments(kind, context)]
    title = _title(kind, context)
    posts.tell(channels, kind, title, news, about=about, key=key, now=now, not_before=not_before)


def _deployments(kind: str, context: Context) -> list[Deployment]:
    if kind in TITLES_OF_WEEKS:
        return []
    return context["deployments"] if "deployments" in context else [context["deployment"]]


def _title(kind: str, context: Context) -> Mapping[int, str] | str:
    if kind in TITLES_OF_WEEKS:
        return TITLES_OF_WEEKS[kind](context)
    if kind == "window_open":
        return {1: "Installs are open", 0: "deployments can be installed: installs are open"}
    if kind == "deadline_missed":
        late = context["only_late"]
        return {1: "Late" if late else "Held", 0: f"deployments are {'late' if late else 'held'}"}
    word = CASES[kind](context) if kind in CASES else TITLES[kind]
    return {1: word, 0: word.lower()}


def _decided(context: Context) -> str:
    words = {"granted": "Exemption granted", "lapsed": "Exemption lapsed, no decision"}
    return words.get(context["exemption"].status, "Exemption denied")


CASES: Mapping[str, Callable[[Context], str]] = {
    "exemption_decided": _decided,
    "install_failed": lambda c: "Verification failed" if c["before"] == "installed" else "Install failed",
    "moved": lambda c: f"Moved to {c['note']['to']}",
}


def _week_changed(context: Context) -> str:
    week = context["week"]
    return f"Code install after all in the {week}" if week.install_day else f"No code install in the {week}"


TITLES_OF_WEEKS: Mapping[str, Callable[[Context], str]] = {
    "week_warning": _week_changed,
    "planned_deployments": lambda c: c["subject"],
    "completion_status": lambda c: c["subject"],
}


def _subject(deployment: Deployment, reason: str) -> Subject:
    crq, application = getattr(deployment, "crq", None), deployment.application
    return Subject(
        title=deployment.title,
        application=application.name,
        team=application.team.name,
        crq=crq.number if crq else "",
        url=posts.absolute(deployment.get_absolute_url()),
        reason=reason,
    )
