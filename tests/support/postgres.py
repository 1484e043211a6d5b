"""A PostgreSQL server of the test run's own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from tests.support.processes import Process
from tests.support.services import program

REMEDY = "Debian: apt-get install postgresql"
# Nothing here has to survive a power cut, so nothing waits for the disk.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


class Cluster:
    """A running server; `url` is a database in it, and the user may make more.

    `stop()`, `crash()` and `start()` bring an outage about; port and data stay the same.
    """

    def __init__(self, data: Path, port: int, options: dict[str, str]) -> None:
        self.port, self.url = port, f"postgres://releaseflow@127.0.0.1:{port}/releaseflow"
        given = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self._command = [_needed("postgres"), "-D", str(data), "-p", str(port), *given]
        self.start()

    def start(self) -> None:
        self.process = Process(self._command, user=_account())
        try:
            self.process.wait_until(self.answers)
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.stop(signal.SIGINT)  # its "fast" shutdown: does not wait for clients

    def crash(self) -> None:
        self.process.stop(signal.SIGQUIT)  # its "immediate" shutdown: writes nothing more

    def ask(self, sql: str, *, database: str = "postgres") -> str:
        """The first value of the first row."""
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="releaseflow", dbname=database)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return str(cursor.fetchone()[0]) if cursor.description else ""
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.ask("select 1") == "1"
        except psycopg2.OperationalError:
            return False


def installed() -> bool:
    return _binary("initdb") is not None and _binary("postgres") is not None


@contextmanager
def running(port: int, **options: str) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="releaseflow-postgres-"))
    try:
        cluster = Cluster(_new_cluster(folder), port, OPTIONS | options)
        try:
            cluster.ask("create database releaseflow")
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_cluster(folder: Path) -> Path:
    data, account = folder / "data", _account()
    if account:
        shutil.chown(folder, account)
    command = [_needed("initdb"), "-D", str(data), "-U", "releaseflow", "--auth=trust", "--no-sync"]
    done = subprocess.run(
        [*command, "--encoding=UTF8", "--locale=C"],
        capture_output=True, text=True, check=False, cwd="/", user=account, group=account, extra_groups=_no_groups(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"initdb ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return data


def _account() -> str | None:
    """PostgreSQL refuses to run as root, so root runs it as Debian's own account for it."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("As root, PostgreSQL needs a user named postgres to run as.")


def _no_groups() -> list[str] | None:
    return [] if os.geteuid() == 0 else None


def _binary(name: str) -> str | None:
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True
    )
    return program(name, versions)


def _needed(name: str) -> str:
    path = _binary(name)
    if path is None:
        raise RuntimeError(f"PostgreSQL's {name} was not found ({REMEDY}).")
    return path


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
