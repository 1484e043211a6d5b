"""Every page of the product, and who opens it; and the addresses that are no pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.utils import user_pk_to_url_str
from django.urls import URLPattern, URLResolver, reverse

from accounts.models import Team, User
from crq.models import Announcement, ExemptionRequest
from deployments.models import Application, CodeReview, Connection, Delivery, Draft, Repository
from notifications.models import Channel, Letter, Post
from releaseflow.people.invitations import token
from workflow.models import Event

Step = Draft.Step
Keys = Callable[[Any], tuple[Any, ...]]


@dataclass(frozen=True)
class Visit:
    """One page by its name in the URLconf, opened by one of the cast; `keys` finds what the address speaks of."""

    name: str
    by: str = "developer"
    keys: Keys = lambda story: ()
    query: str = ""
    demo: bool = False

    def path(self, story: Any) -> str:
        return reverse(self.name, args=self.keys(story)) + self.query

    def __str__(self) -> str:
        return f"{self.name}{self.query} for {self.by or 'nobody'}{' in the demonstration' if self.demo else ''}"


def crq(key: str) -> Keys:
    return lambda story: (story.crq(key).number,)


def first(model: Any) -> Keys:
    return lambda story: (model.objects.earliest("pk").pk,)


def reset_link(user: User) -> tuple[str, str]:
    return user_pk_to_url_str(user), EmailAwarePasswordResetTokenGenerator().make_token(user)


def week(story: Any) -> tuple[Any, ...]:
    return (story.week.thursday,)


def next_week(story: Any) -> tuple[Any, ...]:
    return (story.next_week.thursday,)


EVERYWHERE = (
    Visit("my-tasks"),
    Visit("pull-requests"),
    Visit("crqs"),
    Visit("crq-changes"),
    Visit("reviews", "scrum_master"),
    Visit("exemptions", "director"),
    Visit("emails", "scrum_master"),
    Visit("email-delivery", "administrator"),
    Visit("calendar"),
    Visit("activity"),
    Visit("approvals", "manager"),
    Visit("week", "developer", week),
    Visit("install-day", "devops", week),
    Visit("snapshots", "director", week),
    Visit("search", query="?q=admin"),
)
"""The lists, which must also be good when there is nothing in them."""

SIGN_IN = (
    Visit("sign-in", ""),
    Visit("sign-in", "", demo=True),
    Visit("account_reset_password", ""),
    Visit("account_reset_password_done", ""),
    Visit("account_reset_password_from_key", "", lambda story: reset_link(story.cast.manager)),
    Visit("account_reset_password_from_key_done", ""),
    Visit("accept-invitation", "", lambda story: (token(story.invitation),)),
    Visit("mfa_authenticate", "halfway"),
    Visit("mfa_index", "manager"),
    Visit("mfa_index", "second_devops"),
    Visit("usersessions_list", "second_devops"),
    Visit("account_change_password", "manager"),
    Visit("account_set_password", "other_developer"),
    Visit("account_reauthenticate", "manager"),
    Visit("mfa_reauthenticate", "second_devops"),
    Visit("mfa_reauthenticate_webauthn", "second_devops"),
    Visit("mfa_activate_totp", "manager"),
    Visit("mfa_deactivate_totp", "second_devops"),
    Visit("mfa_generate_recovery_codes", "second_devops"),
    Visit("mfa_view_recovery_codes", "second_devops"),
    Visit("mfa_list_webauthn", "second_devops"),
    Visit("mfa_add_webauthn", "manager"),
    Visit("mfa_edit_webauthn", "second_devops", lambda story: (story.passkey.pk,)),
    Visit("mfa_remove_webauthn", "second_devops", lambda story: (story.passkey.pk,)),
)
"""The sign-in and what one signs in with."""

ON_THURSDAY = (
    *EVERYWHERE,
    *SIGN_IN,
    Visit("my-tasks", "manager"),
    Visit("my-tasks", "scrum_master"),
    Visit("my-tasks", "devops"),
    Visit("week", "manager", next_week, "?view=mine"),
    Visit("install-day", "devops", week, "?view=wall"),
    Visit("week-schedule", "scrum_master", week),
    Visit("search"),
    Visit("crq", "developer", crq("timeout")),
    Visit("crq", "devops", crq("search")),
    Visit("crq", "director", crq("dark")),
    Visit("crq-text", "developer", crq("timeout")),
    Visit("crq-number-there", "developer", crq("timeout")),
    Visit("crq", "manager", lambda story: (story.waiting.crq.number,)),
    Visit("deployment", "developer", lambda story: (story.reviewed.pk,)),
    Visit("pull-request", "reviewer", lambda story: (story.queued.pk,)),
    Visit("new-pull-request"),
    Visit("new-deployment"),
    Visit("new-deployment-what", keys=lambda story: (story.drafts[Step.PULL_REQUESTS].pk,)),
    Visit("new-deployment-pull-requests", keys=lambda story: (story.drafts[Step.PULL_REQUESTS].pk,)),
    Visit("new-deployment-crq", keys=lambda story: (story.drafts[Step.CRQ].pk,)),
    Visit("new-deployment-documents", keys=lambda story: (story.drafts[Step.DOCUMENTS].pk,)),
    Visit("deployment-pull-requests", keys=lambda story: (story.reviewed.pk,)),
    Visit("open-crq", keys=lambda story: (story.reviewed.pk,)),
    Visit("merge", "devops", lambda story: (story.begun.pk,)),
    Visit("move", "manager", lambda story: (story.waiting.pk,)),
    Visit("review", "scrum_master", first(CodeReview)),
    Visit("review", "scrum_master", first(CodeReview), "?view=present"),
    Visit("week-mail", "scrum_master", lambda story: (story.week.thursday, Announcement.Kind.COMPLETION)),
    Visit("announcement", "scrum_master", lambda story: (story.letter_draft.pk,)),
    Visit("announcement", "scrum_master", lambda story: (story.letter_draft.pk,), "?part=text"),
    Visit("announcement", "developer", lambda story: (story.sent.pk,)),
    Visit("event", "developer", first(Event)),
    Visit("feeds"),
    Visit("me", "manager"),
    Visit("tokens", "manager"),
    Visit("api-docs"),
    Visit("people", "administrator"),
    Visit("settings", "administrator"),
    Visit("settings", "developer"),
    Visit("setting-applications", "administrator"),
    Visit("setting-application", "administrator", first(Application)),
    Visit("setting-repository", "administrator", first(Repository)),
    Visit("setting-teams", "administrator"),
    Visit("setting-team", "administrator", first(Team)),
    Visit("setting-recipients", "administrator"),
    Visit("schedule", "administrator"),
    Visit("closed-days", "administrator"),
    Visit("closed-days", "developer"),
    Visit("invite", "administrator"),
    Visit("person", "administrator", lambda story: (story.cast.developer.pk,)),
    Visit("setting-forges", "administrator"),
    Visit("setting-forge-people", "administrator"),
    Visit("setting-forge", "administrator", first(Connection)),
    Visit("setting-forge-delivery", "administrator", first(Delivery)),
    Visit("setting-channels", "administrator"),
    Visit("setting-channel", "administrator", first(Channel)),
    Visit("setting-channel-post", "administrator", first(Post)),
    Visit("demo-mailbox", "outsider", demo=True),
    Visit("styleguide", "outsider"),
)

ON_WEDNESDAY = (
    Visit("my-tasks", "director"),
    Visit("week", "scrum_master", week),
    Visit("install-day", "devops", week),
    Visit("crq", "manager", crq("dark")),
    Visit("crq", "developer", crq("search")),
    Visit("ask-exemption", "manager", lambda story: (story.crq("dark").number,)),
    Visit("exemption", "director", first(ExemptionRequest)),
    Visit("exemption", "manager", first(ExemptionRequest)),
)

LETTERS = (
    Visit("announcement-preview", "scrum_master", lambda story: (story.sent.pk,)),
    Visit("announcement-preview", "scrum_master", lambda story: (story.sent.pk,), "?part=dark"),
    Visit("demo-letter", "outsider", first(Letter), demo=True),
)
"""E-mails, shown as they are; they stand in a frame and have none of our own around them."""

NO_PAGES = {
    "a form's address alone": (
        *(
            "act",
            "attach",
            "attach-files",
            "attached-there",
            "comment",
            "decide",
            "delete-view",
            "demo-become",
            "demo-clock",
            "density",
        ),
        *(
            "follow",
            "my-emails",
            "new-deployment-discard",
            "openid_connect_login",
            "save-view",
            "setting-channel-secret",
            "setting-forge-secret",
            "setting-forge-token",
            "shortcuts",
            "sign-out",
        ),
    ),
    "a file": ("activity-csv", "activity-jsonl", "document", "evidence", "population", "week-csv", "week-evidence"),
    "for machines": ("feed", "hook", "mfa_login_webauthn"),
    "leads back from the identity provider": ("openid_connect_callback",),
    "another name of sign-in": ("account_login",),
    "for programs; tests/api/ visits all of it": ("api",),
    "a part of a page that shows it": ("document-text", "news"),
    "leads on to a week": ("weeks",),
}
"""Addresses that show no page of their own, by the reason."""


def names(patterns: Iterable[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    """How `reverse` knows every address below these patterns; a nameless one by what it looks like."""
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from names(each.url_patterns, f"{prefix}{each.namespace}:" if each.namespace else prefix)
        else:
            yield f"{prefix}{each.name or each.pattern}"
