"""Pages of the channels: for administrators, with addresses and secrets that nobody reads afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team
from accounts.secrets import seal, unseal
from notifications import delivery, posts
from notifications.models import Channel, Post
from releaseflow.channels.forms import NewChannelForm
from releaseflow.channels.page import failing
from releaseflow.doctor import _channels
from tests.stages import EARLY, Stage
from workflow import clock
from workflow.models import Event

ADDRESS = "https://hooks.chat.example/services/T0/B0/very-secret"
NEW = {"name": "#releases", "kind": "slack", "address": ADDRESS, "events": ["moved", "withdrawn"], "team": ""}
LIST = "/settings/channels/"


@pytest.fixture
def admin(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.administrator)
    return client


def made(name: str = "Builds", **fields: Any) -> Channel:
    values = {"kind": "slack", "address": seal(ADDRESS), "host": "hooks.chat.example", "events": ["moved"], **fields}
    return Channel.objects.create(name=name, **values)


def told(channel: Channel, count: int = 1, **fields: Any) -> list[Post]:
    """Posts that became of what `fields` say."""
    for number in range(count):
        news = posts.News(url="https://releases.test/d/1/")
        posts.tell([channel], "moved", "Moved", news, key=f"moved:{channel.pk}:{number}", now=EARLY)
    Post.objects.filter(channel=channel).update(**fields)
    return list(channel.posts.all())


def act(client: Client, channel: Channel, action: str) -> Any:
    with clock.frozen(EARLY):
        return client.post(f"/act/channel/{channel.pk}/{action}/", follow=True)


# --- Adding and changing -------------------------------------------------------------------------------------
def test_a_chat_is_added_and_its_address_is_never_shown_again(admin: Client) -> None:
    answer = admin.post(LIST, NEW, follow=True)

    channel = Channel.objects.get()
    assert (unseal(channel.address), channel.host, channel.secret) == (ADDRESS, "hooks.chat.example", "")
    assert channel.events == ["moved", "withdrawn"]
    shown = answer.text + admin.get(LIST).text + admin.get(channel.get_absolute_url()).text
    assert "hooks.chat.example" in shown
    assert "very-secret" not in shown + channel.address
    assert "very-secret" not in str(list(Event.objects.values_list("data", "reason", "subject")))


def test_a_signed_webhook_shows_its_secret_once(admin: Client) -> None:
    answer = admin.post(LIST, NEW | {"kind": "webhook"})

    channel = Channel.objects.get()
    secret = unseal(channel.secret)
    assert secret.startswith("whsec_")
    assert secret in answer.text
    assert answer["Cache-Control"] == "no-store"
    assert secret not in admin.get(channel.get_absolute_url()).text
    assert secret not in str(list(Event.objects.values_list("data", "reason", "subject")))


def test_a_new_secret_takes_the_place_of_the_former(admin: Client) -> None:
    channel = made(kind="webhook", secret=seal("whsec_former"))

    answer = admin.post(f"{LIST}{channel.pk}/secret/")

    channel.refresh_from_db()
    assert unseal(channel.secret) in answer.text
    assert unseal(channel.secret) != "whsec_former"


def test_a_chat_has_no_secret_to_renew(admin: Client) -> None:
    channel = made()

    answer = admin.post(f"{LIST}{channel.pk}/secret/", follow=True)

    assert "A chat has no secret but its address." in answer.text
    assert Channel.objects.get().secret == ""


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("address", "http://hooks.chat.example/x", "beginning with https://"),
        ("address", "javascript:alert(1)", "beginning with https://"),
        ("address", "https://", "beginning with https://"),
        ("address", "https://bad host/x", "beginning with https://"),
        ("address", "https://h:99999/x", "beginning with https://"),
        ("address", f"https://{'x' * 252}.com/", "beginning with https://"),
        ("address", "https://chat.example/\x7f", "beginning with https://"),
        ("address", "https://me:pw@chat.example/x", "no user name or password"),
        ("address", "https://10.1.2.3/x", "leads inside a network"),
        ("address", "https://[::1]/x", "leads inside a network"),
        ("address", "https://localhost/x", "leads inside a network"),
        ("address", "", "Fill this in."),
        ("address", "https://chat.example/" + "x" * 2000, "At most 2000 are kept."),
        ("name", "x" * 81, "At most 80 are kept."),
        ("events", [], "Choose at least one."),
        ("events", ["reminder"], "Choose"),
        ("kind", "irc", "Choose"),
        ("team", "999", "Choose"),
    ],
)
@pytest.mark.django_db
def test_what_is_no_channel_is_refused(field: str, value: Any, words: str) -> None:
    form = NewChannelForm(NEW | {field: value})

    assert words in str(form.errors[field])


def test_a_refused_form_keeps_what_was_typed(admin: Client) -> None:
    answer = admin.post(LIST, NEW | {"address": "https://10.1.2.3/x"})

    assert answer.status_code == 422
    assert "leads inside a network" in answer.text
    assert all(typed in answer.text for typed in ("#releases", "https://10.1.2.3/x"))
    assert not Channel.objects.exists()


def test_a_name_that_is_taken_keeps_what_was_typed(admin: Client) -> None:
    made("#releases")

    answer = admin.post(LIST, NEW)

    assert answer.status_code == 422
    assert "#releases is in releaseflow already." in answer.text
    assert ADDRESS in answer.text


def test_what_it_hears_is_changed_and_the_address_stays(admin: Client, stage: Stage) -> None:
    channel, team = made(), stage.cast.team
    form = {"name": "Ours", "events": ["backed_out"], "team": team.pk, "address": ""}

    admin.post(channel.get_absolute_url(), form)

    channel.refresh_from_db()
    assert (channel.name, channel.events, channel.team) == ("Ours", ["backed_out"], team)
    assert unseal(channel.address) == ADDRESS
    event = Event.objects.latest("pk")
    assert (event.action, event.data["events"]) == ("change", ["deployment.backed_out"])


def test_another_address_takes_the_place_of_the_former(admin: Client) -> None:
    channel = made()

    admin.post(
        channel.get_absolute_url(), {"name": "Builds", "events": ["moved"], "address": "https://other.example/y"}
    )

    channel.refresh_from_db()
    assert (unseal(channel.address), channel.host) == ("https://other.example/y", "other.example")
    assert Event.objects.latest("pk").data["address"] == "replaced"


# --- Test posts, off and on ----------------------------------------------------------------------------------
def test_a_double_click_sends_one_test(admin: Client) -> None:
    channel = made()

    act(admin, channel, "test")
    answer = act(admin, channel, "test")

    assert [post.content["type"] for post in channel.posts.all()] == ["test"]
    assert "A test post is on its way already." in answer.text
    assert "<b>Send a test post:</b> A test post is on its way" in admin.get(channel.get_absolute_url()).text


def test_off_takes_back_what_waits_and_hears_nothing(admin: Client) -> None:
    channel = made()
    [_, leased] = told(channel, 2)
    Post.objects.filter(pk=leased.pk).update(leased_until=EARLY + timedelta(minutes=9), attempts=1)

    act(admin, channel, "disable")

    assert {post.state for post in channel.posts.all()} == {"cancelled"}
    assert posts.listeners("moved") == []
    assert "It is off and hears of nothing" in admin.get(channel.get_absolute_url()).text
    assert Event.objects.latest("pk").data["taken_back"] == 2
    assert "turn it on first" in act(admin, channel, "test").text

    act(admin, channel, "enable")
    assert posts.listeners("moved") == [channel]


def test_what_was_queued_in_the_moment_of_turning_off_does_not_leave(admin: Client) -> None:
    channel = made()
    act(admin, channel, "disable")
    told(channel)

    tally = delivery.deliver(lambda: EARLY)

    assert (tally.sent, channel.posts.get().state) == (0, "cancelled")


# --- What became of posts ------------------------------------------------------------------------------------
def test_a_post_that_was_given_up_is_sent_again(admin: Client) -> None:
    channel = made()
    [post, other] = told(channel, 2, parked_at=EARLY, attempts=8, last_error="503 Service Unavailable", answer=503)
    assert "503 Service Unavailable" in admin.get(post.get_absolute_url()).text

    admin.post(f"/act/post/{post.pk}/resend/")

    assert [each.state for each in (Post.objects.get(pk=post.pk), Post.objects.get(pk=other.pk))] == [
        "waiting",
        "parked",
    ]
    act(admin, channel, "resend")
    assert {each.state for each in channel.posts.all()} == {"waiting"}
    assert Event.objects.latest("pk").data["posts"] == 1


def test_only_what_was_given_up_is_sent_again_and_only_where_it_is_on(admin: Client) -> None:
    sent = told(made(), sent_at=EARLY, attempts=1)[0]
    off = made("Off", active=False)
    parked = told(off, parked_at=EARLY, attempts=8)[0]

    assert "was not given up" in admin.post(f"/act/post/{sent.pk}/resend/", follow=True).text
    assert "turn it on first" in admin.post(f"/act/post/{parked.pk}/resend/", follow=True).text
    assert Post.objects.get(pk=parked.pk).parked_at == EARLY


def test_what_was_given_up_long_ago_is_no_news(admin: Client) -> None:
    channel = made()
    told(channel, parked_at=EARLY - timedelta(days=8), attempts=8, last_error="503")

    answer = act(admin, channel, "resend")

    assert "No post of this channel was given up in the last seven days." in answer.text
    assert channel.posts.get().state == "parked"


def test_only_trouble(admin: Client) -> None:
    channel = made()
    told(channel, sent_at=EARLY)
    told(made("Other"), last_error="503 Service Unavailable")
    page = f"{channel.get_absolute_url()}?only=trouble"

    assert "Every post was taken." in admin.get(page).text
    Post.objects.update(last_error="404 Not Found", sent_at=None)
    assert "404 Not Found" in admin.get(page).text


def test_posts_as_a_spreadsheet(admin: Client) -> None:
    channel = made()
    told(channel, last_error="=404 Not Found", answer=404, attempts=1)

    answer: Any = admin.get(channel.get_absolute_url(), {"format": "csv"})
    content = b"".join(answer.streaming_content).decode()

    assert "deployment.moved,Moved,Trying again,1,404" in content
    assert "'=404 Not Found" in content


@pytest.mark.parametrize(
    ("fields", "minutes", "says"),
    [
        ({"sent_at": EARLY, "attempts": 1}, 60, ""),
        ({"attempts": 1, "last_error": "503"}, 2, ""),
        ({"attempts": 4, "last_error": "503 Busy"}, 11, "A post of today, 10:00 am ET is not taken yet. 503 Busy"),
        (
            {"attempts": 8, "last_error": "410 Gone", "parked_at": EARLY},
            1,
            "1 post of the last seven days was given up. 410 Gone",
        ),
        ({"attempts": 8, "last_error": "410 Gone", "parked_at": EARLY}, 8 * 24 * 60, ""),
    ],
)
def test_a_channel_that_fails_for_long_is_said_to(
    admin: Client, fields: dict[str, Any], minutes: int, says: str
) -> None:
    channel, now = made(), EARLY + timedelta(minutes=minutes)
    told(channel, **fields)

    with clock.frozen(now):
        pages = [admin.get(LIST).text, admin.get(channel.get_absolute_url()).text]
        overview = admin.get("/settings/").text

    assert [each.trouble for each in failing(now)] == ([failing(now)[0].trouble] if says else [])
    assert all(says in page for page in pages)
    assert [finding.ok for finding in _channels(now)] == [not says]
    assert ("(1 failing)" in overview) is bool(says)


# --- Who, and how much it costs ------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["developer", "manager", "scrum_master", "devops", "director", "outsider"])
def test_nobody_else_sees_or_changes_them(client: Client, stage: Stage, who: str) -> None:
    channel = made()
    [post] = told(channel, parked_at=EARLY, attempts=8)
    client.force_login(getattr(stage.cast, who))

    for page in (LIST, channel.get_absolute_url(), post.get_absolute_url()):
        assert client.get(page).status_code == 403
    for page in (LIST, channel.get_absolute_url(), f"{LIST}{channel.pk}/secret/"):
        assert client.post(page, NEW).status_code == 403
    act(client, channel, "disable")
    client.post(f"/act/post/{post.pk}/resend/")
    assert (Channel.objects.get().active, Post.objects.get().state) == (True, "parked")


@pytest.mark.parametrize("rows", [1, 3])
def test_the_pages_ask_as_often_for_many_rows(admin: Client, rows: int, django_assert_num_queries: Any) -> None:
    for number in range(rows):
        team = Team.objects.create(name=f"Team {number}", slug=f"t{number}")
        told(made(f"Channel {number}", team=team), rows)
    channel = Channel.objects.latest("pk")
    post = channel.posts.latest("pk")
    admin.get(LIST)

    with django_assert_num_queries(5):
        admin.get(LIST)
    with django_assert_num_queries(7):
        admin.get(channel.get_absolute_url())
    with django_assert_num_queries(4):
        admin.get(post.get_absolute_url())
