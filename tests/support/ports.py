"""Free ports on the loopback interface."""

import random
import socket
from contextlib import closing

# Below 32768, where the kernel begins to hand out ports for outgoing connections: nobody else will take it meanwhile.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    for port in random.sample(range(FIRST, LAST), 200):
        if not _in_use(port):
            return port
    raise RuntimeError(f"No free port between {FIRST} and {LAST} on 127.0.0.1.")


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=1)):
            return True
    except OSError:
        return False


def _in_use(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False
