"""The power fails under SQLite at any instant: what is left is whole, and ends with an action, not within one."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Process

pytestmark = pytest.mark.services
WRITER = str(Path(__file__).with_name("writer.py"))
CUTS = 6


def verdicts(env: dict[str, str], copies: list[Path]) -> list[dict[str, Any]]:
    command = [sys.executable, WRITER, "verify", *map(str, copies)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("only_log", [False, True], ids=["with checkpoints", "with a torn log"])
def test_what_is_left_after_a_power_cut_is_whole(tmp_path: Path, *, only_log: bool) -> None:
    """The files as they stand at a random instant; or a random part of the log, as a disk may have kept of it."""
    chance, live = random.Random(6), tmp_path / "live.sqlite3"
    env = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "x" * 60,
        "DJANGO_SETTINGS_MODULE": "releaseflow.settings",
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{live}",
        "LOG_LEVEL": "ERROR",
    }
    writer = Process([sys.executable, WRITER, *(["only-log"] if only_log else [])], env=env)
    copies: list[Path] = []
    try:
        for number in range(CUTS):
            writer.wait_for("\n", times=3 * number + 1, seconds=90)
            time.sleep(chance.uniform(0, 0.05))
            os.kill(writer.pid, signal.SIGSTOP)
            copies.append(Path(shutil.copy(live, tmp_path / f"cut-{number}.sqlite3")))
            log = shutil.copy(f"{live}-wal", f"{copies[-1]}-wal")
            os.kill(writer.pid, signal.SIGCONT)
            if only_log:
                os.truncate(log, chance.randrange(Path(log).stat().st_size))
    finally:
        writer.kill()
    found = verdicts(env, copies)

    assert [(each["whole"], each["orphans"], each["wrong"], each["half"]) for each in found] == [
        (["ok"], 0, [], 0)
    ] * CUTS
    rows = [each["rows"] for each in found]
    assert len(set(rows)) > 3
    if not only_log:
        assert rows == sorted(rows)
        assert rows[-1] > 3 * (CUTS - 1)  # all that was confirmed: no more than a process died
