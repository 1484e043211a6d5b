"""Does it last? `python -m bench.endurance --minutes 20`: two hosts, eight people, and something killed every minute.

Each host is a web process, a worker and a beat with a VAR_DIR of its own; they share PostgreSQL, Redis, the bucket of
documents and the mail server. Every minute one process of each kind is killed and started again, and now and then
Redis. At the end everything that people were answered is compared with the database (`check.py`); exit code 1 tells of
a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

import requests

from bench.endurance.people import Person, Record
from bench.site import database, environment, run, say
from tests.support import postgres, redis, smtp
from tests.support.ports import answers, free_port
from tests.support.processes import Process, celery

NAME = "endurance"
HOSTS = 2
DOWN = 3.0
"""Seconds that a killed process stays away."""
SLACK = 5.0
"""Seconds after its return in which an answer 500 is still put down to the kill."""
LEASE = 600
"""Seconds for which an e-mail stays with a killed sender; see `notifications.delivery.LEASE`."""

END_LEASES = "UPDATE notifications_email SET leased_until = now(), not_before = now() WHERE sent_at IS NULL"
WAITING = """
    SELECT (SELECT count(*) FROM notifications_email WHERE sent_at IS NULL AND cancelled_at IS NULL)
         + (SELECT count(*) FROM deployments_milestone m JOIN deployments_releaseweek w ON w.id = m.week_id
            WHERE m.enforced_at IS NULL AND m.due_at < now() AND w.install_day IS NOT NULL)"""


@dataclass
class Troubles:
    """When something was killed and when it was back, on the monotonic clock."""

    times: list[tuple[str, float, float]] = field(default_factory=list)
    senders: int = 0
    last_sender: float = 0.0

    def covers(self, at: float) -> bool:
        return any(began - 1 <= at <= back + SLACK for _, began, back in self.times)


class Host:
    """One machine's processes, and how each is started."""

    def __init__(self, given: dict[str, str]) -> None:
        self.port = free_port()
        self.env, self.running = os.environ | given, dict[str, Process]()
        self.memory: dict[str, list[float]] = {"web": [], "worker": [], "beat": []}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, kind: str) -> None:
        if kind == "web":
            options = ["-b", f"127.0.0.1:{self.port}", "-w", "2", "-k", "gthread", "--threads", "4"]
            command = [sys.executable, "-m", "gunicorn", "releaseflow.wsgi", *options, "--no-control-socket"]
            self.running[kind] = Process([*command, "--log-level", "error"], env=self.env)
        elif kind == "worker":
            self.running[kind] = celery("worker", "--concurrency", "2", "-l", "WARNING", env=self.env)
        else:
            self.running[kind] = celery("beat", "--pidfile=", "-l", "WARNING", env=self.env)

    def ready(self) -> bool:
        return answers(self.port) and requests.get(f"{self.url}/healthz", timeout=30).status_code == 200

    def weigh(self) -> None:
        """Resident megabytes of each kind with its children."""
        for kind, process in self.running.items():
            pids = [process.pid, *_children(process.pid)]
            self.memory[kind].append(max(_resident(pid) for pid in pids))

    def stop(self) -> None:
        for process in self.running.values():
            process.stop()


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0


# --- The run -------------------------------------------------------------------------------------------------
def main() -> None:
    options = _options()
    with ExitStack() as stack:
        cluster = stack.enter_context(postgres.running(free_port(), synchronous_commit="on"))
        broker, mail = stack.enter_context(redis.running()), stack.enter_context(smtp.running())
        bucket, folder = stack.enter_context(_bucket()), Path(stack.enter_context(TemporaryDirectory()))
        given = _settings(database(cluster, NAME), broker.url, mail.url, bucket)
        facts = json.loads(run("bench.endurance.fill", given, str(options.minutes * 60)))
        hosts = [Host({**given, "VAR_DIR": str(folder / f"host{number}")}) for number in range(HOSTS)]
        for host in hosts:
            stack.callback(host.stop)
            for kind in host.memory:
                host.start(kind)
        for host in hosts:
            host.running["web"].wait_until(host.ready, seconds=90)
        record, troubles = _live(facts, hosts, broker, options)
        settled = _settle(cluster, troubles)
        sys.exit(_verdict(given, record, troubles, mail, hosts, folder, settled=settled))


