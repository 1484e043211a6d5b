"""The line to one channel: a POST to an address that an administrator entered, and that must not lead inside.

The name is resolved once, every address it has is judged, and the connection goes to the one that was judged. No
redirect is followed, the body of the answer is not read, and no error's words repeat the address, which is a secret.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Timer
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.db.models import QuerySet

from accounts.secrets import Unreadable, unseal
from notifications import shapes
from notifications.faults import NotTaken, Unanswered
from notifications.models import Channel, Post

SECONDS = 5  # of silence
ALTOGETHER = 15
NO_ADDRESS = "Give the full address, beginning with https://."
INSIDE = "The address leads inside a network, which POST_HOSTS does not allow."
LONGEST_WAIT = timedelta(hours=1)
LONGEST_HOST = 255  # as DNS has it; with its port
NAT64 = ip_network("64:ff9b::/96")  # leads to any IPv4 address


class HttpLine:
    """Takes posts to one channel. Each post has a connection of its own."""

    noun = "Post"

    def __init__(self, channel: Channel, clock: Callable[[], datetime]) -> None:
        self.channel, self.clock = channel, clock
        self.refuses = f"{channel.name} does not take posts"

    def rows(self) -> QuerySet[Post]:
        return Post.objects.filter(channel=self.channel)

    def open(self) -> None:
        """Unseals, so that what is unreadable is no post's fault."""
        try:
            self._url = checked(unseal(self.channel.address))
            self._secret = unseal(self.channel.secret) if self.channel.secret else ""
        except Unreadable:
            raise Unanswered("Its address or secret was sealed under another SECRET_KEY: enter it again.") from None
        except ValueError as error:
            raise Unanswered(str(error)) from None

    def send(self, post: Post) -> None:
        """Returns when it was answered with 2xx; raises otherwise, or when nobody knows."""
        post.answer, now = None, self.clock()
        body = shapes.body(post, self.channel.kind)
        post.answer, retry_after = submit(self._url, body, shapes.headers(post, self._secret, body, now=now))
        if not 200 <= post.answer < 300:
            raise NotTaken(post.answer, asked_wait(retry_after, now))

    def reset(self) -> None:
        """Nothing is open between posts."""

    def close(self) -> None:
        """Nothing is open between posts."""


def checked(address: str) -> SplitResult:
    """The address in parts, or ValueError with a sentence for people. Nothing is looked up."""
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        raise ValueError(NO_ADDRESS) from None
    plain = address.isascii() and address.isprintable() and " " not in address
    safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in settings.POST_HOSTS)
    if not url.hostname or len(url.netloc) > LONGEST_HOST or not plain or not safe:
        raise ValueError(NO_ADDRESS)
    if url.username or url.password:
        raise ValueError("The address must have no user name or password in it.")
    if url.hostname not in settings.POST_HOSTS and _is_inside(url.hostname):
        raise ValueError(INSIDE)
    return url


def _is_inside(host: str) -> bool:
    """Whether the name itself says so; what it leads to is looked at when something is sent there."""
    try:
        return not is_public(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def submit(url: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The answer's status and Retry-After. Raises Unanswered where there is none, or the address is not allowed."""
    host = url.hostname or ""
    place = _address(host, url.port or (443 if url.scheme == "https" else 80))
    try:
        with socket.create_connection(place, SECONDS) as line, _cut_off(line):
            return _posted(_encrypted(line, host) if url.scheme == "https" else line, url, body, headers)
    except TimeoutError:
        raise Unanswered(f"No answer within {SECONDS} seconds.") from None
    except ssl.SSLCertVerificationError:
        raise Unanswered("Its certificate is not trusted.") from None
    except (OSError, HTTPException) as error:
        raise Unanswered(f"The connection broke ({type(error).__name__}).") from None


def _encrypted(line: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(line, server_hostname=host)


def _posted(line: socket.socket, url: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    with closing(HTTPConnection(url.hostname or "")) as connection, line:
        connection.sock = line
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        connection.request("POST", target, body, headers | {"Host": url.netloc, "Connection": "close"})
        with closing(connection.getresponse()) as answer:
            return answer.status, answer.getheader("Retry-After", "")


@contextmanager
def _cut_off(line: socket.socket) -> Iterator[None]:
    """After ALTOGETHER seconds, however slowly bytes trickle in: each of them would begin the silence anew."""
    other = line.dup()  # the line changes hands when it is encrypted
    timer = Timer(ALTOGETHER, _shut, (other,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        other.close()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _address(host: str, port: int) -> tuple[str, int]:
    """The IP address and port to connect to. All that the name has must be allowed, so that luck does not decide."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise Unanswered("Its name is not known.") from None
    if host not in settings.POST_HOSTS and not all(map(is_public, found)):
        raise Unanswered(INSIDE)
    return found[0], port


def is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip in NAT64 or ip.sixtofour or ip.teredo:
            return False
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast


def asked_wait(retry_after: str, now: datetime) -> timedelta:
    """How long the receiver asks us to wait, an hour at most; nothing where it does not say."""
    try:
        if retry_after.isdecimal():
            return min(timedelta(seconds=int(retry_after[:9])), LONGEST_WAIT)
        at = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return timedelta(0)
    return min(max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta(0)), LONGEST_WAIT)
