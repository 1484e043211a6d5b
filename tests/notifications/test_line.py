"""What every message carries, so that mail programs gather, sort and leave it alone as they should."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.conf import LazySettings

from notifications.line import Copy
from notifications.models import Email, Letter

WRITTEN = datetime(2026, 12, 8, 15, tzinfo=UTC)


def copy(to: str = "a@example.com", **fields: str) -> Email:
    letter = Letter(
        subject="Moved – to Thu Dec 17", text="On time – at 2.\n", html="<p>On time – at 2.", written_at=WRITTEN
    )
    return Email(letter=letter, to=to, message_id="<0123abcd@example.com>", **fields)


def arrived(email: Email) -> EmailMessage:
    return message_from_bytes(Copy(email).message().as_bytes(), policy=default)


def test_the_headers():
    message = arrived(copy())

    assert message["Message-ID"] == "<0123abcd@example.com>"
    assert message["Date"] == "Tue, 08 Dec 2026 15:00:00 +0000"
    assert message["Subject"] == "Moved – to Thu Dec 17"
    assert message["To"] == "a@example.com"
    assert message["List-Id"] == "releaseflow <releaseflow.example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"


@pytest.mark.parametrize("subject", ["x" * 200, "ü" * 200, "Verify – " + "word " * 38 + "end", "Verify " * 25 + "end"])
def test_a_long_subject_is_folded_and_arrives_whole(subject: str):
    email = copy()
    email.letter.subject = subject

    raw = Copy(email).message().as_bytes()

    head = raw[raw.index(b"Subject: ") :].partition(b"\nFrom:")[0]
    assert max(len(line) for line in head.split(b"\n")) <= 78
    assert not head.startswith(b"Subject: \n")
    assert message_from_bytes(raw, policy=default)["Subject"] == subject


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ("Releases <r@example.com>", "Releases <r@example.com>"),
        ("r@example.com", "releaseflow <r@example.com>"),
        ("Équipe Ä <r@example.com>", "Équipe Ä <r@example.com>"),
    ],
)
def test_the_sender_has_a_name(settings: LazySettings, setting: str, header: str):
    settings.DEFAULT_FROM_EMAIL = setting

    assert arrived(copy())["From"] == header


def test_the_first_of_a_thread_answers_nothing():
    message = arrived(copy())

    assert (message["In-Reply-To"], message["References"]) == (None, None)


def test_a_revision_answers_the_first():
    message = arrived(copy(in_reply_to="<first@example.com>"))

    assert (message["In-Reply-To"], message["References"]) == ("<first@example.com>", "<first@example.com>")


def test_text_comes_before_html_and_both_are_readable():
    message = arrived(copy())

    text, html = message.iter_parts()
    assert message.get_content_type() == "multipart/alternative"
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content() == "On time – at 2.\n"
    assert "On time =E2=80=93 at 2." in text.as_string()


def test_it_is_the_same_to_the_byte_however_often_it_is_made():
    assert Copy(copy()).message().as_bytes() == Copy(copy()).message().as_bytes()


def test_a_line_break_in_an_address_is_no_second_header():
    with pytest.raises(ValueError, match="newlines"):
        Copy(copy(to="a@example.com\r\nBcc: everyone@example.com")).message()
