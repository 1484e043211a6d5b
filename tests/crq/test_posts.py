"""What channels hear of what happens, in the transaction of the change."""

from __future__ import annotations

import pytest

from accounts.models import Team
from deployments.flow import DEPLOYMENT
from deployments.models import Deployment
from notifications.models import Channel, Post
from notifications.posts import EVENTS
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform
from workflow.steps import Refused

pytestmark = pytest.mark.django_db


def _channel(name: str = "Builds", team: Team | None = None, events: tuple[str, ...] = tuple(EVENTS)) -> Channel:
    return Channel.objects.create(
        name=name, kind="slack", address="sealed", host="chat.test", team=team, events=list(events)
    )


def test_a_channel_hears_what_happened_and_who_did_it(stage: Stage) -> None:
    deployment = stage.planned()
    _channel()

    with clock.frozen(EARLY):
        perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed.")

    post = Post.objects.get()
    data = post.content["data"]
    assert post.content["type"] == "deployment.withdrawn"
    assert data["title"] == f"Withdrawn: {deployment.title}"
    assert (data["by"], data["reason"]) == (stage.cast.developer.name, "Not needed.")
    assert [each["team"] for each in data["deployments"]] == [stage.cast.team.name]
    assert data["url"].endswith(deployment.get_absolute_url())


def test_only_chosen_kinds_of_ones_own_team_reach_channels_that_are_on(stage: Stage) -> None:
    deployment = stage.planned()
    _channel("Other events", events=("moved",))
    _channel("Other team", team=Team.objects.create(name="Elsewhere", slug="elsewhere"))
    _channel("Own team", team=stage.cast.team)
    Channel.objects.filter(pk=_channel("Off").pk).update(active=False)

    with clock.frozen(EARLY):
        perform(DEPLOYMENT, "withdraw", deployment, by=stage.cast.developer, reason="Not needed.")

    assert [post.channel.name for post in Post.objects.all()] == ["Own team"]


def test_deployments_held_by_one_deadline_are_one_post(stage: Stage) -> None:
    stage.with_crq()
    other = stage.beside().with_crq()
    _channel(events=("deadline_missed",))

    with clock.frozen(moment(stage.week, "approval", seconds=1)), pytest.raises(Refused):
        perform(DEPLOYMENT, "clear", other, by=stage.cast.developer)

    held = Deployment.objects.filter(status="held").count()
    posted = [len(post.content["data"]["deployments"]) for post in Post.objects.all()]
    assert sum(posted) == held > 0
    [data] = [post.content["data"] for post in Post.objects.all()]
    assert all(each["reason"].startswith("Not done by ") for each in data["deployments"])
