"""A post as its receiver wants it: signed JSON (Standard Webhooks), or a chat's shape. Titles are anybody's words."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from secrets import token_bytes
from typing import Any

from notifications.models import Channel, Post

PREFIX = "whsec_"
LONGEST = 300  # characters of a title or reason in a chat
MOST_NAMED = 10  # deployments
NOTHING = "\u200b"  # no width: it parts what a chat would take for a command
Data = Mapping[str, Any]


def new_signing_secret() -> str:
    """256 random bits as Standard Webhooks writes them."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def body(post: Post, kind: str) -> bytes:
    """The same bytes however often it is made."""
    shape = CHATS.get(kind)
    found = shape(post.content["data"]) if shape else post.content
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def headers(post: Post, secret: str, content: bytes, *, now: datetime) -> dict[str, str]:
    """The id is the post's on every attempt; time and signature are the attempt's."""
    found = {"Content-Type": "application/json", "User-Agent": "releaseflow"}
    if not secret:
        return found
    at = str(int(now.timestamp()))
    signed = f"{post.message_id}.{at}.".encode() + content
    digest = hmac.digest(b64decode(secret.removeprefix(PREFIX)), signed, "sha256")
    signature = f"v1,{b64encode(digest).decode()}"
    return found | {"webhook-id": post.message_id, "webhook-timestamp": at, "webhook-signature": signature}


# --- Chats ---------------------------------------------------------------------------------------------------
def _slack(data: Data) -> dict[str, Any]:
    lines = [f"<{_for_slack(data['url'])}|{_for_slack(_short(data['title']))}>", *map(_for_slack, _lines(data))]
    return {"text": "\n".join(lines), "unfurl_links": False}


def _for_slack(text: str) -> str:
    """These three alone make links and mentions there."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mattermost(data: Data) -> dict[str, Any]:
    lines = [f"[{_for_mattermost(_short(data['title']))}]({data['url']})", *map(_for_mattermost, _lines(data))]
    return {"text": "\n".join(lines)}


def _for_mattermost(text: str) -> str:
    """Markdown's signs are escaped; @channel, <!channel> and web addresses are parted."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+\-.!|>~])", r"\\\1", text)
    return re.sub(r"([@<:])", rf"\1{NOTHING}", escaped)


def _teams(data: Data) -> dict[str, Any]:
    """Runs of a RichTextBlock are not read as Markdown."""
    texts = [{"text": _short(data["title"]), "weight": "Bolder"}, *({"text": line} for line in _lines(data))]
    blocks = [{"type": "RichTextBlock", "inlines": [{"type": "TextRun", **each}]} for each in texts]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in releaseflow", "url": data["url"]}],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _lines(data: Data) -> list[str]:
    """Below the title: of which application and CRQ, who did it, and why; of several deployments a line for each."""
    about, by = data["deployments"], data["by"] and f"by {data['by']}"
    if len(about) > 1:
        named = [_facts(each["title"], *_whose(each), each["reason"]) for each in about[:MOST_NAMED]]
        more = f"and {len(about) - MOST_NAMED} more" if len(about) > MOST_NAMED else ""
        lines = [*named, more, by, data["reason"]]
    else:
        whose, reason = (_whose(about[0]), about[0]["reason"]) if about else ([], "")
        lines = [_facts(*whose, by), data["reason"] or reason]
    return [_short(line) for line in lines if line]


def _whose(deployment: Data) -> list[str]:
    return [deployment["application"], deployment["team"], deployment["crq"]]


def _facts(*facts: str) -> str:
    return ", ".join(filter(None, facts))


def _short(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 1]}…"


CHATS: Mapping[str, Callable[[Data], dict[str, Any]]] = {
    Channel.Kind.SLACK: _slack,
    Channel.Kind.MATTERMOST: _mattermost,
    Channel.Kind.TEAMS: _teams,
}
