"""Following a deployment: a button on its page, for everybody with a role, and only for oneself."""

from __future__ import annotations

import pytest
from django.test import Client

from crq.following import FOLLOWER
from crq.models import Follower
from tests.stages import Stage
from workflow.machine import begin, perform
from workflow.models import Event
from workflow.steps import Refused


def test_the_button_follows_and_stops(stage: Stage, client: Client) -> None:
    crq, by = stage.with_crq().crq, stage.cast.other_developer
    client.force_login(by)
    page = crq.get_absolute_url()

    assert client.get(page).context["page"].follow.label == "Follow"
    client.post(f"/deployments/{crq.deployment_id}/follow/", {"next": page})
    follower = Follower.objects.get(user=by)
    act = client.get(page).context["page"].follow
    assert act.label == "Stop following"
    client.post(act.url, {"next": page})

    assert not Follower.objects.exists()
    assert list(
        Event.objects.filter(object_type="follower", object_id=follower.pk).values_list("action", flat=True)
    ) == [
        "follow",
        "unfollow",
    ]


def test_without_a_crq_there_is_something_to_follow(stage: Stage, client: Client) -> None:
    client.force_login(stage.cast.director)
    deployment = stage.plan()
    assert client.get(deployment.get_absolute_url()).context["page"].follow.enabled


def test_following_changes_no_status_and_is_no_part_of_the_story(stage: Stage) -> None:
    deployment = stage.plan()
    by = stage.cast.director
    begin(FOLLOWER, "follow", Follower(deployment=deployment, user=by), by=by)
    assert stage.fresh(deployment).status == deployment.status
    assert not Event.objects.filter(deployment_id=deployment.pk, object_type="follower").exists()


def test_twice_is_once(stage: Stage, client: Client) -> None:
    deployment = stage.plan()
    client.force_login(stage.cast.director)
    for _ in range(2):
        client.post(f"/deployments/{deployment.pk}/follow/")
    assert Follower.objects.count() == 1


def test_nobody_stops_for_somebody_else(stage: Stage) -> None:
    by = stage.cast.director
    follower = begin(FOLLOWER, "follow", Follower(deployment=stage.plan(), user=by), by=by)
    with pytest.raises(Refused, match="for themselves"):
        perform(FOLLOWER, "unfollow", follower, by=stage.cast.manager)
    assert Follower.objects.exists()


def test_a_link_does_not_follow(stage: Stage, client: Client) -> None:
    deployment = stage.plan()
    client.force_login(stage.cast.director)
    assert client.get(f"/deployments/{deployment.pk}/follow/").status_code == 405