def _settings(url: str, broker: str, mail: str, bucket: dict[str, str]) -> dict[str, str]:
    more = {"REDIS_URL": broker, "EMAIL_URL": mail, "ENFORCE_EVERY": "2", "DELIVER_EVERY": "1", **bucket}
    return {**environment(url), "VAR_DIR": "/nonexistent", **more}


@contextmanager
def _bucket() -> Iterator[dict[str, str]]:
    """Settings of a store that speaks S3, in a process of its own."""
    port = free_port()
    server = Process([str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)])
    try:
        server.wait_until(lambda: answers(port))
        address = f"http://127.0.0.1:{port}"
        requests.put(f"{address}/papers", timeout=10).raise_for_status()
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        yield keys | {"DOCUMENTS_URL": f"s3://papers/prod?endpoint={address}&region=us-east-1"}
    finally:
        server.stop()


def _live(facts: Any, hosts: list[Host], broker: redis.RedisServer, options: Any) -> tuple[Record, Troubles]:
    record, troubles, chance = Record(facts["last_event"]), Troubles(), random.Random(options.seed)  # noqa: S311
    until = time.monotonic() + options.minutes * 60
    people = [Person(name, facts, [host.url for host in hosts], record, until) for name in facts["people"]]
    for person in people:
        person.start()
    minute = 0
    while time.monotonic() < until - options.every:
        time.sleep(options.every - DOWN)
        for host in hosts:
            host.weigh()
        _kill(hosts, minute, chance, troubles)
        if minute % 4 == 3:
            _trouble(troubles, "redis", broker.stop, broker.start)
        minute += 1
        say(f"minute {minute}: {sum(record.answers.values())} answers, {len(record.lost)} connections lost")
    for person in people:
        person.join(120)
    broken = [f"{person.name}: {person.broken}" for person in people if person.broken or person.is_alive()]
    record.failures += [(0.0, each) for each in broken]
    return record, troubles


def _kill(hosts: list[Host], minute: int, chance: random.Random, troubles: Troubles) -> None:
    """One of each kind, at instants of their own; of the web every other time one of its workers alone."""
    for kind in chance.sample(["web", "worker", "beat"], 3):
        host = chance.choice(hosts)
        if kind == "web" and minute % 2:
            pids = _children(host.running["web"].pid)
            _trouble(troubles, "web worker", lambda pid=pids[0]: os.kill(pid, 9), lambda: None)  # type: ignore[misc]
            continue
        _trouble(troubles, kind, host.running[kind].kill, lambda kind=kind, host=host: _again(host, kind))  # type: ignore[misc]
        if kind == "worker":
            troubles.senders, troubles.last_sender = troubles.senders + 1, time.monotonic()


def _again(host: Host, kind: str) -> None:
    host.start(kind)
    if kind == "web":
        host.running[kind].wait_until(host.ready, seconds=90)


def _trouble(troubles: Troubles, name: str, kill: Callable[[], object], start: Callable[[], object]) -> None:
    began = time.monotonic()
    troubles.times.append((name, began, began + 3600))
    kill()
    time.sleep(DOWN)
    start()
    troubles.times[-1] = (name, began, time.monotonic())


