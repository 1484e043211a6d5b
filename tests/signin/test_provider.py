"""Signing in with an identity provider: the whole way there and back, against one that speaks real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts.models import User
from releaseflow.signin.provider import provider as configured
from tests.cast import Cast
from tests.support import oidc
from workflow.models import Event

ANITA = {"sub": "a-1", "email": "Anita.Desai@example.com", "email_verified": True, "groups": ["staff", "releaseflow"]}


@pytest.fixture(scope="module")
def _running() -> Iterator[oidc.Provider]:
    with oidc.running() as found:
        yield found


@pytest.fixture
def provider(_running: oidc.Provider, settings: LazySettings) -> oidc.Provider:
    _running.claims, _running.deny = dict(ANITA), False
    use(settings, _running)
    return _running


def use(settings: LazySettings, found: oidc.Provider, *claims: str) -> None:
    made = configured(
        name="Acme ID", server_url=found.url, client_id=oidc.CLIENT_ID, secret=oidc.SECRET, claims=list(claims)
    )
    assert made
    settings.OIDC = made
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [made.app]}}


def go(client: Client, **given: str) -> Any:
    """Presses the button, lets the provider answer, and comes back."""
    away = client.post("/sign-in/sso/", given)
    assert away.status_code == 302, away.content.decode()
    back = urlsplit(requests.get(away["Location"], allow_redirects=False, timeout=5).headers["Location"])
    return client.get(f"{back.path}?{back.query}", follow=True)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_known_by_verified_address_comes_in_and_is_linked(
    provider: oidc.Provider, cast: Cast, client: Client
) -> None:
    assert "Continue with Acme ID" in client.get("/sign-in/").content.decode()
    answer = go(client, next="/weeks/")
    assert answer.redirect_chain[0] == ("/weeks/", 302)
    assert answer.wsgi_request.user == cast.manager
    assert Event.objects.get(action="sign_in").data == {"method": "provider"}
    people = User.objects.count()
    again = Client()
    go(again)
    assert (signed_in(again), User.objects.count()) == (True, people)


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"email": "stranger@example.com"}, "stranger@example.com is not known here. Ask Ada Quist to invite you."),
        ({"email_verified": False}, "did not name a verified e-mail address of yours. Ask Ada Quist"),
        ({"email_verified": "true"}, "did not name a verified e-mail address of yours"),
        ({"email": ""}, "did not name a verified e-mail address of yours"),
    ],
)
def test_others_are_refused_with_a_sentence(
    provider: oidc.Provider, cast: Cast, client: Client, claims: dict[str, Any], sentence: str
) -> None:
    provider.claims |= claims
    people = User.objects.count()
    assert sentence in go(client).content.decode()
    assert not signed_in(client)
    assert User.objects.count() == people


@pytest.mark.parametrize(
    "claims", [{"iss": "https://id.elsewhere.example"}, {"aud": "another application"}, {"exp": 1}], ids=str
)
def test_a_token_of_another_issuer_for_another_or_of_the_past_signs_nobody_in(
    provider: oidc.Provider, cast: Cast, client: Client, claims: dict[str, Any]
) -> None:
    provider.claims |= claims

    answer = go(client)

    assert answer.status_code < 500
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()


def test_whoever_is_switched_off_is_not_known(provider: oidc.Provider, cast: Cast, client: Client) -> None:
    User.objects.filter(pk=cast.manager.pk).update(is_active=False)
    assert "is not known here" in go(client).content.decode()
    assert not signed_in(client)


def test_addresses_of_other_domains_are_refused(
    provider: oidc.Provider, cast: Cast, client: Client, settings: LazySettings
) -> None:
    settings.OIDC_EMAIL_DOMAINS = ["acme.example"]
    assert "Addresses at example.com do not sign in here" in go(client).content.decode()


@pytest.mark.parametrize(("claim", "comes_in"), [("groups=releaseflow", True), ("groups=admins", False)])
def test_a_claim_can_be_demanded(
    provider: oidc.Provider, cast: Cast, settings: LazySettings, claim: str, comes_in: bool
) -> None:
    client = Client()
    use(settings, provider, claim)
    html = go(client).content.decode()
    assert signed_in(client) is comes_in
    assert ("does not count you among those who may come in" in html) is not comes_in


def test_an_account_at_the_provider_whose_address_moved_to_somebody_else_is_refused(
    provider: oidc.Provider, cast: Cast, client: Client
) -> None:
    go(client)
    provider.claims |= {"email": "hannah.cole@example.com"}
    stranger = Client()
    assert "belongs to somebody else here" in go(stranger).content.decode()
    assert not signed_in(stranger)


def test_saying_no_at_the_provider_leads_back(provider: oidc.Provider, cast: Cast, client: Client) -> None:
    provider.deny = True
    assert "Acme ID did not sign you in" in go(client).content.decode()


def test_an_answer_that_nobody_asked_for_signs_nobody_in(provider: oidc.Provider, cast: Cast, client: Client) -> None:
    away = client.post("/sign-in/sso/")
    back = urlsplit(requests.get(away["Location"], allow_redirects=False, timeout=5).headers["Location"])
    victim = Client()
    victim.get(f"{back.path}?{back.query}", follow=True)
    assert not signed_in(victim)


def test_a_link_alone_begins_nothing(provider: oidc.Provider, client: Client, db: None) -> None:
    assert client.get("/sign-in/sso/").status_code == 405


def test_nobody_links_a_second_account_while_signed_in(provider: oidc.Provider, cast: Cast, client: Client) -> None:
    client.force_login(cast.developer)
    answer = client.post("/sign-in/sso/?process=connect")
    back = urlsplit(requests.get(answer["Location"], allow_redirects=False, timeout=5).headers["Location"])
    client.get(f"{back.path}?{back.query}", follow=True)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"secret": ""}, "OIDC_CLIENT_SECRET is not set"),
        ({"client_id": ""}, "OIDC_CLIENT_ID is not set"),
        ({"server_url": ""}, "OIDC_SERVER_URL is not set"),
        ({"server_url": "http://id.acme.example"}, "OIDC_SERVER_URL must begin with https://"),
        ({"server_url": "id.acme.example"}, "OIDC_SERVER_URL must begin with https://"),
        ({"claims": ["groups"]}, "OIDC_CLAIMS must look like"),
    ],
    ids=lambda value: next(iter(value)) + "=" + str(next(iter(value.values()))) if isinstance(value, dict) else "",
)
def test_a_bad_value_is_one_sentence_without_the_secret(values: dict[str, Any], sentence: str) -> None:
    good: dict[str, Any] = {
        "name": "Acme",
        "server_url": "https://id.acme.example",
        "client_id": "rf",
        "secret": "hush",
    }
    with pytest.raises(ImproperlyConfigured) as caught:
        configured(**good | {"claims": []} | values)
    assert sentence in str(caught.value)
    assert "hush" not in str(caught.value)


def test_without_any_variable_there_is_no_provider(client: Client, db: None) -> None:
    assert configured(name="single sign-on", server_url="", client_id="", secret="", claims=[]) is None
    assert "Continue with" not in client.get("/sign-in/").content.decode()
