"""A process that is killed between the other system's acceptance and our confirmation makes no second change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings

from crq.change_system.access import access
from crq.change_system.telling import tell
from crq.models import AttachedThere, ChangeThere, NumberThere
from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week
from tests.support.change_server import PASSWORD, USER, change_server
from tests.support.starts import environment_of_test, go, waiting
from workflow import clock

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
TELLER = Path(__file__).with_name("teller.py")
KILLED = -9


def test_killed_before_the_confirmation_a_change_is_made_once(settings: LazySettings) -> None:
    with change_server() as server:
        given = {"kind": "helix", "url": server.url, "user": USER, "password": PASSWORD}
        settings.CHANGE_SYSTEM = access(**given, sign_in="basic", file="")
        with clock.frozen(EARLY):
            Stage(Cast.assemble(), a_week()).ready()
        ChangeThere.objects.update(not_before=datetime(2020, 1, 1, tzinfo=UTC))
        environment = environment_of_test(
            CHANGE_SYSTEM="helix",
            CHANGE_SYSTEM_URL=server.url,
            CHANGE_SYSTEM_USER=USER,
            CHANGE_SYSTEM_PASSWORD=PASSWORD,
        )

        with waiting(TELLER, environment) as process:
            go(process)
        assert process.returncode == KILLED
        row = ChangeThere.objects.get()
        assert (row.told, len(server.changes), len(server.files)) == (0, 1, 3)
        assert row.leased_until is not None
        until = row.leased_until
        while_leased, afterwards = tell(lambda: until - timedelta(seconds=1)), tell(lambda: until)

    assert (while_leased.told, afterwards.told) == (0, 1)
    assert (len(server.changes), len(server.files)) == (1, 3)
    assert (NumberThere.objects.count(), AttachedThere.objects.count()) == (1, 3)
