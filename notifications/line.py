"""The line to the mail server, and a message as it travels on it."""

from __future__ import annotations

from contextlib import suppress
from email import charset
from email.utils import format_datetime, formataddr, parseaddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from notifications.models import Email

# Quoted-printable keeps lines short for every relay, and the text readable in the source; Django would send 8 bit.
UTF8 = charset.Charset("utf-8")
UTF8.body_encoding = charset.QP


class Line:
    """A connection of Django's mail backend that stays open from message to message."""

    def __init__(self) -> None:
        self._backend = get_connection()

    def open(self) -> None:
        """Opens it where it is not open. Whatever is raised here concerns no message."""
        if self._backend.open() and isinstance(self._backend, EmailBackend):
            self._backend.connection.ehlo_or_helo_if_needed()

    def send(self, email: Email) -> None:
        """Returns when the server has taken the message; raises otherwise, or when nobody knows."""
        message = built(email)
        message.connection = self._backend
        message.send()

    def reset(self) -> None:
        """Ready for another message after one was refused."""
        if isinstance(self._backend, EmailBackend):
            try:
                self._backend.connection.rset()
            except OSError:
                self.close()

    def close(self) -> None:
        with suppress(OSError):  # a line that is broken already cannot be closed politely
            self._backend.close()


def built(email: Email) -> EmailMultiAlternatives:
    """The message to this recipient, the same however often it is made."""
    letter = email.letter
    message = EmailMultiAlternatives(
        letter.subject, letter.text, from_email=_sender(), to=[email.to], headers=_headers(email)
    )
    message.encoding = UTF8  # type: ignore[assignment]
    message.attach_alternative(letter.html, "text/html")
    return message


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
