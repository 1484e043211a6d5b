"""Whose fault it is when a message did not leave: the message's, the line's, or the mail server's."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto
from http import HTTPStatus
from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

CLOSING, TOO_LARGE = 421, 552
WANTS_SIGN_IN = {530, 534, 535, 538}
NOT_ALLOWED = "5.7."  # RFC 3463: the address may be right, but we are not let through (relay denied, policy)


NEVER_TAKEN = {400, 410, 413, 415, 422}  # answers over HTTP that another try does not change


class NotTaken(Exception):
    """A receiver answered a post with anything but 2xx. It may ask us to wait."""

    def __init__(self, answer: int, wait: timedelta) -> None:
        super().__init__(answer)
        self.answer, self.wait = answer, wait


class Unanswered(OSError):
    """No answer came to a post, or it was not sent; the words are a sentence for people."""


class Fault(Enum):
    FINAL = auto()  # the server will never take this message
    LATER = auto()  # this message, but not now
    LOST = auto()  # no answer to this message: nobody knows whether it was taken
    BUSY = auto()  # the server closes the line, and says that it took nothing
    SERVER = auto()  # the server, or our account there: no message can leave


def fault(error: Exception) -> Fault:
    """What an exception met while a message was handed over says about whose fault it is.

    In doubt a message is tried again: giving it up too early needs a person to mend it, trying again does not.
    """
    if isinstance(error, NotTaken):
        return Fault.FINAL if error.answer in NEVER_TAKEN else Fault.LATER
    if isinstance(error, SMTPConnectError | SMTPHeloError | SMTPAuthenticationError):
        return Fault.SERVER
    if isinstance(error, SMTPServerDisconnected) or (
        isinstance(error, OSError) and not isinstance(error, SMTPException)
    ):
        return Fault.LOST
    code, text = _reply(error)
    if code == CLOSING:
        return Fault.BUSY
    if code in WANTS_SIGN_IN or (isinstance(error, SMTPSenderRefused) and code != TOO_LARGE):
        return Fault.SERVER
    return Fault.FINAL if code >= 500 and not text.startswith(NOT_ALLOWED) else Fault.LATER


def in_words(error: Exception) -> str:
    """One line for people: the server's own answer where there is one, else the kind of the error and its text."""
    code, text = _reply(error)
    named = str(error) if isinstance(error, Unanswered) else f"{type(error).__name__}: {error}"
    said = f"{code} {text}" if code else named
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())[:400]


def _reply(error: Exception) -> tuple[int, str]:
    """The server's answer, or (0, "") when it gave none. Each message has one recipient, so there is one answer."""
    code: int
    said: bytes | str
    if isinstance(error, NotTaken):
        known = error.answer in HTTPStatus._value2member_map_
        return error.answer, HTTPStatus(error.answer).phrase if known else "(no standard answer)"
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    elif isinstance(error, SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return 0, ""
    return code, said.decode(errors="replace") if isinstance(said, bytes) else said
