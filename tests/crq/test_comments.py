"""Comments on a deployment: who is meant, what is shown, and that nothing typed becomes markup or gets lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from crq.timeline import timeline
from deployments.flow import DEPLOYMENT
from deployments.mentions import mentioned
from deployments.models import Deployment
from notifications.models import Email
from tests.cast import Cast
from tests.stages import Stage
from workflow.machine import perform
from workflow.markup import rendered
from workflow.models import Event


def say(client: Client, by: User, deployment: Deployment, text: str) -> Any:
    client.force_login(by)
    return client.post(reverse("comment", args=[deployment.pk]), {"text": text}, follow=True)


def named(text: str) -> list[str]:
    return [person.name for person in mentioned(text)[0]]


def told() -> set[str]:
    return set(Email.objects.filter(letter__kind="mentioned").values_list("recipient__first_name", flat=True))


@pytest.mark.parametrize("by", ["developer", "other_developer", "devops", "director", "administrator", "outsider"])
def test_anyone_signed_in_comments_and_it_stands_in_the_timeline(client: Client, stage: Stage, by: str) -> None:
    deployment = stage.with_crq()
    page = say(client, getattr(stage.cast, by), deployment, "Backout is a **config switch**.").content.decode()

    event = Event.objects.get(action="comment")
    assert (event.actor, event.reason) == (getattr(stage.cast, by), "Backout is a **config switch**.")
    assert f'id="comment-{event.pk}"' in page
    assert "<strong>config switch</strong>" in page


def test_the_people_it_names_are_emailed_and_the_author_is_not(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()

    page = say(client, stage.cast.developer, deployment, "@Grace Okafor and @Wei, see this. @Hannah Cole wrote it.")

    assert told() == {"Grace", "Wei"}
    assert "Comment posted. Grace Okafor and Wei Zhang were emailed." in page.content.decode()


def test_a_name_that_is_nobodys_is_said_and_nobody_is_emailed(client: Client, stage: Stage) -> None:
    page = say(client, stage.cast.developer, stage.with_crq(), "@Nobody should look.")

    assert told() == set()
    assert "Nobody active here is called @Nobody." in page.content.decode()


def test_whoever_left_is_not_emailed(client: Client, stage: Stage) -> None:
    User.objects.filter(pk=stage.cast.reviewer.pk).update(is_active=False)

    say(client, stage.cast.developer, stage.with_crq(), "@Wei Zhang knows.")

    assert told() == set()
    assert Event.objects.get(action="comment").data["unknown"] == ["Wei"]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("@Hannah Cole.", ["Hannah Cole"]),
        ("@hannah cole, look", ["Hannah Cole"]),
        ("@Hannah", ["Hannah Cole"]),
        ("(@Hannah) and @Wei!", ["Hannah Cole", "Wei Zhang"]),
        ("@Hannah @Hannah Cole", ["Hannah Cole"]),
        ("write to hannah@Hannah.example", []),
        ("`@Hannah`", []),
        ("```\n@Hannah\n```", []),
        ("@ Hannah", []),
        ("@Hannahs", []),
        ("@" * 500, []),
        ("@Ann", []),
        ("", []),
    ],
)
def test_who_is_meant(cast: Cast, text: str, people: list[str]) -> None:
    assert named(text) == people


def test_a_sign_in_name_names_one_and_a_shared_first_name_nobody(cast: Cast) -> None:
    User.objects.filter(pk=cast.reviewer.pk).update(first_name="Hannah", username="wei.z")
    assert named("@wei.z. Look") == ["Hannah Zhang"]
    assert named("@Hannah") == []
    assert named("@Hannah Zhang") == ["Hannah Zhang"]


@pytest.mark.parametrize("count", [1, 20])
def test_naming_many_costs_one_statement(cast: Cast, django_assert_num_queries: Any, count: int) -> None:
    with django_assert_num_queries(1):
        mentioned(" ".join(f"@Name{number}" for number in range(count)))


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("![x](https://elsewhere.example/pixel.png)", "<img"),
        ("[click](javascript:alert(1))", "href"),
        ("[click](data:text/html;base64,PHNjcmlwdD4=)", "href"),
        ('<https://a.example/"onmouseover=alert(1)>', 'onmouseover="'),
        ("# Big", "<h1"),
        ("<style>*{display:none}</style>", "<style"),
        ("| a |\n|---|\n| b |", "<table"),
    ],
)
def test_hostile_words_stay_words(text: str, forbidden: str) -> None:
    assert forbidden not in rendered(text)


def test_links_do_not_vouch_for_where_they_lead() -> None:
    link = rendered("[runbook](https://wiki.example/x)")
    assert 'href="https://wiki.example/x"' in link
    assert 'rel="noopener noreferrer nofollow"' in link


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "Write something first."), ("  \n ", "Write something first."), ("x" * 4001, "At most 4000 are kept.")],
)
def test_what_cannot_be_posted_is_kept_and_said(client: Client, stage: Stage, text: str, sentence: str) -> None:
    answer = say(client, stage.cast.developer, stage.with_crq(), text)
    page = answer.content.decode()

    assert answer.status_code == 422
    assert sentence in page
    assert "<title>Problem: " in page
    assert text.strip() in page
    assert not Event.objects.filter(action="comment").exists()


def test_a_second_press_posts_nothing_more(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()
    say(client, stage.cast.developer, deployment, "@Wei look")

    again = say(client, stage.cast.developer, deployment, "@Wei look")

    assert "posted a moment ago" in again.content.decode()
    assert Event.objects.filter(action="comment").count() == 1
    assert Email.objects.filter(letter__kind="mentioned").count() == 1


def test_files_attached_together_are_one_entry_with_links(stage: Stage) -> None:
    deployment = stage.with_crq()
    stage.attach(deployment.crq, "justification")
    stage.attach(deployment.crq, "tests")
    stage.attach(deployment.crq, "plan")

    attached = [entry for entry in timeline(stage.fresh(deployment))[0] if entry.text == "attached"]

    assert [(entry.who, [link.text for link in entry.links]) for entry in attached] == [
        ("Hannah Cole", ["justification.pdf, version 1", "tests.pdf, version 1"]),
        ("Grace Okafor", ["plan.pdf, version 1"]),
    ]
    assert all(link.url.startswith(f"/crqs/{deployment.crq.number}/documents/") for e in attached for link in e.links)


def test_news_is_what_others_did_since_the_page_was_opened(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()
    newest = Event.objects.latest("pk").pk
    url = reverse("news", args=[deployment.pk])
    client.force_login(stage.cast.manager)

    quiet = client.get(url, {"opened": newest, "newest": newest})
    perform(DEPLOYMENT, "comment", deployment, by=stage.cast.devops, reason="Tried on core dev.")
    loud = client.get(url, {"opened": newest, "newest": newest})
    told_once = client.get(url, {"opened": newest, "newest": Event.objects.latest("pk").pk})

    assert (quiet.status_code, loud.status_code, told_once.status_code) == (204, 200, 204)
    assert "New since you opened this page" in loud.content.decode()
    assert 'hx-swap-oob="true"' in loud.content.decode()


@pytest.mark.parametrize("query", [{}, {"opened": "x"}, {"newest": "-1"}, {"newest": "9" * 30}])
def test_news_of_a_strange_address(client: Client, stage: Stage, query: dict[str, str]) -> None:
    client.force_login(stage.cast.manager)
    assert client.get(reverse("news", args=[stage.plan().pk]), query).status_code == 200


def test_there_is_no_news_of_a_deployment_that_does_not_exist(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.manager)

    assert client.get(reverse("news", args=[404])).status_code == 404


def test_whom_a_comment_names_follows_the_deployment(client: Client, stage: Stage) -> None:
    deployment = stage.with_crq()

    say(client, stage.cast.developer, deployment, "@Wei look, and so do I, @Hannah: **soon**")

    assert [each.user.name for each in deployment.followers.all()] == ["Wei Zhang"]
    letter = Email.objects.get(letter__kind="mentioned").letter
    assert "<strong>soon</strong>" in letter.html
