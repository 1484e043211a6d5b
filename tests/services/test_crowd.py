"""Twenty threads in four processes do anything at once: nobody meets an error, and what is recorded is possible.

A second for each part of the week; `CROWD_SECONDS=20 pytest tests/services/test_crowd.py` makes it a long one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.cast import Cast
from tests.stages import EARLY, Stage, a_week, moment
from tests.stories import unapproved_starts
from tests.support.starts import environment_of_test
from workflow import audit, clock
from workflow.models import Event

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]
CROWD = Path(__file__).with_name("crowd.py")
PROCESSES = 4
SECONDS = float(os.environ.get("CROWD_SECONDS", "1"))


@pytest.fixture
def environment(transactional_db: None) -> dict[str, str]:
    return environment_of_test(LOG_LEVEL="ERROR")


@pytest.fixture
def crowds(environment: dict[str, str]) -> Iterator[list[subprocess.Popen[str]]]:
    with ExitStack() as stack:
        commands = [[sys.executable, str(CROWD), str(number), str(SECONDS)] for number in range(PROCESSES)]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        running = [
            stack.enter_context(subprocess.Popen(each, env=environment, text=True, **pipes)) for each in commands
        ]
        for process in running:
            stack.callback(process.kill)
        assert [_line(process) for process in running] == ["ready\n"] * PROCESSES
        yield running


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def act(crowds: list[subprocess.Popen[str]], at: datetime) -> Counter[str]:
    """What succeeded how often; fails with whatever somebody met that was no refusal."""
    for process in crowds:
        assert process.stdin
        process.stdin.write(f"{at.isoformat()}\n")
        process.stdin.flush()
    done: Counter[str] = Counter()
    for found in [json.loads(_line(process)) for process in crowds]:
        assert found["broken"] == []
        done.update(found["done"])
    return done


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time.")
def test_nobody_meets_an_error_and_the_record_is_possible(crowds: list[subprocess.Popen[str]]) -> None:
    with clock.frozen(EARLY):
        stage = Stage(Cast.assemble(), a_week())
        for made in (stage, *(stage.beside() for _ in range(3))):
            made.ready()
    done = act(crowds, moment(stage.week, "approval", hours=-1))
    done += act(crowds, moment(stage.week, "approval", hours=1))
    stage.complete_batch()
    done += act(crowds, moment(stage.week, "install", minutes=5))

    for deed in ("crq.approve", "crq.attach", "pull_request.review", "deployment.comment", "refused"):
        assert done[deed] > 0, done
    verdict = audit.verify()
    assert (verdict.findings, verdict.events) == ([], Event.objects.count())
    assert unapproved_starts() == []
