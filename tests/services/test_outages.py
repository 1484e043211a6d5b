"""PostgreSQL, Redis and web processes fail under a running site; it says so and recovers by itself.

One site for all of these tests: PostgreSQL and Redis of its own, gunicorn with two processes, a worker and beat.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import requests

from tests.support import postgres, processes, redis, services
from tests.support.ports import answers, free_port
from tests.support.smtp import SmtpServer

pytestmark = pytest.mark.services
SOON = 20.0  # seconds


class Site:
    """A running installation, and one person who uses it."""

    def __init__(self, cluster: postgres.Cluster, broker: redis.RedisServer, env: dict[str, str], known: Any) -> None:
        self.cluster, self.broker, self.env, self.known = cluster, broker, env, known
        self.url = env["SITE_URL"]
        self.processes: list[processes.Process] = []
        self.person = requests.Session()
        self.person.cookies["sessionid"] = known["session"]

    def ask(self, sql: str) -> str:
        return self.cluster.ask(sql, database="releaseflow")

    def get(self, path: str = "/") -> requests.Response:
        return self.person.get(f"{self.url}{path}", timeout=15)

    def post(self, path: str, **fields: str) -> requests.Response:
        """A form as the person's browser sends it, without following where it leads."""
        die = {"X-Die": fields.pop("die")} if "die" in fields else {}
        fields["csrfmiddlewaretoken"] = self.person.cookies["csrftoken"]
        return self.person.post(f"{self.url}{path}", fields, timeout=15, allow_redirects=False, headers=die)

    def comment(self, text: str, **more: str) -> requests.Response:
        return self.post(f"/deployments/{self.known['deployment']}/comments/", text=text, **more)

    def comments(self, text: str) -> int:
        return int(self.ask(f"SELECT count(*) FROM workflow_event WHERE action = 'comment' AND reason = '{text}'"))

    def ticks_again(self) -> None:
        """Worker and beat look at deadlines and e-mails once more, from now on."""
        for task in ("enforce_deadlines", "deliver_emails"):
            self._marks(task)

    def _marks(self, task: str) -> None:
        mark = f"SELECT max(at) FROM releaseflow_heartbeat WHERE task = '{task}'"
        before = self.ask(mark)
        soon(lambda: self.ask(mark) != before)

    def verify(self) -> Any:
        command = [sys.executable, "manage.py", "verify_audit", "--json"]
        return json.loads(subprocess.run(command, env=self.env, capture_output=True, check=True).stdout)


def soon(is_so: Callable[[], bool], seconds: float = SOON) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not within {seconds} seconds"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def site(_smtp_server: SmtpServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if not (postgres.installed() and redis.installed()):
        services.missing("PostgreSQL or Redis", f"{postgres.REMEDY}; {redis.REMEDY}")
    with ExitStack() as stack:
        cluster = stack.enter_context(postgres.running(free_port(), synchronous_commit="on"))
        broker = stack.enter_context(redis.running())
        port = free_port()
        env = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.services.site_settings",
            "SECRET_KEY": "x" * 60,
            "VAR_DIR": str(tmp_path_factory.mktemp("site")),
            "DATABASE_URL": cluster.url,
            "REDIS_URL": broker.url,
            "EMAIL_URL": f"smtp://127.0.0.1:{_smtp_server.port}",
            "SITE_URL": f"http://127.0.0.1:{port}",
            "ENFORCE_EVERY": "1",
            "DELIVER_EVERY": "1",
        }
        filled = subprocess.run([sys.executable, "tests/services/site.py"], env=env, capture_output=True, check=False)
        assert filled.returncode == 0, filled.stderr.decode()
        found = Site(cluster, broker, env, json.loads(filled.stdout))
        stack.callback(lambda: [process.stop() for process in found.processes])
        for process in (web(env, port), processes.worker(env), processes.beat(env)):
            found.processes.append(process)
        found.ticks_again()
        found.get(f"/deployments/{found.known['deployment']}/")
        yield found


def web(env: dict[str, str], port: int) -> processes.Process:
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "4"]
    command = [sys.executable, "-m", "gunicorn", "tests.services.site:application", *options, "--no-control-socket"]
    process = processes.Process(command, env=env)
    process.wait_until(lambda: answers(port))
    return process


