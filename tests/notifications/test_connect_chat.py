"""docs/connect-chat.md shows what is sent, as the code makes it, and names every event."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifications.models import Channel
from notifications.posts import EVENTS, News, Subject, _row
from notifications.shapes import body

PAGE = (Path(__file__).parents[2] / "docs" / "connect-chat.md").read_text()
AT = datetime(2026, 12, 8, 20, 15, tzinfo=UTC)
CRQ = "https://releases.example.com/crq/CRQ000000418207/"
NEWS = News(url=CRQ, week="2026-12-10", by="Anita Desai", reason="Rehearsed on core dev.")
ABOUT = Subject(title="Passkeys for staff", application="Admin portal", team="Identity", crq="CRQ000000418207", url=CRQ)


@pytest.mark.parametrize("kind", Channel.Kind.values)
def test_each_shape_is_shown_as_it_is_sent(kind: str) -> None:
    title = f"Approved: {ABOUT.title}"
    post = _row(Channel(pk=1), "crq_approved", title, NEWS, [ABOUT], key="key", now=AT, not_before=AT)
    shown = re.search(rf"```json {kind}\n(.+?)```", PAGE, re.DOTALL)

    assert shown
    assert json.loads(shown[1]) == json.loads(body(post, kind))


def test_every_event_is_named_with_what_it_means() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", PAGE, re.MULTILINE)

    assert rows == list(EVENTS.values())
