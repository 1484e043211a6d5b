"""A real SMTP server that can be told to misbehave."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import Enum
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.ports import free_port

PASSWORD = "right"  # whatever the user's name; who does not sign in at all is served too, unless the mode says no


class Mode(Enum):
    """What is answered, and to which command."""

    OK = ("", "")
    TRY_LATER = ("DATA", "451 Try again later")  # a passing fault: keep the e-mail and try again
    REFUSED = ("DATA", "550 No such user here")  # a lasting fault: trying again is pointless
    CLOSES = ("DATA", "421 Closing the line")
    HANG = ("DATA", "hang")  # takes the message and never answers
    DROP_AFTER_DATA = ("DATA", "drop")  # takes the message, keeps it, and cuts the line before saying so
    RCPT_LATER = ("RCPT", "450 Mailbox busy")
    RCPT_REFUSED = ("RCPT", "550 No such user here")
    RCPT_CLOSES = ("RCPT", "421 Too many messages on this line")
    RELAY_DENIED = ("RCPT", "554 5.7.1 Relay access denied")
    SENDER_REFUSED = ("MAIL", "553 Sender address rejected")
    SENDER_LATER = ("MAIL", "452 Disk full")
    TOO_LARGE = ("MAIL", "552 Message size exceeds fixed limit")
    WANTS_SIGN_IN = ("MAIL", "530 5.7.0 Authentication required")

    def answer(self, command: str) -> str:
        return self.value[1] if self.value[0] == command else ""


class Postbox:
    """The server's behaviour and what it took; the test may change `mode`, or that of one `address`, at any time."""

    def __init__(self) -> None:
        self.mode = Mode.OK
        self.address: dict[str, Mode] = {}
        self.once: list[Mode] = []  # the modes of the next messages, before `mode` counts
        self.messages: list[EmailMessage] = []  # taken into the postbox, also those whose sender never learned it
        self.raw: list[bytes] = []  # the same, byte for byte
        self.attempts = 0  # how often a message was handed over, whatever became of it
        self.lines = 0  # how often someone connected and greeted
        self.reached = threading.Event()  # set by every attempt: a test can wait for the hanging one
        self.during: Callable[[int], None] = lambda number: None  # called while the sender waits for the answer

    @property
    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for message in self.messages]

    @property
    def to(self) -> list[str]:
        return [str(message["To"]) for message in self.messages]

    def _mode(self, address: str = "") -> Mode:
        return self.address.get(address) or (self.once[0] if self.once else self.mode)

    async def handle_EHLO(  # noqa: N802, RUF100
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.lines += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802, RUF100
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._mode().answer("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802, RUF100
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._mode(address).answer("RCPT"):
            self._next()
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, RUF100
        self.attempts += 1
        self.reached.set()
        answer = self._mode(envelope.rcpt_tos[0]).answer("DATA")
        self._next()
        if answer == "hang":
            await asyncio.Event().wait()
        if answer and answer != "drop":
            return answer
        self.raw.append(cast(bytes, envelope.original_content))
        self.messages.append(message_from_bytes(self.raw[-1], policy=default))
        self.during(len(self.messages))
        if answer == "drop":
            cast(asyncio.Transport, server.transport).abort()
        return "250 Taken"

    def _next(self) -> None:
        if self.once:
            self.once.pop(0)


class SmtpServer(Postbox):
    """`url` is what EMAIL_URL wants."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.url = port, f"smtp://127.0.0.1:{port}"

    def forget(self) -> None:
        """Back to the beginning, for the next test."""
        Postbox.__init__(self)


def _sign_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, who: Any) -> AuthResult:
    right = isinstance(who, LoginPassword) and who.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)


@contextmanager
def running() -> Iterator[SmtpServer]:
    postbox = SmtpServer(free_port())
    controller = Controller(
        postbox, hostname="127.0.0.1", port=postbox.port, authenticator=_sign_in, auth_require_tls=False
    )
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()
