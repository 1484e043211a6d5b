"""Words that would like to be code, in every text that people or forges can send: no page runs or fetches any of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import models
from django.urls import reverse
from playwright.sync_api import Dialog, Page, Request

from accounts.models import Team, User
from crq.models import CRQ, Announcement, Document, ExemptionRequest
from deployments.models import Application, ClosedDay, Deployment, PullRequest, Repository
from notifications.models import Stakeholder
from tests.browser.product import Product
from tests.doors import PAGES, SIGNED_IN
from tests.install_morning import InstallMorning
from tests.support.reader import Reader

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AWAY = "//away.example"
HOSTILE = (
    f"\"'><script>alert(1)</script><img src={AWAY}/i onerror=alert(2)>"
    f"<svg/onload=alert(3)></textarea></title><iframe src=javascript:alert(4)></iframe>{{{{7*7}}}}\u202e"
)
TEXTS: dict[type[models.Model], tuple[str, ...]] = {
    User: ("first_name", "last_name"),
    Team: ("name",),
    Application: ("name",),
    Repository: ("name",),
    Deployment: ("title", "release_branch"),
    PullRequest: ("title", "author_login"),
    CRQ: ("title",),
    Document: ("name",),
    ExemptionRequest: ("why", "why_now", "risk"),
    Announcement: ("subject", "introduction"),
    ClosedDay: ("name",),
    Stakeholder: ("name",),
}
LEFT_OUT = {"document", "evidence", "week-evidence", "week-csv", "activity-csv", "activity-jsonl", "population", "feed"}
"""Downloads, which no browser shows."""

MADE = """() => [...document.querySelectorAll("svg[onload], img[onerror], iframe[src^='javascript']")]
  .map(each => each.outerHTML.slice(0, 120))"""


class Hostile(InstallMorning):
    def __init__(self) -> None:
        super().__init__()
        for model, fields in TEXTS.items():
            known = {field.name: field for field in model._meta.fields}
            for row in model._base_manager.all():
                for name in fields:
                    if name in known:
                        longest = known[name].max_length or 4000
                        setattr(row, name, f"{row.pk}{HOSTILE}"[:longest])
                row.save()


def _listen(page: Page, wrong: list[str]) -> None:
    """Writes down what hostile words would make a page do: open a dialog, or ask elsewhere."""

    def dismiss(dialog: Dialog) -> None:
        wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def look(request: Request) -> None:
        if AWAY in request.url:
            wrong.append(f"fetched {request.url}")

    page.on("dialog", dismiss)
    page.on("request", look)


@pytest.mark.parametrize("product", [Hostile], indirect=True)
def test_nothing_of_it_runs(reader: Callable[[str], Reader], product: Product) -> None:
    wrong: list[str] = []
    seen: list[Page] = []
    shown = 0
    for door in PAGES:
        if not door.who & SIGNED_IN or door.name in LEFT_OUT or door.name.startswith(("mfa_", "account_", "openid")):
            continue
        who = "administrator" if "administrator" in door.who else min(door.who & SIGNED_IN)
        page = reader(who).page
        if page not in seen:
            seen.append(page)
            _listen(page, wrong)
        page.goto(product.address + reverse(door.name, args=door.keys(product.story)))  # type: ignore[arg-type]
        wrong.extend(f"{page.url}: {each}" for each in page.evaluate(MADE))
        shown += "alert(1)" in page.inner_text("body")

    assert wrong == []
    assert shown > 10, "The words are hardly shown, so this proves little."
