"""What answers tell the browser, on every page that each role can reach; and that reaching them changes nothing."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.test import Client

from tests.stages import Stage, moment
from workflow import clock

ROOT = Path(__file__).resolve().parents[2]
ROLES = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "outsider")
SANDBOXED = re.compile(r"^/(emails/\d+/preview|demo/mailbox/\d+)/$")
MOST = 150


class Markup(HTMLParser):
    """Where the links of a page lead, and what a strict policy would refuse to run."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.wrong: list[str] = []
        self.nonces: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"a", "iframe", "img"}:
            self.links.append(given.get("href") or given.get("src") or "")
        if tag == "style" or any(name == "style" or name.startswith("on") for name in given):
            self.wrong.append(self.get_starttag_text() or tag)
        if tag == "script":
            self.nonces.add(given.get("nonce"))
            if "src" not in given:
                self.wrong.append("an inline script")


def read(response: Any) -> Markup:
    markup = Markup()
    markup.feed(response.content.decode())
    return markup


def crawl(client: Client) -> Iterator[tuple[str, Any]]:
    """Every page that links lead to from the first, each address once, the query left out where it only sorts."""
    seen, waiting = {"/"}, ["/"]
    while waiting and len(seen) < MOST:
        url = waiting.pop(0)
        response = client.get(url)
        yield url, response
        if not response.streaming and response["Content-Type"].startswith("text/html"):
            for link in read(response).links:
                path = link.partition("#")[0].partition("?")[0]
                if path.startswith("/") and not path.startswith(("/static/", "//")) and path not in seen:
                    seen.add(path)
                    waiting.append(path)


def state_of_the_database() -> dict[str, str]:
    return {
        model._meta.label: hashlib.sha256(
            repr(list(model._base_manager.order_by("pk").values_list())).encode()
        ).hexdigest()
        for model in apps.get_models()
        if model._meta.label != "sessions.Session"
    }


@pytest.fixture
def busy_week(stage: Stage, settings: LazySettings) -> Stage:
    """Something on every page: an install that runs, one that waits for a decision, a draft and e-mails."""
    settings.ROOT_URLCONF, settings.DEMO = "tests.support.demo_urls", True
    stage.beside().ready()
    stage.installing()
    return stage


@pytest.mark.parametrize("role", ROLES)
def test_every_page_has_its_policy_and_nothing_that_breaks_it(busy_week: Stage, client: Client, role: str) -> None:
    client.force_login(getattr(busy_week.cast, role))
    visited = []
    with clock.frozen(moment(busy_week.week, "install", minutes=10)):
        client.get("/emails/")  # makes the drafts of the weeks ahead on first sight
        before = state_of_the_database()
        for url, response in crawl(client):
            visited.append(url)
            check(url, response)
            for close in response._resource_closers:  # `response.close()` would close the database, too
                close()
        assert state_of_the_database() == before

    assert len(visited) > 15, visited


def check(url: str, response: Any) -> None:
    assert response.status_code in {200, 302, 403}, url
    policy = response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff", url
    assert "default-src 'none'" in policy, url
    if SANDBOXED.match(url) or response.get("Content-Disposition"):
        assert policy.startswith("sandbox; "), url
        return
    assert "unsafe" not in policy, url
    assert "frame-ancestors 'none'" in policy, url
    if response["Content-Type"].startswith("text/html") and response.content:
        markup = read(response)
        assert markup.wrong == [], url
        nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
        assert nonce, url
        assert markup.nonces == {nonce[1]}, url


def test_each_answer_has_its_own_nonce(client: Client, db: None) -> None:
    policies = {client.get("/sign-in/")["Content-Security-Policy"] for _ in range(2)}

    assert len(policies) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
    ],
)
@pytest.mark.parametrize("url", ["/sign-in/", "/", "/nowhere/"])
def test_other_headers(client: Client, db: None, url: str, name: str, value: str) -> None:
    assert client.get(url)[name] == value


def test_features_that_no_page_uses_are_off(client: Client, db: None) -> None:
    assert {"camera=()", "geolocation=()", "payment=()"} <= set(
        client.get("/sign-in/")["Permissions-Policy"].split(", ")
    )


def test_no_template_of_a_page_has_inline_code_or_style() -> None:
    found = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        if "emails" in path.relative_to(ROOT / "templates").parts[:1]:
            continue  # letters are shown in a sandbox that runs nothing
        text = path.read_text()
        found += [f"{path.name}: {match}" for match in re.findall(r"\sstyle=|\son[a-z]+=|<style|javascript:", text)]
        found += [f"{path.name}: {tag}" for tag in re.findall(r"<script[^>]*>", text) if "nonce=" not in tag]
    assert found == []


def test_the_deployment_check_is_silent_and_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    env = {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": "kSJ3s9x-2mQ_7vYb1pLz8RtWc4NfHd6GaEoUiXq0CjT5yMhVgB",
        "SITE_URL": "https://releaseflow.example.com",
        "ALLOWED_HOSTS": "releaseflow.example.com",
    }
    manage = [sys.executable, str(ROOT / "manage.py")]
    checked = subprocess.run(
        [*manage, "check", "--deploy", "--fail-level", "INFO"], env=env, capture_output=True, text=True, check=False
    )
    script = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    names = subprocess.run(
        [*manage, "shell", "-v", "0", "-c", script], env=env, capture_output=True, text=True, check=True
    )

    assert (checked.returncode, checked.stderr) == (0, "")
    assert names.stdout.split() == ["__Host-sessionid", "__Host-csrftoken"]