def _settle(cluster: postgres.Cluster, troubles: Troubles) -> str:
    """Waits until nothing is due and no e-mail waits.

    The ten minutes for which a killed sender's e-mails rest are not waited for: their leases, and no others, are ended.
    """

    def ask(sql: str) -> str:
        return cluster.ask(sql, database=NAME)

    since = time.monotonic() - troubles.last_sender if troubles.senders else LEASE
    ask(f"{END_LEASES} AND leased_until <= now() + interval '{LEASE - since:.0f} seconds'")
    until = time.monotonic() + 180
    while int(ask(WAITING)):
        if time.monotonic() > until:
            return f"{ask(WAITING)} e-mails or deadlines still wait after three minutes"
        time.sleep(0.5)
    return ""


# --- The verdict ---------------------------------------------------------------------------------------------
def _verdict(  # noqa: PLR0917
    given: dict[str, str], record: Record, troubles: Troubles, mail: smtp.SmtpServer, hosts: list[Host], folder: Path,
    *, settled: str,
) -> int:  # fmt: skip
    history = {
        "acts": [asdict(act) for act in record.acts],
        "implied": [asdict(act) for act in record.implied],
        "taken": mail.ids,
        "killed_senders": troubles.senders,
        "last_event": record.last_event,
    }
    file = folder / "history.json"
    file.write_text(json.dumps(history))
    found = json.loads(run("bench.endurance.check", given, str(file)))
    faults = [settled] if settled else []
    faults += found["faults"]
    faults += [what for at, what in record.failures if not troubles.covers(at)]
    faults += [
        f"a connection was lost at {at:.0f}, when nothing was killed" for at in record.lost if not troubles.covers(at)
    ]
    faults += _doctor(hosts[0])
    _table(record, troubles, mail, hosts, found["counts"])
    for fault in faults[:40]:
        say(f"FAULT {fault}")
    say(f"{len(faults)} faults")
    return int(bool(faults))


def _doctor(host: Host) -> list[str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"], env=host.env, capture_output=True, text=True, check=False
    )
    try:
        bad = [each["sentence"] for each in json.loads(done.stdout) if not each["ok"]]
        return [f"doctor: {sentence}" for sentence in bad if "(security.W" not in sentence]  # there is no https here
    except json.JSONDecodeError:
        return [f"doctor: {done.stderr[-300:]}"]


def _table(record: Record, troubles: Troubles, mail: smtp.SmtpServer, hosts: list[Host], counts: Any) -> None:
    kinds = {name for name, _, _ in troubles.times}
    done = [act for act in record.acts if 200 <= act.status < 400]
    refused = [act for act in record.acts if act.status >= 400]
    in_trouble = [what for at, what in record.failures if troubles.covers(at)]
    rows = {
        "killed": ", ".join(f"{name} {sum(n == name for n, _, _ in troubles.times)}" for name in sorted(kinds)),
        "requests answered": sum(record.answers.values()),
        "by status": ", ".join(f"{name}: {times}" for name, times in sorted(record.answers.items())),
        "connections lost (all in a kill unless listed below)": len(record.lost),
        "answers 5xx or unexpected, in a kill": len(in_trouble),
        "acts confirmed / refused / never answered": f"{len(done)} / {len(refused)} / "
        f"{len(record.acts) - len(done) - len(refused)}",
        "acts tried more than once": sum(act.tries > 1 for act in record.acts),
        "kinds of acts confirmed": len({(act.flow, act.action) for act in done}),
        "seconds a request, median / 99 %": f"{median(record.waits):.2f} / {quantiles(record.waits, n=100)[98]:.2f}",
        "e-mails taken / different": f"{len(mail.ids)} / {len(set(mail.ids))}",
        **counts,
        "MB, first and largest": {
            kind: [round(min(h.memory[kind][0] for h in hosts)), round(max(max(h.memory[kind]) for h in hosts))]
            for kind in hosts[0].memory if hosts[0].memory[kind]
        },
    }  # fmt: skip
    for label, value in rows.items():
        say(f"{label:54} {value}")
    for what in in_trouble[:5]:
        say(f"in a kill: {what}")


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m bench.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--every", type=float, default=60, help="seconds between kills (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of who is killed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