# --- PostgreSQL ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["stop", "crash"])
def test_without_its_database_the_site_says_so_and_comes_back_by_itself(site: Site, how: str) -> None:
    """What was confirmed before a crash is still there; no process is started anew."""
    assert site.comment(f"Before the {how}").status_code == 302
    before = [process.pid for process in site.processes]
    try:
        getattr(site.cluster, how)()
        page, sent = site.get(), site.comment("Into the void")
        alive, ready = site.get("/healthz"), site.get("/readyz")
    finally:
        site.cluster.start()

    for response in (page, sent):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        assert "The database cannot be reached right now" in response.text
        assert not re.search("Traceback|psycopg2|OperationalError|connection refused", response.text)
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["parts"]["database"]["ok"] is False
    assert site.get().status_code == 200  # signed in still, at once
    assert site.comments(f"Before the {how}") == 1
    assert site.comment(f"After the {how}").status_code == 302
    site.ticks_again()
    soon(lambda: site.get("/readyz").status_code == 200)
    assert [process.pid for process in site.processes if process.exit_code is None] == before
    assert site.verify()["ok"]


def test_beat_alone_comes_back_too(site: Site) -> None:
    """Without a broker beat does the work in its own process, where Celery keeps no connection fresh."""
    site.processes[2].stop()
    alone = processes.beat(site.env | {"REDIS_URL": ""})
    try:
        site.ticks_again()
        site.cluster.crash()
        time.sleep(1.5)  # it meets the outage with its connection open
        site.cluster.start()
        site.ticks_again()
        assert alone.exit_code is None
    finally:
        alone.stop()
        site.processes[2] = processes.beat(site.env)


# --- Redis ---------------------------------------------------------------------------------------------------
@contextmanager
def refused(broker: redis.RedisServer) -> Iterator[None]:
    """Gone, and back without its data."""
    broker.stop()
    try:
        yield
    finally:
        broker.start()


@contextmanager
def hung(broker: redis.RedisServer) -> Iterator[None]:
    """It takes connections and answers none, and forgets everything when it is back."""
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
        broker.client().flushall()


@pytest.mark.parametrize(("outage", "deadline"), [(refused, "cutoff"), (hung, "approval")], ids=["refused", "hung"])
def test_a_deadline_that_passes_without_the_broker_counts_once(
    site: Site, smtp_server: SmtpServer, outage: Any, deadline: str
) -> None:
    """Pages and actions go on meanwhile; what was due is done after the return, and each e-mail leaves once."""
    milestone = f"FROM deployments_milestone m WHERE key = '{deadline}' AND week_id = {week_id(site)}"
    with outage(site.broker):
        site.ask(f"UPDATE deployments_milestone SET due_at = clock_timestamp() + interval '1 second' "
                 f"WHERE key = '{deadline}' AND week_id = {week_id(site)}")  # fmt: skip
        soon(lambda: site.ask(f"SELECT due_at < clock_timestamp() {milestone}") == "True")
        started = time.monotonic()
        assert site.get().status_code == 200
        assert site.comment(f"While it is {outage.__name__}").status_code == 302
        assert time.monotonic() - started < 5  # nobody waits for the broker
        time.sleep(2)  # beat and worker find out
        assert site.ask(f"SELECT enforced_at IS NULL {milestone}") == "True"

    soon(lambda: site.ask(f"SELECT enforced_at IS NOT NULL {milestone}") == "True", 120)
    soon(lambda: site.ask("SELECT count(*) FROM notifications_email WHERE sent_at IS NULL") == "0", 120)
    assert site.ask(f"SELECT count(*) FROM crq_snapshot s JOIN deployments_milestone m ON m.id = s.milestone_id "
                    f"WHERE m.key = '{deadline}' AND m.week_id = {week_id(site)}") == "1"  # fmt: skip
    assert len(smtp_server.ids) == len(set(smtp_server.ids))
    assert site.comments(f"While it is {outage.__name__}") == 1
    assert all(process.exit_code is None for process in site.processes)
    assert site.verify()["ok"]


def week_id(site: Site) -> str:
    return site.ask(f"SELECT id FROM deployments_releaseweek WHERE thursday = '{site.known['week']}'")


# --- The web processes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("point", "written"), [("before commit", 0), ("after commit", 1)])
def test_killed_before_it_answers_an_action_is_done_or_not(site: Site, point: str, written: int) -> None:
    """Never half: the event and the e-mails that go with it are there, or neither; the next request is served."""
    count = "SELECT count(*) FROM notifications_email"
    emails = int(site.ask(count))
    with pytest.raises(requests.ConnectionError):
        site.comment(f"@wei.zhang dies {point}", die=point)

    assert site.comments(f"@wei.zhang dies {point}") == written
    assert int(site.ask(count)) - emails == written
    assert site.get(f"/deployments/{site.known['deployment']}/").text.count(f"dies {point}") >= written
    assert site.verify()["ok"]
