"""The one view behind every plain button."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.cast import Cast
from workflow.steps import Flow

PLAIN = sorted(
    (flow.name, next(step.action for step in flow.steps.values() if step.plain and step.sources))
    for flow in Flow.registry.values()
    if any(step.plain and step.sources for step in flow.steps.values())
)


@pytest.mark.django_db
@pytest.mark.parametrize(("flow", "action"), PLAIN)
def test_what_is_not_there_is_not_found(client: Client, cast: Cast, flow: str, action: str) -> None:
    client.force_login(cast.manager)

    answer = client.post(reverse("act", args=[flow, 404_404, action]), {"reason": "Because"})

    assert answer.status_code == 404
