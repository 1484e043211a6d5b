"""Services for the whole suite: each is started for real on 127.0.0.1 and ended with the test run.

People and rows come from tests/cast.py and tests/factories.py.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import LazySettings

from deployments.models import ReleaseWeek
from releaseflow import scheduler
from tests import stages
from tests.cast import Cast
from tests.support import browser, database, postgres, processes, redis, services, smtp
from tests.support.ports import free_port
from tests.support.starts import environment_of_test
from workflow import clock

_cluster = pytest.StashKey[postgres.Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the run's PostgreSQL before any test database is made; xdist's workers find it through the settings."""
    if hasattr(config, "workerinput") or config.option.collectonly or not database.wants_postgres():
        return
    if postgres.installed():
        stack = ExitStack()
        config.add_cleanup(stack.close)
        config.stash[_cluster] = stack.enter_context(postgres.running(database.postgres_port()))
    elif services.are_required():
        raise pytest.UsageError(f"PostgreSQL is not installed ({postgres.REMEDY}), and REQUIRE_SERVICES is set.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not database.wants_postgres():
        return
    alike = [item for item in items if not _uses_a_database(item)]  # the run on SQLite has them
    config.hook.pytest_deselected(items=alike)
    items[:] = [item for item in items if _uses_a_database(item)]
    if not postgres.installed():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"PostgreSQL is not installed ({postgres.REMEDY})."))


def _uses_a_database(item: pytest.Item) -> bool:
    """Whether a test could come out differently on another database; services and browsers come once anyway."""
    fixtures = set(getattr(item, "fixturenames", ()))
    apart = any(folder in item.nodeid for folder in ("tests/services/", "tests/browser/"))
    return (
        apart
        or bool({"db", "transactional_db", "live_server"} & fixtures)
        or bool(item.get_closest_marker("django_db"))
    )


@pytest.fixture(autouse=True)
def _documents_in_tmp_path(settings: LazySettings, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test has an empty folder for uploaded documents."""
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("var") / "documents"


@pytest.fixture(autouse=True)
def _somebody_looks_at_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are as they are while beat runs; tests/releaseflow/test_scheduler.py sees the other ones."""
    monkeypatch.setattr(scheduler, "sentence", lambda now: "")


@pytest.fixture(autouse=True)
def _evidence_goes_with_the_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """A transactional test ends with emptying the database, which snapshots and events refuse: so this lifts their
    protection for a moment.
    """
    marker = request.node.get_closest_marker("django_db")
    transactional = {"transactional_db", "live_server"}.intersection(request.fixturenames)
    if not transactional and not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    database.empty_evidence()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL server beside the test database, whatever the suite itself runs on."""
    if not postgres.installed():
        services.missing("PostgreSQL", postgres.REMEDY)
    with postgres.running(free_port()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis_server() -> Iterator[redis.RedisServer]:
    if not redis.installed():
        services.missing("Redis", redis.REMEDY)
    with redis.running() as server:
        yield server


@pytest.fixture(scope="session")
def _smtp_server() -> Iterator[smtp.SmtpServer]:
    with smtp.running() as server:
        yield server


@pytest.fixture
def smtp_server(_smtp_server: smtp.SmtpServer) -> smtp.SmtpServer:
    """An SMTP server that is kind until its `mode` is changed, with an empty postbox."""
    _smtp_server.forget()
    return _smtp_server


@pytest.fixture
def application_env(transactional_db: None, redis_server: redis.RedisServer) -> dict[str, str]:
    """The environment in which a process of the application shares this test's database and Redis."""
    redis_server.client().flushall()
    return environment_of_test(
        REDIS_URL=redis_server.url, EMAIL_URL="dummymail://", LOG_LEVEL="INFO", ENFORCE_EVERY="1", DELIVER_EVERY="1"
    )


@pytest.fixture
def start(request: pytest.FixtureRequest) -> Callable[[processes.Process], processes.Process]:
    """`start(worker(env))`: hand over a process, so that it ends with the test."""

    def own(process: processes.Process) -> processes.Process:
        request.addfinalizer(process.stop)
        return process

    return own


@pytest.fixture(scope="session")
def base_url() -> None:
    """Stands in for the plugin's own fixture, about which pytest warns; pages use `live_server`."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Playwright's own fixture, with the machine's Chromium."""
    path = browser.chromium()
    if path is None:
        services.missing("Chromium", browser.REMEDY)
    return {**browser_type_launch_args, **browser.launch_options(path)}


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast.assemble()


@pytest.fixture
def week(db: None) -> ReleaseWeek:
    """The week of Thursday 10 December 2026."""
    return stages.a_week()


@pytest.fixture
def stage(cast: Cast, week: ReleaseWeek) -> Iterator[stages.Stage]:
    """The cast in the week, on its Monday at 10:00 am ET."""
    with clock.frozen(stages.EARLY):
        yield stages.Stage(cast, week)
