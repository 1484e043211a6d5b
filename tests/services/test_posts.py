"""Posts over real HTTP on loopback: taken, refused, hanging, cut off; and a sender that is killed."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import socket
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.secrets import seal
from notifications import http, posts
from notifications.delivery import MAX_ATTEMPTS, Tally, deliver
from notifications.models import Channel, Post
from tests.support.certificates import certificate
from tests.support.receivers import DROP, HANG, TRICKLE, Receiver, receiver
from tests.support.starts import environment_of_test, go, waiting

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 12, 8, 15, tzinfo=UTC)
SECRET = "whsec_" + b64encode(b"k" * 32).decode()
PAGE = Path(__file__).parents[2] / "docs" / "connect-chat.md"
SENDER = Path(__file__).with_name("sender.py")
KILLED = -9


@pytest.fixture
def there(settings: LazySettings) -> Iterator[Receiver]:
    settings.POST_HOSTS = ["127.0.0.1"]
    with receiver() as found:
        yield found


def channel(there: Receiver, name: str = "Builds", **fields: Any) -> Channel:
    values: dict[str, Any] = {"kind": "webhook", "secret": seal(SECRET), "events": ["withdrawn"]} | fields
    return Channel.objects.create(name=name, address=seal(there.url), host="127.0.0.1", **values)


def queued(*channels: Channel, count: int = 1) -> None:
    news = posts.News(url="https://releases.test/d/1/")
    for number in range(count):
        posts.tell(channels, "withdrawn", "Withdrawn", news, key=f"withdrawn:{number}", now=NOW)


def send(*, after: timedelta = timedelta(0)) -> Tally:
    return deliver(lambda: NOW + after)


def test_a_webhook_is_signed_so_that_others_can_check_it(there: Receiver) -> None:
    queued(channel(there))

    tally = send()

    [(path, headers, body)] = there.posts
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = b64encode(hmac.new(b64decode(SECRET[6:]), signed, hashlib.sha256).digest()).decode()
    assert (tally.sent, path) == (1, "/hook/very-secret?token=abc")
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert json.loads(body)["type"] == "deployment.withdrawn"
    assert Post.objects.get().answer == 204


def test_the_recipe_of_the_documentation_tells_ours_from_others(there: Receiver) -> None:
    [recipe] = re.findall(r"```python\n(.+?)```", PAGE.read_text(), re.DOTALL)
    known: dict[str, Any] = {}
    exec(recipe, known)
    known["time"], ours = NOW.timestamp, known["is_from_releaseflow"]
    queued(channel(there))
    send()
    [(_, headers, body)] = there.posts
    other = "whsec_" + b64encode(b"o" * 32).decode()

    assert ours(SECRET, headers, body)
    assert ours(SECRET, headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}, body)
    assert not ours(SECRET, headers, body + b" ")
    assert not ours(other, headers, body)
    assert not ours(SECRET, headers | {"webhook-id": "msg_other"}, body)
    known["time"] = (NOW + timedelta(minutes=6)).timestamp
    assert not ours(SECRET, headers, body)


def test_a_receiver_that_trickles_is_cut_off(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ALTOGETHER", 0.3)
    there.answers = [TRICKLE]
    queued(channel(there))

    tally = send()

    assert (tally.sent, tally.retried) == (0, 1)
    assert Post.objects.get().last_error == "The connection broke (BadStatusLine)."


@pytest.mark.parametrize("answer", [500, 404, 302, DROP])
def test_what_was_not_taken_comes_again_with_the_same_id_and_bytes(there: Receiver, answer: Any) -> None:
    there.answers = [answer]
    queued(channel(there))

    first, at_once, later = send(), send(), send(after=timedelta(minutes=2))

    assert (first.retried, at_once.sent, later.sent) == (1, 0, 1)
    assert len(set(there.ids)) == 1
    assert there.posts[0][2] == there.posts[1][2]


def test_a_redirect_is_not_followed(there: Receiver) -> None:
    there.answers = [(307, {"Location": there.url})]
    queued(channel(there))

    send()

    assert (len(there.posts), Post.objects.get().answer) == (1, 307)


def test_what_is_refused_for_good_is_parked(there: Receiver) -> None:
    there.answers = [410]
    queued(channel(there))

    assert send().parked == 1
    assert Post.objects.get().last_error == "410 Gone"


def test_given_up_after_eight_attempts(there: Receiver) -> None:
    there.answers = [503] * MAX_ATTEMPTS
    queued(channel(there))

    tallies = [send(after=timedelta(hours=2 * number)) for number in range(MAX_ATTEMPTS)]

    assert (tallies[-2].retried, tallies[-1].parked, len(there.posts)) == (1, 1, MAX_ATTEMPTS)


def test_the_whole_channel_waits_as_long_as_it_asks(there: Receiver) -> None:
    there.answers = [(429, {"Retry-After": "600"})]
    queued(channel(there), count=3)

    first, early, late = send(), send(after=timedelta(seconds=599)), send(after=timedelta(seconds=601))

    assert (first.retried, first.put_back, early.sent, late.sent) == (1, 2, 0, 3)


def test_a_channel_that_hangs_does_not_hold_up_another(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.2)
    with receiver() as hanging:
        hanging.answers = [HANG] * 9
        queued(channel(hanging, "Asleep"), channel(there), count=3)

        tally = send()

        assert (len(hanging.posts), len(there.posts), tally.sent) == (2, 3, 3)
    asleep = Post.objects.filter(channel__name="Asleep")
    assert {post.state for post in asleep} == {"retrying", "waiting"}
    assert all(post.not_before > NOW and "0.2 seconds" in post.last_error for post in asleep)


def test_a_name_that_leads_inside_the_network_gets_nothing(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(None, None, None, "", (address, there.port)) for address in ("127.0.0.1", "93.184.216.34")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    queued(channel(there, kind="slack", secret=""))
    Channel.objects.update(address=seal(f"https://hooks.example.com:{there.port}/x"))

    send()

    assert there.posts == []
    assert "inside a network" in Post.objects.get().last_error


@pytest.mark.parametrize(
    ("named", "trusted", "error"),
    [
        ("hooks.example.com", True, ""),
        ("hooks.example.com", False, "Its certificate is not trusted."),
        ("other.example.com", True, "Its certificate is not trusted."),
    ],
)
def test_https_asks_for_a_certificate_of_that_name(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, named: str, trusted: bool, error: str
) -> None:
    settings.POST_HOSTS = ["hooks.example.com"]
    file = certificate(named, tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file if trusted else tmp_path / "none"))
    with receiver(file) as found:
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", found.port))])
        queued(channel(found))
        Channel.objects.update(address=seal(f"https://hooks.example.com:{found.port}/x"))

        send()

    assert [headers["host"] for _, headers, _ in found.posts] == [f"hooks.example.com:{found.port}"] * (not error)
    assert Post.objects.get().last_error == error


def test_what_cannot_be_unsealed_waits_and_says_so(there: Receiver, settings: LazySettings) -> None:
    queued(channel(there))
    settings.SECRET_KEY = "another"

    tally = send()

    post = Post.objects.get()
    assert (tally.sent, tally.parked, post.attempts, post.state) == (0, 0, 0, "waiting")
    assert post.last_error.endswith("sealed under another SECRET_KEY: enter it again.")


def test_neither_log_nor_row_repeats_the_address(there: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    there.answers = [DROP, 500]
    queued(channel(there), count=3)

    with caplog.at_level(logging.DEBUG):
        send()

    said = caplog.text + "".join(Post.objects.values_list("last_error", flat=True))
    assert "not delivered" in said
    assert "very-secret" not in said


def test_killed_between_acceptance_and_confirmation_repeats_that_one(there: Receiver) -> None:
    queued(channel(there), count=5)
    Post.objects.update(not_before=datetime(2020, 1, 1, tzinfo=UTC))
    environment = environment_of_test(POST_HOSTS="127.0.0.1")

    with waiting(SENDER, environment, "3") as process:
        go(process)
    leased_until = Post.objects.exclude(leased_until=None)[0].leased_until
    assert leased_until is not None
    until: datetime = leased_until
    while_leased, afterwards = deliver(lambda: until - timedelta(seconds=1)), deliver(lambda: until)

    assert process.returncode == KILLED
    assert (while_leased.sent, afterwards.sent) == (0, 3)
    assert sorted(Counter(there.ids).values()) == [1, 1, 1, 1, 2]
    assert Counter(there.ids)[there.ids[2]] == 2
