"""Whose fault it is, by what the mail server says."""

from smtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPDataError,
    SMTPHeloError,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

import pytest

from notifications.faults import Fault, fault, in_words


def recipient(code: int, text: str) -> SMTPRecipientsRefused:
    return SMTPRecipientsRefused({"a@example.com": (code, text.encode())})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (recipient(550, "5.1.1 No such user"), Fault.FINAL),
        (recipient(450, "4.2.0 Greylisted"), Fault.LATER),
        (recipient(554, "5.7.1 Relay access denied"), Fault.LATER),
        (recipient(530, "5.7.0 Authentication required"), Fault.SERVER),
        (recipient(421, "Closing"), Fault.BUSY),
        (SMTPDataError(554, b"Spam"), Fault.FINAL),
        (SMTPDataError(451, b"Later"), Fault.LATER),
        (SMTPDataError(421, b"Closing"), Fault.BUSY),
        (SMTPSenderRefused(550, b"Who are you", "r@example.com"), Fault.SERVER),
        (SMTPSenderRefused(452, b"Disk full", "r@example.com"), Fault.SERVER),
        (SMTPSenderRefused(421, b"Closing", "r@example.com"), Fault.BUSY),
        (SMTPSenderRefused(552, b"Too large", "r@example.com"), Fault.FINAL),
        (SMTPAuthenticationError(535, b"Wrong password"), Fault.SERVER),
        (SMTPConnectError(554, b"Go away"), Fault.SERVER),
        (SMTPHeloError(550, b"Who are you"), Fault.SERVER),
        (SMTPServerDisconnected("Connection unexpectedly closed"), Fault.LOST),
        (ConnectionResetError(104, "reset"), Fault.LOST),
        (TimeoutError("timed out"), Fault.LOST),
        (SMTPNotSupportedError("SMTPUTF8 not supported"), Fault.LATER),
        (ValueError("Header values can't contain newlines"), Fault.LATER),
    ],
)
def test_whose_fault(error: Exception, expected: Fault):
    assert fault(error) is expected


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (recipient(550, "5.1.1 No such\r\nuser"), "550 5.1.1 No such user"),
        (SMTPDataError(451, "Später".encode("latin-1")), "451 Sp�ter"),
        (TimeoutError("timed out"), "TimeoutError: timed out"),
        (SMTPDataError(550, b"x" * 2000), "550 " + "x" * 396),
    ],
)
def test_errors_in_one_line(error: Exception, words: str):
    assert in_words(error) == words
