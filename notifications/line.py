"""The line to the mail server, and a message as it travels on it."""

from __future__ import annotations

from contextlib import suppress
from email import charset
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from smtplib import SMTP
from typing import cast

from django.conf import settings
from django.core.mail import EmailMessage, SafeMIMEMultipart, SafeMIMEText, get_connection
from django.core.mail.backends.smtp import EmailBackend
from django.db.models import QuerySet

from notifications import sealed
from notifications.models import Email

# Quoted-printable keeps lines short for every relay, and the text readable in the source; Django would send 8 bit.
UTF8 = charset.Charset("utf-8")
UTF8.body_encoding = charset.QP
LONGEST_WORD = 60


class Line:
    """A connection of Django's mail backend that stays open from message to message."""

    noun = "E-mail"
    refuses = "The mail server does not take e-mails"

    def __init__(self) -> None:
        self._backend = get_connection()

    def rows(self) -> QuerySet[Email]:
        """The letters are read once for all that share them."""
        return Email.objects.prefetch_related("letter")

    def open(self) -> None:
        """Opens it where it is not open. Whatever is raised here concerns no message."""
        if self._backend.open() and (smtp := self._smtp()):
            smtp.ehlo_or_helo_if_needed()

    def send(self, email: Email) -> None:
        """Returns when the server has taken the message; raises otherwise, or when nobody knows."""
        self._backend.send_messages([Copy(email)])

    def reset(self) -> None:
        """Ready for another message after one was refused."""
        if smtp := self._smtp():
            try:
                smtp.rset()
            except OSError:
                self.close()

    def close(self) -> None:
        with suppress(OSError):  # a line that is broken already cannot be closed politely
            self._backend.close()

    def _smtp(self) -> SMTP | None:
        """What lies under the backend, where it is one that speaks SMTP."""
        return self._backend.connection if isinstance(self._backend, EmailBackend) else None


class Copy(EmailMessage):
    """One recipient's copy of a letter: the same to the byte however often it is made.

    The parts are the same for all recipients and are encoded once; that is most of the work.
    """

    mixed_subtype = "alternative"

    def __init__(self, email: Email) -> None:
        letter = email.letter
        super().__init__(
            letter.subject,
            from_email=_sender(),
            to=[email.to],
            headers=_headers(email),
            attachments=list(_encoded(email)),
        )
        self.boundary = f"={email.message_id.strip('<>').partition('@')[0]}="

    def message(self) -> SafeMIMEMultipart:  # type: ignore[override] # stubs of Django 6
        message = cast(SafeMIMEMultipart, super().message())
        message.set_boundary(self.boundary)
        message.replace_header("Subject", _subject(str(self.subject)))  # type: ignore[arg-type]
        return message


def _encoded(email: Email) -> tuple[SafeMIMEText, SafeMIMEText]:
    letter = email.letter
    if letter.kind not in sealed.MAKERS:
        return _parts(letter.text, letter.html)
    text, html = sealed.opened(email)
    return _parts.__wrapped__(text, html)  # a link that works is not remembered


@lru_cache(maxsize=16)
def _parts(text: str, html: str) -> tuple[SafeMIMEText, SafeMIMEText]:
    text_part = SafeMIMEText(text, "plain", UTF8)  # type: ignore[arg-type]
    return text_part, SafeMIMEText(html, "html", UTF8)  # type: ignore[arg-type]


def _subject(text: str) -> Header:
    """Folded into short lines. Django does this without knowing the header's name, so that a long subject would begin
    with an empty line; and a word that is longer than a line has to be encoded to be divided.
    """
    too_long = any(len(word) > LONGEST_WORD for word in text.split())
    return Header(text, "utf-8" if too_long else None, header_name="Subject")


def _sender() -> str:
    """With a name, which mail programs show instead of the address."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or "releaseflow", address))


def _headers(email: Email) -> dict[str, str]:
    headers = {
        "Message-ID": email.message_id,
        "Date": format_datetime(email.letter.written_at),
        "List-Id": f"releaseflow <releaseflow.{settings.MAIL_DOMAIN}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834: nobody's holiday note answers this
        "X-Auto-Response-Suppress": "OOF, AutoReply",  # the same for Exchange, which then still reports bounces
    }
    if email.in_reply_to:
        headers |= {"In-Reply-To": email.in_reply_to, "References": email.in_reply_to}
    return headers
