"""A real SMTP server that can be told to misbehave."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import free_port


class Mode(StrEnum):
    OK = "ok"
    TRY_LATER = "451"  # a passing fault: keep the e-mail and try again
    REFUSED = "550"  # a lasting fault: trying again is pointless
    HANG = "hang"  # takes the message and never answers
    DROP_AFTER_DATA = "drop"  # takes the message, keeps it, and cuts the line before saying so


class Postbox:
    """The server's behaviour and what it took; the test may change `mode` at any time."""

    def __init__(self) -> None:
        self.mode = Mode.OK
        self.messages: list[EmailMessage] = []  # taken into the postbox, also those whose sender never learned it
        self.attempts = 0  # how often a message was handed over, whatever became of it
        self.reached = threading.Event()  # set by every attempt: a test can wait for the hanging one

    @property
    def ids(self) -> list[str]:
        return [str(message["Message-ID"]) for message in self.messages]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, ARG002, RUF100
        self.attempts += 1
        self.reached.set()
        if self.mode is Mode.HANG:
            await asyncio.Event().wait()
        if self.mode is Mode.TRY_LATER:
            return "451 Try again later"
        if self.mode is Mode.REFUSED:
            return "550 No such user here"
        self.messages.append(message_from_bytes(cast(bytes, envelope.original_content), policy=default))
        if self.mode is Mode.DROP_AFTER_DATA:
            cast(asyncio.Transport, server.transport).abort()
        return "250 Taken"


class SmtpServer(Postbox):
    """`url` is what EMAIL_URL wants."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port, self.url = port, f"smtp://127.0.0.1:{port}"

    def forget(self) -> None:
        """Back to the beginning, for the next test."""
        Postbox.__init__(self)


@contextmanager
def running() -> Iterator[SmtpServer]:
    postbox = SmtpServer(free_port())
    controller = Controller(postbox, hostname="127.0.0.1", port=postbox.port)
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()
