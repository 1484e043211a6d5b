"""A Redis server of the test run's own, without persistence."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from tests.support.ports import free_port
from tests.support.processes import Process
from tests.support.services import program

REMEDY = "Debian: apt-get install redis-server"


class RedisServer:
    """`stop()` and `start()` bring an outage about; the port stays the same."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"redis://127.0.0.1:{port}/0"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = Process(command)
        try:
            self.process.wait_until(self.answers)
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        self.process.stop()

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except NoConnection:
            return False

    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=5)


def installed() -> bool:
    return program("redis-server") is not None


@contextmanager
def running() -> Iterator[RedisServer]:
    server = RedisServer(free_port())
    try:
        yield server
    finally:
        server.stop()
