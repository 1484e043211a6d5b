"""The demonstration's mailbox: every letter, newest first, for everybody or for one recipient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch
from django.urls import reverse

from crq.letters import Delivery, deliveries, kind_label
from notifications.models import Email, Letter
from workflow.badge import Badge

A_PAGE, NAMED = 25, 3


@dataclass(frozen=True)
class Mail:
    pk: int
    subject: str
    kind_label: str
    to: str
    at: datetime
    text: str
    html_url: str
    badge: Badge


@dataclass(frozen=True)
class Mailbox:
    mails: list[Mail]
    page: Page[Letter]
    readers: list[str]
    reader: str


def mailbox(*, reader: str, number: str) -> Mailbox:
    """`reader` is an e-mail address, or nothing for all; `number` is that of the page, and forgives nonsense."""
    letters = Letter.objects.all()
    if reader:
        letters = letters.filter(pk__in=Email.objects.filter(to=reader).values("letter"))
    letters = letters.prefetch_related(Prefetch("emails", Email.objects.select_related("recipient")))
    page = Paginator(letters, A_PAGE).get_page(number)
    readers = list(Email.objects.order_by("to").values_list("to", flat=True).distinct())
    got = deliveries(letter.pk for letter in page.object_list)
    return Mailbox([_mail(letter, got[letter.pk]) for letter in page.object_list], page, readers, reader)


def _mail(letter: Letter, got: Delivery) -> Mail:
    names = [email.recipient.name if email.recipient else email.to for email in letter.emails.all()]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return Mail(
        pk=letter.pk,
        subject=letter.subject,
        kind_label=kind_label(letter),
        to=", ".join(names[:NAMED]) + more,
        at=letter.written_at,
        text=letter.text,
        html_url=reverse("demo-letter", args=[letter.pk]),
        badge=got.badge,
    )
