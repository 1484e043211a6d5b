"""While nobody looks at deadlines, every page says so to everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from releaseflow import scheduler, tasks
from releaseflow.models import Heartbeat
from tests.cast import Cast
from tests.stages import EARLY, Stage
from workflow import clock

SENTENCE = scheduler.sentence  # the suite puts silence in its place
PEOPLE = ("developer", "manager", "scrum_master", "devops", "director", "administrator", "outsider")


@pytest.fixture(autouse=True)
def _real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "sentence", SENTENCE)
    monkeypatch.setattr(scheduler, "_seen", None)


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_reads_how_far_it_is_behind(client: Client, cast: Cast, who: str) -> None:
    client.force_login(getattr(cast, who))
    with clock.frozen(EARLY):
        tasks.enforce_deadlines()
        assert "The scheduler" not in client.get("/me/").content.decode()
    with clock.frozen(EARLY + timedelta(minutes=12)):
        page = client.get("/me/").content.decode()

    assert "The scheduler is 12 min behind. Deadlines count all the same" in page


def test_one_that_never_ran_is_told(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)

    assert "The scheduler has not run yet." in client.get("/").content.decode()


def test_strangers_are_told_nothing(client: Client, stage: Stage) -> None:
    assert "The scheduler" not in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize(("late", "said"), [(180, ""), (181, "The scheduler is 3 min behind.")])
def test_three_minutes_are_the_limit_as_for_the_probe(db: None, late: int, said: str) -> None:
    Heartbeat.mark("enforce_deadlines", EARLY)

    assert SENTENCE(EARLY + timedelta(seconds=late)).startswith(said)
    assert bool(SENTENCE(EARLY + timedelta(seconds=late))) == bool(said)


def test_while_it_runs_a_page_asks_nothing_more(db: None, django_assert_num_queries) -> None:
    Heartbeat.mark("enforce_deadlines", EARLY)
    with django_assert_num_queries(1):
        SENTENCE(EARLY + timedelta(seconds=30))
        SENTENCE(EARLY + timedelta(seconds=170))


def test_it_is_well_again_with_the_next_mark(db: None) -> None:
    Heartbeat.mark("enforce_deadlines", EARLY)
    later = EARLY + timedelta(hours=2)
    assert SENTENCE(later)

    Heartbeat.mark("enforce_deadlines", later)

    assert SENTENCE(later) == ""
