"""Signing in with a password, and what somebody learns who should not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.cache import cache
from django.test import Client

from notifications.delivery import deliver
from notifications.models import Email, Letter
from releaseflow.signin import lifetime
from tests.cast import Cast
from tests.stages import Stage
from workflow import clock
from workflow.models import Event

PASSWORD = "a quiet harbour"
WRONG = "You are not signed in yet"


@pytest.fixture(autouse=True)
def _nobody_has_tried() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_address_and_the_password_sign_in(client: Client, cast: Cast) -> None:
    answer = client.post("/sign-in/", {"login": "Anita.Desai@Example.com", "password": PASSWORD})
    assert (answer.status_code, answer["Location"], signed_in(client)) == (302, "/", True)
    assert Event.objects.get(action="sign_in").data == {"method": "password"}


def test_browsers_know_what_the_fields_are_for(client: Client, cast: Cast) -> None:
    html = client.get("/sign-in/").content.decode()
    assert re.search(r'<input[^>]*name="login"[^>]*autocomplete="username"', html)
    assert re.search(r'<input[^>]*name="password"[^>]*autocomplete="current-password"', html)
    assert "onpaste" not in html
    assert "placeholder" not in html


def test_a_known_and_an_unknown_address_get_the_same_page(stage: Stage) -> None:
    bodies = []
    for address in ("anita.desai@example.com", "nobody.known@example.com"):
        answer = Client().post("/sign-in/", {"login": address, "password": "wrong"})
        assert answer.status_code == 422
        html = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", answer.content.decode())
        bodies.append(html.replace(address, "…"))
    assert bodies[0] == bodies[1]
    assert WRONG in bodies[0]


def test_a_known_and_an_unknown_address_cost_one_look_at_a_password_each(
    client: Client, cast: Cast, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth import hashers

    looks: list[str] = []
    hasher = type(hashers.get_hasher())
    real = hasher.encode

    def watched(*args: Any, **given: Any) -> str:
        looks.append("look")
        return real(*args, **given)

    monkeypatch.setattr(hasher, "encode", watched)
    counts = []
    for address in ("anita.desai@example.com", "nobody.known@example.com"):
        looks.clear()
        Client().post("/sign-in/", {"login": address, "password": "wrong"})
        counts.append(len(looks))
    assert counts == [1, 1]


def test_too_many_tries_lock_that_account_at_that_address_and_nobody_else(client: Client, cast: Cast) -> None:
    for _ in range(5):
        client.post("/sign-in/", {"login": "anita.desai@example.com", "password": "wrong"})
    locked = client.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD})
    assert "Too many tries" in locked.content.decode()
    assert not signed_in(client)
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    elsewhere.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD})
    assert signed_in(elsewhere)
    client.post("/sign-in/", {"login": "hannah.cole@example.com", "password": PASSWORD})
    assert signed_in(client)


def test_failed_sign_ins_are_audited_once_in_a_while_and_without_what_was_typed(client: Client, cast: Cast) -> None:
    for _ in range(3):
        client.post("/sign-in/", {"login": "anita.desai@example.com", "password": "s3cret-typed"})
    client.post("/sign-in/", {"login": "nobody.known@example.com", "password": "wrong"})
    event = Event.objects.get(action="sign_in_failed")
    assert (event.object_id, event.actor, event.data) == (cast.manager.pk, None, {"method": "password"})


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/weeks/", "/weeks/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("http://localhost/weeks/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.example/", "/"),
    ],
)
def test_where_it_goes_on_is_an_address_of_this_host(client: Client, cast: Cast, wanted: str, goes: str) -> None:
    answer = client.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD, "next": wanted})
    assert answer["Location"] == goes


def test_a_session_begun_by_somebody_else_is_not_signed_in(client: Client, cast: Cast) -> None:
    client.get("/sign-in/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted
    client.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/me/").status_code == 302


def test_cookies_are_for_this_site_and_not_for_scripts(client: Client, cast: Cast) -> None:
    client.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_nobody_signs_up(client: Client, cast: Cast) -> None:
    assert client.get("/accounts/signup/").status_code in {302, 404}
    assert client.get("/signup/").status_code in {302, 404}


# --- How long it lasts ---------------------------------------------------------------------------------------
def test_a_session_ends_though_it_is_used(client: Client, cast: Cast, settings: LazySettings) -> None:
    client.force_login(cast.manager)
    session = client.session
    session[lifetime.SINCE] -= settings.SESSION_LIFETIME
    session.save()
    assert client.get("/me/")["Location"].startswith("/sign-in/")


def test_use_puts_off_the_end_and_is_written_down_seldom(client: Client, cast: Cast) -> None:
    client.force_login(cast.manager)
    session = client.session
    session[lifetime.SEEN] -= lifetime.NOTED
    session.save()
    before = client.session[lifetime.SEEN]
    client.get("/me/")
    assert client.session[lifetime.SEEN] > before


def test_whoever_is_switched_off_is_out_at_the_next_request(client: Client, cast: Cast) -> None:
    client.force_login(cast.manager)
    type(cast.manager).objects.filter(pk=cast.manager.pk).update(is_active=False)
    assert client.get("/me/")["Location"].startswith("/sign-in/")
    again = client.post("/sign-in/", {"login": "anita.desai@example.com", "password": PASSWORD})
    assert again["Location"].startswith("/sign-in/")


# --- A forgotten password ------------------------------------------------------------------------------------
def ask(client: Client, email: str) -> str:
    answer = client.post("/sign-in/forgotten/", {"email": email}, follow=True)
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", answer.content.decode())


def link() -> str:
    deliver(clock.now)
    found = re.search(
        r"http://testserver(/sign-in/new-password/\S+)", str(mail.outbox[-1].message()).replace("=\n", "")
    )
    assert found
    return found[1].replace("=3D", "=")


def test_a_known_and_an_unknown_address_are_answered_alike(client: Client, cast: Cast) -> None:
    assert ask(Client(), "anita.desai@example.com") == ask(Client(), "nobody.known@example.com")
    assert [email.to for email in Email.objects.all()] == ["anita.desai@example.com"]


def test_nothing_is_sent_within_the_request(client: Client, cast: Cast) -> None:
    ask(client, "anita.desai@example.com")
    assert mail.outbox == []


def test_the_link_stands_nowhere_but_in_the_copy_that_leaves(client: Client, cast: Cast) -> None:
    ask(client, "anita.desai@example.com")
    address = link()
    letter = Letter.objects.get()
    assert address not in letter.text + letter.html
    assert "/link-only-in-the-delivered-copy/" in letter.text
    key = address.rstrip("/").rpartition("/")[2]
    assert not any(key in str(row) for row in Email.objects.values())


def test_the_link_sets_a_new_password_once_and_ends_other_sessions(client: Client, cast: Cast) -> None:
    elsewhere = Client()
    elsewhere.force_login(cast.manager)
    ask(client, "anita.desai@example.com")
    address = link()
    page = client.get(address, follow=True)
    assert page.request["PATH_INFO"].endswith("/set-password/")
    new = {"password1": "another quiet harbour", "password2": "another quiet harbour"}
    assert client.post(page.request["PATH_INFO"], new).status_code == 302
    assert elsewhere.get("/me/").status_code == 302
    assert "This link is over" in Client().get(address, follow=True).content.decode()
    fresh = Client()
    fresh.post("/sign-in/", {"login": "anita.desai@example.com", "password": "another quiet harbour"})
    assert signed_in(fresh)
    assert Letter.objects.filter(kind="account_changed").exists()


def test_the_link_is_over_after_an_hour(client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from allauth.account.forms import EmailAwarePasswordResetTokenGenerator

    ask(client, "anita.desai@example.com")
    address = link()
    later = EmailAwarePasswordResetTokenGenerator._now
    monkeypatch.setattr(
        EmailAwarePasswordResetTokenGenerator, "_now", lambda self: later(self) + timedelta(seconds=3601)
    )
    assert "This link is over" in client.get(address, follow=True).content.decode()
