"""An authenticator app, recovery codes, and where a second factor is demanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from notifications.models import Letter
from tests.cast import Cast
from workflow.models import Event

PASSWORD = "a quiet harbour"


@pytest.fixture(autouse=True)
def _nobody_has_tried() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def code(secret: str, *, step: int = 0) -> str:
    """What an app shows now, or that many half minutes later."""
    return str(format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time())) + step)))


def sign_in(client: Client, user: User) -> Any:
    return client.post("/sign-in/", {"login": user.email, "password": PASSWORD})


def set_up(client: Client, user: User) -> tuple[str, list[str]]:
    """Signs in, adds an app; returns its key and the recovery codes that were shown."""
    sign_in(client, user)
    asked = client.get("/me/sign-in/app/")
    assert asked["Location"].startswith("/me/sign-in/confirm/")
    confirmed = client.post(asked["Location"], {"password": PASSWORD, "next": "/me/sign-in/app/"})
    assert confirmed["Location"] == "/me/sign-in/app/"
    found = re.search(r'<code class="copyable">(\w+)</code>', client.get("/me/sign-in/app/").content.decode())
    assert found
    answer = client.post("/me/sign-in/app/", {"code": code(found[1])})
    assert answer["Location"] == "/me/sign-in/codes/"
    shown = client.get(answer["Location"]).content.decode()
    return found[1], re.findall(r'<code class="copyable">(\d+)</code>', shown)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.django_db(transaction=True)  # allauth tells what changed once it is committed
def test_an_app_is_added_and_asked_for_from_then_on(cast: Cast, client: Client) -> None:
    secret, _ = set_up(client, cast.manager)
    fresh = Client()
    assert sign_in(fresh, cast.manager)["Location"] == "/sign-in/second-factor/"
    assert not signed_in(fresh)
    assert "Second step" in fresh.get("/sign-in/second-factor/").content.decode()
    assert fresh.get("/me/").status_code == 302
    wrong = fresh.post("/sign-in/second-factor/", {"code": "000000"})
    assert (wrong.status_code, "That code is not right" in wrong.content.decode()) == (422, True)
    assert fresh.post("/sign-in/second-factor/", {"code": code(secret, step=1)})["Location"] == "/"
    assert signed_in(fresh)
    events = list(Event.objects.filter(object_type="account").values_list("action", "data"))
    assert events == [
        ("sign_in", {"method": "password"}),
        ("add_factor", {"factor": "TOTP Authenticator"}),
        ("sign_in_failed", {"method": "second factor"}),
        ("sign_in", {"method": "password and second factor"}),
    ]
    assert secret not in str(events)
    assert Letter.objects.filter(subject="An authenticator app was added").count() == 1


def test_a_code_counts_once(cast: Cast, client: Client) -> None:
    secret, _ = set_up(client, cast.manager)
    used = code(secret, step=1)
    answers = []
    for fresh in (Client(), Client()):
        sign_in(fresh, cast.manager)
        answers.append(fresh.post("/sign-in/second-factor/", {"code": used}).status_code)
    assert answers == [302, 422]


def test_a_recovery_code_counts_once(cast: Cast, client: Client) -> None:
    _, codes = set_up(client, cast.manager)
    assert len(codes) == 10
    answers = []
    for fresh in (Client(), Client()):
        sign_in(fresh, cast.manager)
        answers.append(fresh.post("/sign-in/second-factor/", {"code": codes[3]}).status_code)
    assert answers == [302, 422]


def test_recovery_codes_are_shown_once(cast: Cast, client: Client) -> None:
    _, codes = set_up(client, cast.manager)
    client.post("/me/sign-in/codes/")
    assert codes[0] not in client.get("/me/sign-in/codes/").content.decode()


def test_guessing_codes_is_stopped(cast: Cast, client: Client) -> None:
    secret, _ = set_up(client, cast.manager)
    fresh = Client()
    sign_in(fresh, cast.manager)
    for number in range(10):
        fresh.post("/sign-in/second-factor/", {"code": f"00000{number}"})
    answer = fresh.post("/sign-in/second-factor/", {"code": code(secret, step=1)})
    assert "Too many tries" in answer.content.decode()
    assert not signed_in(fresh)


def test_secrets_stand_encrypted_in_the_database(cast: Cast, client: Client) -> None:
    secret, codes = set_up(client, cast.manager)
    kept = str(list(Authenticator.objects.values()))
    assert secret not in kept
    assert not any(each in kept for each in codes)


def test_the_app_is_removed_again(cast: Cast, client: Client) -> None:
    set_up(client, cast.manager)
    assert client.post("/me/sign-in/app/remove/")["Location"] == "/me/sign-in/"
    fresh = Client()
    sign_in(fresh, cast.manager)
    assert signed_in(fresh)
    assert Event.objects.filter(action="remove_factor", object_id=cast.manager.pk).exists()


def test_pages_about_ones_sign_in_show(cast: Cast, client: Client) -> None:
    set_up(client, cast.manager)
    for page in ("", "app/remove/", "codes/", "codes/renew/", "passkeys/", "passkeys/add/", "sessions/", "password/"):
        answer = client.get(f"/me/sign-in/{page}")
        assert answer.status_code == 200, page
        assert "style=" not in re.sub(r"<svg.*?</svg>", "", answer.content.decode(), flags=re.DOTALL), page


# --- Demanded ------------------------------------------------------------------------------------------------
def test_whoever_needs_a_factor_adds_one_first(cast: Cast, client: Client, settings: LazySettings) -> None:
    settings.REQUIRE_MFA = "all"
    sign_in(client, cast.manager)
    assert client.get("/me/")["Location"] == "/me/sign-in/"
    assert client.get("/me/sign-in/").status_code == 200
    set_up(client, cast.manager)
    assert client.get("/me/").status_code == 200


def test_of_administrators_alone(cast: Cast, client: Client, settings: LazySettings) -> None:
    settings.REQUIRE_MFA = "administrators"
    client.force_login(cast.manager)
    assert client.get("/me/").status_code == 200
    client.force_login(cast.administrator)
    assert client.get("/me/")["Location"] == "/me/sign-in/"


# --- Sessions ------------------------------------------------------------------------------------------------
def test_one_signs_out_everywhere_else(cast: Cast, client: Client) -> None:
    other = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
    sign_in(other, cast.manager)
    sign_in(client, cast.manager)
    assert "Firefox on Windows" in client.get("/me/sign-in/sessions/").content.decode()
    assert client.post("/me/sign-in/sessions/").status_code == 302
    assert client.get("/me/").status_code == 200
    assert other.get("/me/").status_code == 302


def test_a_changed_password_ends_other_sessions_and_keeps_this_one(cast: Cast, client: Client) -> None:
    other = Client()
    sign_in(other, cast.manager)
    sign_in(client, cast.manager)
    new = {"password1": "another quiet harbour", "password2": "another quiet harbour"}
    assert client.post("/me/sign-in/password/", {"oldpassword": "wrong"} | new).status_code == 422
    assert client.post("/me/sign-in/password/", {"oldpassword": PASSWORD} | new).status_code == 302
    assert client.get("/me/").status_code == 200
    assert other.get("/me/").status_code == 302
    event = Event.objects.get(action="change_password")
    assert "harbour" not in str(event.data)
