"""The line to one channel: a POST to an address that an administrator entered, and that must not lead inside.

The name is resolved once, every address it has is judged, and the connection goes to the one that was judged. No
redirect is followed, the body of the answer is not read, and no error's words repeat the address, which is a secret.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import urllib3
from django.conf import settings
from django.db.models import QuerySet
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError, SSLError

from accounts.secrets import unseal
from notifications import shapes
from notifications.faults import NotTaken
from notifications.models import Channel, Post

logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)  # its DEBUG lines hold whole addresses

SECONDS = 5
LONGEST_WAIT = timedelta(hours=1)
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
        self._url = checked(unseal(self.channel.address))
        self._secret = unseal(self.channel.secret) if self.channel.secret else ""

    def send(self, post: Post) -> None:
        """Returns when it was answered with 2xx; raises otherwise, or when nobody knows."""
        post.answer, now = None, self.clock()
        body = shapes.body(post, self.channel.kind)
        post.answer, retry_after = submit(self._url, body, shapes.headers(post, self._secret, body, now=now))
        if not 200 <= post.answer < 300:
            raise NotTaken(post.answer, _wait(retry_after, now))

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
        raise ValueError("This is not a web address.") from None
    if not url.hostname or not address.isascii() or any(char.isspace() for char in address):
        raise ValueError("This is not a web address.")
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in settings.POST_HOSTS):
        raise ValueError("The address must begin with https://.")
    if url.username or url.password:
        raise ValueError("The address must have no user name or password in it.")
    return url


def submit(url: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """The answer's status and Retry-After. Raises OSError where there is no answer or the address is not allowed."""
    host = url.hostname or ""
    port = url.port or (443 if url.scheme == "https" else 80)
    timeout = urllib3.Timeout(connect=SECONDS, read=SECONDS)
    pool: urllib3.HTTPConnectionPool
    if url.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            _address(host, port), port, timeout=timeout, assert_hostname=host, server_hostname=host
        )
    else:
        pool = urllib3.HTTPConnectionPool(_address(host, port), port, timeout=timeout)
    with pool:
        return _posted(pool, url, body, headers | {"Host": url.netloc, "Connection": "close"})


def _posted(
    pool: urllib3.HTTPConnectionPool, url: SplitResult, body: bytes, headers: dict[str, str]
) -> tuple[int, str]:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        answer = pool.urlopen(
            "POST", target, body=body, headers=headers, retries=False, redirect=False, preload_content=False
        )
    except (ConnectTimeoutError, ReadTimeoutError):
        raise TimeoutError(f"No answer within {SECONDS} seconds.") from None
    except SSLError:
        raise ConnectionError("Its certificate is not trusted.") from None
    except HTTPError as error:
        raise ConnectionError(f"The connection broke ({type(error).__name__}).") from None
    answer.close()
    return answer.status, answer.headers.get("Retry-After", "")


def _address(host: str, port: int) -> str:
    """The IP address to connect to. All that the name has must be allowed, so that luck does not decide."""
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise ConnectionError("Its name is not known.") from None
    if host not in settings.POST_HOSTS and not all(map(is_public, found)):
        raise PermissionError("Its name leads to an address inside a network, which POST_HOSTS does not allow.")
    return found[0]


def is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip in NAT64 or ip.sixtofour or ip.teredo:
            return False
        ip = ip.ipv4_mapped or ip
    return ip.is_global and not ip.is_multicast


def _wait(retry_after: str, now: datetime) -> timedelta:
    """How long the receiver asks us to wait, an hour at most; nothing where it does not say."""
    try:
        if retry_after.isdecimal():
            return min(timedelta(seconds=int(retry_after[:9])), LONGEST_WAIT)
        at = parsedate_to_datetime(retry_after)
    except (ValueError, TypeError):
        return timedelta(0)
    return min(max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta(0)), LONGEST_WAIT)
