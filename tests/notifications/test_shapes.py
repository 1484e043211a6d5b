"""Titles are anybody's words: in a chat they are text, neither links nor calls to everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from notifications.http import is_public
from notifications.models import Post
from notifications.shapes import body

HOSTILE = "<!channel> @all [free](https://evil.test) *bold* & <https://evil.test|win>\n# head"


def _shaped(kind: str) -> Any:
    deployment = {
        "title": HOSTILE,
        "application": "Portal",
        "team": "Identity",
        "crq": "CRQ1",
        "url": "x",
        "reason": "",
    }
    data = {"title": HOSTILE, "url": "https://releases.test/d/1/", "week": "", "by": "Ida", "reason": HOSTILE}
    return json.loads(body(Post(content={"type": "t", "data": {**data, "deployments": [deployment]}}), kind))


def test_slack_reads_one_link_and_no_mention() -> None:
    text = _shaped("slack")["text"]

    assert text.count("<") == text.count(">") == 1
    assert text.startswith("<https://releases.test/d/1/|&lt;!channel&gt; ")


def test_mattermost_reads_one_link_and_no_mention() -> None:
    text = _shaped("mattermost")["text"]

    assert text.count("](") - text.count("\\](") == 1
    assert not any(call in text for call in ("@all", "<!channel", "https://evil", " *bold", "\n#"))


def test_teams_gets_runs_of_plain_text() -> None:
    card = _shaped("teams")["attachments"][0]["content"]

    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert [run["type"] for run in runs] == ["TextRun"] * 3
    assert runs[0]["text"] == HOSTILE.replace("\n", " ")
    assert runs[1]["text"] == "Portal, Identity, CRQ1, by Ida"


@pytest.mark.parametrize(("count", "lines"), [(2, 3), (10, 11), (12, 12)])
def test_several_deployments_have_a_line_each_up_to_ten(count: int, lines: int) -> None:
    about = [
        {"title": f"T{number}", "application": "Portal", "team": "", "crq": "", "url": "x", "reason": f"Why {number}"}
        for number in range(count)
    ]
    data = {"title": "Held", "url": "https://releases.test/", "week": "", "by": "", "reason": "", "deployments": about}

    found = json.loads(body(Post(content={"type": "t", "data": data}), "slack"))["text"].splitlines()

    assert len(found) == lines
    assert found[1:3] == ["T0, Portal, Why 0", "T1, Portal, Why 1"]
    assert (found[-1] == "and 2 more") is (count == 12)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"),
    ],
)
def test_addresses_inside_a_network_are_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public_addresses_are_told(address: str) -> None:
    assert is_public(address)
