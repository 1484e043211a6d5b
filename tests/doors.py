"""Who gets what at each address: written from the specification's roles and actions, not from the code's answers.

`PAGES` are opened, `FORMS` are sent, `ACTS` are the plain buttons behind `/act/…`. An address that is new belongs in
`PAGES` and, where something can be sent to it, in `FORMS`: test_authorization.py says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from crq.change_system.differences import digest
from crq.models import Announcement
from deployments.run_order import in_the_run
from tests.install_morning import InstallMorning
from tests.stages import PDF

DEV, OTHER_DEV, MANAGER, OTHER_MANAGER = "developer", "other_developer", "manager", "other_manager"
SCRUM, OPS, DIRECTOR, ADMIN = "scrum_master", "devops", "director", "administrator"
OUTSIDER, SUPERUSER = "outsider", "superuser"
NOBODY: frozenset[str] = frozenset()
WITH_A_ROLE = frozenset({DEV, OTHER_DEV, MANAGER, OTHER_MANAGER, SCRUM, OPS, DIRECTOR, ADMIN})
SIGNED_IN = WITH_A_ROLE | {OUTSIDER, SUPERUSER}
"""A superuser of Django's holds no role, and so may do what an outsider may."""
SIGNED_OUT = frozenset({"anonymous", "disabled"})
EVERYBODY = SIGNED_IN | SIGNED_OUT

YES, REFUSED, SIGN_IN = "yes", "refused", "sign in"
"""`REFUSED`: a sentence, and nothing is written. Anything else is an HTTP status."""
Outcome = str | int
World = InstallMorning
Keys = Callable[[World], tuple[Any, ...]]
Data = Callable[[World], dict[str, Any]]


@dataclass(frozen=True)
class Door:
    """One address for one purpose.

    `otherwise` is what the others get; whoever is signed out is asked to sign in, unless the address `is_public`.
    `confirmed_by` sends the form once before, for the digest of its preview. `writes` is off where a YES keeps nothing
    in the database.
    """

    name: str
    keys: Keys = lambda w: ()
    who: frozenset[str] = SIGNED_IN
    otherwise: Outcome = REFUSED
    data: Data = lambda w: {}
    label: str = ""
    writes: bool = True
    confirmed_by: str = ""
    is_public: bool = False

    def expected(self, person: str) -> Outcome:
        if person in self.who:
            return YES
        return SIGN_IN if person in SIGNED_OUT and not self.is_public else self.otherwise

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()


def crq(attribute: str) -> Keys:
    return lambda w: (getattr(w, attribute).crq.number,)


def pk(attribute: str) -> Keys:
    return lambda w: (getattr(w, attribute).pk,)


def own(attribute: str) -> Keys:
    """The key of one of the cast, or of what belongs to them."""
    return lambda w: (getattr(w.cast, attribute).pk,)


def document(w: World) -> tuple[Any, ...]:
    return (w.waiting.crq.number, w.waiting.crq.documents.earliest("pk").pk)


def text(w: World) -> tuple[Any, ...]:
    """A document that can be read in place."""
    return (w.ready.crq.number, w.words.pk)


def not_there(w: World) -> tuple[Any, ...]:
    """A document that nobody attached in another change system."""
    return (w.waiting.crq.number, w.waiting.crq.documents.latest("pk").pk)


def thursday(w: World) -> tuple[Any, ...]:
    return (w.week.thursday,)


def next_thursday(w: World) -> tuple[Any, ...]:
    return (w.next_week.thursday,)


def file(kind: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"{kind}.pdf", PDF + b"another " + kind.encode(), "application/pdf")


ADMINS = frozenset({ADMIN})
TEAM = frozenset({DEV, MANAGER})
PLANNERS = TEAM | {SCRUM}
CARRIERS = PLANNERS | {OPS}
"""Those who carry a CRQ over to another change system."""
HIDDEN: dict[str, Any] = {"otherwise": 404}
FORBIDDEN: dict[str, Any] = {"who": ADMINS, "otherwise": 403}
PRIVATE: dict[str, Any] = {"who": frozenset({DEV}), "otherwise": 404}
"""A draft is its author's alone."""
NO_PAGE: dict[str, Any] = {"who": NOBODY, "otherwise": 405}
PUBLIC: dict[str, Any] = {"who": EVERYBODY}

PAGES = (
    Door("my-tasks"),
    Door("approvals"),
    Door("weeks"),
    Door("week", thursday),
    Door("week-csv", thursday),
    Door("search"),
    Door("shortcuts", **NO_PAGE),
    Door("density", **NO_PAGE),
    Door("save-view", **NO_PAGE),
    Door("delete-view", pk("saved"), **NO_PAGE),
    Door("act", lambda w: ("crq", w.ready.crq.pk, "approve"), **NO_PAGE),
    # Everybody who is signed in reads the release: its CRQs, documents, evidence and e-mails.
    Door("crqs"),
    Door("crq", crq("waiting")),
    Door("evidence", crq("waiting")),
    Door("crq-text", crq("waiting")),
    Door("crq-number-there", crq("waiting")),
    Door("crq-changes"),
    Door("attached-there", document, **NO_PAGE),
    Door("document", document),
    Door("document-text", text),
    Door("attach-files", crq("ready"), **NO_PAGE),
    Door("attach", lambda w: (w.ready.crq.number, "plan"), **NO_PAGE),
    Door("decide", crq("ready"), **NO_PAGE),
    Door("deployment", pk("planned")),
    Door("comment", pk("planned"), **NO_PAGE),
    Door("news", pk("waiting")),
    Door("open-crq", pk("planned")),
    Door("merge", pk("begun")),
    Door("follow", pk("waiting"), **NO_PAGE),
    Door("move", pk("ready")),
    Door("week-evidence", thursday),
    Door("install-day", thursday),
    Door("emails"),
    Door("week-mail", lambda w: (w.last_week.thursday, Announcement.Kind.COMPLETION)),
    Door("email-delivery", who=frozenset({SCRUM, ADMIN}), otherwise=403),
    Door("announcement", pk("letter")),
    Door("announcement", pk("sent"), label="sent"),
    Door("announcement-preview", pk("sent")),
    Door("ask-exemption", crq("unasked")),
    Door("exemptions"),
    Door("exemption", pk("exemption")),
    Door("snapshots", thursday),
    Door("pull-requests"),
    Door("new-pull-request"),
    Door("pull-request", pk("queued")),
    Door("new-deployment"),
    Door("new-deployment-what", pk("draft"), **PRIVATE),
    Door("new-deployment-pull-requests", pk("draft"), **PRIVATE),
    Door("new-deployment-crq", pk("planned_draft"), **PRIVATE),
    Door("new-deployment-documents", pk("documents_draft"), **PRIVATE),
    Door("new-deployment-discard", pk("draft"), **NO_PAGE),
    Door("deployment-pull-requests", pk("planned")),
    Door("reviews"),
    Door("review", lambda w: (w.reviews[w.next_week.pk].pk,)),
    Door("hook", lambda w: (w.connection.key,), who=NOBODY, otherwise=405, is_public=True),
    Door("calendar"),
    Door("schedule"),
    Door("closed-days"),
    Door("week-schedule", next_thursday),
    Door("me"),
    Door("my-emails", **NO_PAGE),
    Door("feeds"),
    Door("feed", lambda w: ("a-feed",), EVERYBODY, is_public=True),
    Door("tokens"),
    Door("api-docs"),
    Door("api", lambda w: ("weeks",), NOBODY, 401, is_public=True),
    Door("people", **FORBIDDEN),
    Door("invite", **FORBIDDEN),
    Door("person", own("developer"), **FORBIDDEN),
    Door("settings"),
    Door("setting-applications"),
    Door("setting-application", own("application")),
    Door("setting-repository", own("repository")),
    Door("setting-teams"),
    Door("setting-team", own("team")),
    Door("setting-recipients"),
    Door("setting-forges", **FORBIDDEN),
    Door("setting-forge-people", **FORBIDDEN),
    Door("setting-forge", pk("connection"), **FORBIDDEN),
    Door("setting-forge-secret", pk("connection"), **NO_PAGE),
    Door("setting-forge-token", pk("connection"), **NO_PAGE),
    Door("setting-forge-delivery", pk("delivery"), **FORBIDDEN),
    Door("setting-channels", **FORBIDDEN),
    Door("setting-channel", pk("channel"), **FORBIDDEN),
    Door("setting-channel-secret", pk("channel"), **NO_PAGE),
    Door("setting-channel-post", pk("post"), **FORBIDDEN),
    Door("activity"),
    Door("event", pk("event")),
    Door("event", pk("sign_in"), label="of somebody's sign-in", who=frozenset({ADMIN, DIRECTOR}), otherwise=404),
    Door("activity-csv"),
    Door("population"),
    Door("activity-jsonl"),
    # The way in is for everybody; what belongs to one's own sign-in is for whoever is signed in.
    Door("sign-in", **PUBLIC),
    Door("account_login", **PUBLIC),
    Door("mfa_login_webauthn", **PUBLIC),
    Door("mfa_authenticate", **PUBLIC),
    Door("openid_connect_login", who=NOBODY, otherwise=405, is_public=True),
    Door("openid_connect_callback", who=NOBODY, otherwise=404, is_public=True, label="without a provider"),
    Door("account_reset_password", **PUBLIC),
    Door("account_reset_password_done", **PUBLIC),
    Door("account_reset_password_from_key", lambda w: ("1", "set-password"), **PUBLIC),
    Door("account_reset_password_from_key_done", **PUBLIC),
    Door("sign-out", **NO_PAGE),
    Door("accept-invitation", lambda w: ("made-up",), who=NOBODY, otherwise=410, is_public=True),
    *(
        Door(name)
        for name in (
            *("mfa_index", "usersessions_list", "account_change_password", "account_set_password"),
            *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_activate_totp"),
            *("mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
        )
    ),
    Door("mfa_deactivate_totp", who=NOBODY, otherwise=404, label="where there is no app"),
    Door("mfa_view_recovery_codes", who=NOBODY, otherwise=404, label="where there are none"),
    Door("mfa_edit_webauthn", lambda w: (1,), label="asks for the password first"),
    Door("mfa_remove_webauthn", lambda w: (1,), label="asks for the password first"),
)


def _pull_request(w: World) -> dict[str, Any]:
    address = f"{w.cast.repository.url}/pull/9999"
    return {"url": address, "title": "Faster sign-in", "head_sha": "f" * 40, "author": w.cast.developer.pk}


def _deployment(w: World) -> dict[str, Any]:
    return {"application": w.cast.application.pk, "week": w.last_week.pk, "title": "Faster sign-in"}


def _branches(w: World) -> dict[str, Any]:
    [pull] = w.begun.pull_requests.all()
    return {f"branch_{pull.repository_id}": "release/2026-12-17", "result": "success", "build": "b-1"}


def _letter(w: World) -> dict[str, Any]:
    return {"subject": "What we plan", "introduction": "", "groups": ["everyone"], "add": ""}


def _letter_with(do: str) -> Callable[[Any], dict[str, Any]]:
    return lambda world: _letter(world) | {"do": do}


def _review(w: World) -> dict[str, Any]:
    team, week = w.cast.team.pk, w.next_week.pk
    return {"team": team, "week": week, "at_0": "2026-12-09", "at_1": "15:00", "note": "In the team's room"}


def _approve(w: World) -> dict[str, Any]:
    return {"action": "approve", "digest": w.digest(w.ready)}


def _approve_several(w: World) -> dict[str, Any]:
    return {"crq": w.ready.crq.number, f"digest-{w.ready.crq.number}": w.digest(w.ready)}


def _policy(w: World) -> dict[str, Any]:
    days = {"code_review": "1-2", "plan_email": "1-4", "cutoff": "0-1", "approval": "0-1"}
    days |= dict.fromkeys(("exemption_close", "install", "install_close"), "0-3")
    times = {"code_review": "10:00", "plan_email": "12:00", "cutoff": "13:00", "approval": "17:00"}
    times |= {"exemption_close": "12:00", "install": "14:00", "install_close": "18:00"}
    given = {f"{key}_day": day for key, day in days.items()} | {f"{key}_at": at for key, at in times.items()}
    return given | {"missed_cutoff_holds": "on"}


def _secret_link(w: World) -> dict[str, Any]:
    return {"login": "noor-h", "person": w.nominated.pk}


def only(**data: Any) -> Data:
    return lambda w: data


def _repository(name: str, url: str) -> dict[str, Any]:
    return {"name": name, "url": url, "forge": "github", "required_approvals": 1}


NEWCOMER = only(first_name="Ivo", email="ivo@example.com", team_role="developer")
UNASKED = only(why="A customer waits.", why_now="It ends on Friday.", risk="Low: a switch turns it off.")

FORMS = (
    # --- The release ------------------------------------------------------------------------------------------
    Door("approvals", who=frozenset({MANAGER}), data=_approve_several),
    Door("decide", crq("ready"), frozenset({MANAGER}), data=_approve, label="approve"),
    Door("decide", crq("ready"), frozenset({MANAGER}), data=only(action="return", reason="Say more."), label="return"),
    Door("attach", lambda w: (w.ready.crq.number, "plan"), frozenset({OPS}), data=lambda w: {"file": file("plan")}),
    Door(
        *("attach", lambda w: (w.ready.crq.number, "tests"), TEAM),
        data=lambda w: {"file": file("tests")},
        label="test results",
    ),
    Door(
        *("attach-files", crq("ready"), TEAM),
        data=lambda w: {"documents": file("justification"), "kind": "justification"},
    ),
    Door("crq-number-there", crq("ready"), CARRIERS, data=only(number="CHG0031235")),
    Door("attached-there", not_there, CARRIERS),
    Door("comment", pk("planned"), data=only(text="Looks good.")),
    Door("open-crq", pk("planned"), TEAM, data=only(title="Faster sign-in")),
    Door("merge", pk("begun"), frozenset({OPS}), data=_branches),
    Door("follow", pk("ready"), WITH_A_ROLE),
    Door(
        *("move", pk("ready"), frozenset({MANAGER, SCRUM})),
        data=lambda w: {"week": w.last_week.pk, "reason": "The partner is not ready."},
    ),
    Door("ask-exemption", crq("unasked"), frozenset({MANAGER}), data=UNASKED),
    *(
        Door("exemption", pk("exemption"), frozenset({DIRECTOR}), data=only(action=each, reason="Clear."), label=each)
        for each in ("grant", "deny")
    ),
    Door(
        *("exemption", pk("exemption"), frozenset({DIRECTOR, MANAGER})),
        data=only(action="note", text="Who turns the switch?"),
        label="note",
    ),
    # --- Pull requests, planning, reviews ---------------------------------------------------------------------
    Door("new-pull-request", who=TEAM, data=_pull_request),
    Door(
        *("pull-request", pk("queued"), frozenset({MANAGER})),
        data=lambda w: {"form": "review", "review-verdict": "approved", "review-sha": w.queued.head_sha},
        label="review, by anyone of the team but its author",
    ),
    Door(
        *("pull-request", pk("queued"), TEAM),
        data=only(**{"form": "new_head", "new_head-sha": "e" * 40}),
        label="new head",
    ),
    Door(
        *("pull-request", pk("queued"), PLANNERS),
        data=lambda w: {"form": "plan", "plan-week": w.last_week.pk},
        label="plan",
    ),
    Door("new-deployment", who=PLANNERS, data=_deployment),
    Door("new-deployment-what", pk("draft"), data=lambda w: _deployment(w) | {"title": "Else"}, **PRIVATE),
    Door("new-deployment-pull-requests", pk("draft"), **PRIVATE),
    Door("new-deployment-crq", pk("planned_draft"), data=only(title="Passkeys for staff"), **PRIVATE),
    Door("new-deployment-documents", pk("documents_draft"), **PRIVATE),
    Door("new-deployment-discard", pk("draft"), **PRIVATE),
    Door(
        *("deployment-pull-requests", pk("planned"), PLANNERS),
        data=lambda w: {"pull_requests": [w.inside.pk, w.queued.pk], "shown": str(w.inside.pk)},
    ),
    Door("reviews", who=PLANNERS, data=_review),
    Door(
        *("review", lambda w: (w.reviews[w.next_week.pk].pk,), PLANNERS),
        data=lambda w: {"pull_request": w.queued.pk, "outcome": "needs_work", "note": "Tests are missing."},
    ),
    # --- The week's e-mails -----------------------------------------------------------------------------------
    Door("week-mail", lambda w: (w.last_week.thursday, Announcement.Kind.COMPLETION), frozenset({SCRUM})),
    *(
        Door("announcement", pk("letter"), frozenset({SCRUM}), data=_letter_with(do), label=do)
        for do in ("save", "test", "refresh")
    ),
    # --- The calendar and the settings ------------------------------------------------------------------------
    Door("schedule", who=ADMINS, data=_policy, confirmed_by=ADMIN),
    Door(
        *("closed-days", lambda w: (), ADMINS),
        data=only(what="add", kind="freeze", name="Stocktaking", first="2026-12-29"),
        confirmed_by=ADMIN,
    ),
    Door("closed-days", who=ADMINS, data=only(what="remove", day="2026-12-25"), confirmed_by=ADMIN, label="remove"),
    Door(
        *("week-schedule", next_thursday, frozenset({SCRUM, ADMIN})),
        data=only(what="skip", reason="Stocktaking"),
        confirmed_by=ADMIN,
        label="skip",
    ),
    Door(
        *("week-schedule", next_thursday, frozenset({SCRUM})),
        data=only(what="substitute", day="2026-12-16"),
        confirmed_by=SCRUM,
        label="another install day",
    ),
    Door("setting-applications", who=ADMINS, data=lambda w: {"name": "Ledger", "team": w.cast.team.pk}),
    Door(
        *("setting-application", own("application"), ADMINS),
        data=lambda w: {"name": "Portal", "team": w.cast.team.pk},
    ),
    Door(
        *("setting-application", own("application"), ADMINS),
        data=only(
            form="repository", name="acme/new", url="https://github.com/acme/new", forge="github", required_approvals=1
        ),
        label="add a repository",
    ),
    Door(
        *("setting-repository", own("repository"), ADMINS),
        data=lambda w: {
            "name": "acme/renamed",
            "url": w.cast.repository.url,
            "forge": "github",
            "required_approvals": 1,
        },
    ),
    Door("setting-teams", who=ADMINS, data=only(name="Claims")),
    Door("setting-team", own("team"), ADMINS, data=only(name="Identities")),
    Door(
        *("setting-team", own("team"), ADMINS),
        data=lambda w: {"form": "member", "action": "add_member", "user": w.cast.outsider.pk, "role": "developer"},
        label="add a member",
    ),
    Door("setting-recipients", who=ADMINS, data=only(name="Audit", email="audit@example.com")),
    Door(
        *("setting-forges", lambda w: (), ADMINS, 403),
        data=only(name="Other", forge="github", speaks_for="https://github.com/other"),
    ),
    Door("setting-forge-people", lambda w: (), ADMINS, 403, data=_secret_link),
    Door("setting-forge", pk("connection"), NOBODY, 405),
    Door("setting-forge-secret", pk("connection"), ADMINS, 403),
    Door("setting-forge-token", pk("connection"), ADMINS, 403, data=only(token="t0ken", api_url="")),
    Door("setting-forge-delivery", pk("delivery"), NOBODY, 405),
    Door(
        *("setting-channels", lambda w: (), ADMINS, 403),
        data=only(name="Other", kind="slack", address="https://chat.example.com/x", events=["moved"]),
    ),
    Door("setting-channel", pk("channel"), ADMINS, 403, data=only(name="Builds", events=["moved", "withdrawn"])),
    Door("setting-channel-secret", pk("channel"), ADMINS, 403),
    Door("setting-channel-post", pk("post"), NOBODY, 405),
    # --- People -----------------------------------------------------------------------------------------------
    Door(
        "people",
        lambda w: (),
        ADMINS,
        403,
        data=lambda w: {
            "for_user": w.cast.director.pk,
            "deputy": w.cast.manager.pk,
            "role": "director",
            "starts": "2026-12-14",
            "ends": "2026-12-15",
        },
    ),
    Door(
        "invite", lambda w: (), ADMINS, 403, data=only(first_name="Ivo", email="ivo@example.com", team_role="developer")
    ),
    Door("person", own("outsider"), ADMINS, 403, data=only(role="devops")),
    Door("feeds", data=only(kind="mine")),
    Door("feed", lambda w: ("a-feed",), NOBODY, 405, is_public=True),
    Door("tokens", who=SIGNED_IN - {"outsider", "superuser"}, data=only(name="Pipeline", days="30")),
    Door("api-docs", lambda w: (), NOBODY, 405),
    Door("api", lambda w: ("weeks",), NOBODY, 401, is_public=True),
    Door("me", data=only(form="account", first_name="Kim", last_name="Lee", time_zone="Europe/Berlin")),
    Door(
        *("me", lambda w: (), frozenset({DIRECTOR})),
        data=lambda w: {
            "deputy": w.cast.scrum_master.pk,
            "role": "director",
            "starts": "2026-12-14",
            "ends": "2026-12-15",
        },
        label="appoint a deputy for a role that one holds",
    ),
    Door("my-emails", data=only(topics=[])),
    Door("save-view", data=only(page="board", name="Mine", query="view=mine")),
    Door("delete-view", pk("saved"), frozenset({MANAGER}), 404),
    Door("density", data=only(density="compact"), writes=False),
    Door("shortcuts", data=only(shortcuts="on")),
    # --- What only forges send, and what nobody sends ---------------------------------------------------------
    Door("hook", lambda w: (w.connection.key,), NOBODY, 401, is_public=True, label="unsigned"),
    *(
        Door(name, keys, NOBODY, 405)
        for name, keys in (
            *(
                (name, lambda w: ())
                for name in ("my-tasks", "weeks", "search", "crqs", "crq-changes", "emails", "email-delivery")
            ),
            *((name, lambda w: ()) for name in ("exemptions", "pull-requests", "calendar", "settings")),
            *((name, lambda w: ()) for name in ("activity", "activity-csv", "population", "activity-jsonl")),
            *((name, thursday) for name in ("week", "week-csv", "week-evidence", "install-day", "snapshots")),
            *((name, crq("waiting")) for name in ("evidence", "crq", "crq-text")),
            *((name, pk("planned")) for name in ("deployment", "news")),
            ("document", document),
            ("document-text", text),
            ("announcement-preview", pk("sent")),
            ("event", pk("event")),
        )
    ),
)

SENT_IN_TESTS_OF_THE_SIGN_IN = {
    *("sign-in", "account_login", "mfa_login_webauthn", "mfa_authenticate", "openid_connect_login"),
    *("openid_connect_callback", "account_reset_password", "account_reset_password_done"),
    *("account_reset_password_from_key", "account_reset_password_from_key_done", "sign-out", "accept-invitation"),
    *("mfa_index", "usersessions_list", "account_change_password", "account_set_password", "account_reauthenticate"),
    *("mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_activate_totp", "mfa_deactivate_totp"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
    *("mfa_edit_webauthn", "mfa_remove_webauthn"),
}
"""These know no roles; what they take is tested in tests/signin. Here they get an empty form, which writes nothing."""


@dataclass(frozen=True)
class Act:
    """A plain button: on what, and who may press it. Nobody: the system does it by itself."""

    on: Keys
    who: Iterable[str] = NOBODY
    given: Data = lambda w: {"reason": "Because"}


def _email(w: World) -> tuple[Any, ...]:
    return (w.parked.pk,)


def _first_goes_down(w: World) -> dict[str, Any]:
    return {"deployment": str(in_the_run(w.week)[0].pk), "place": "0", "to": "down"}


def this_review(w: World) -> tuple[Any, ...]:
    return (w.reviews[w.last_week.pk].pk,)


ACTS: dict[str, Act] = {
    # Installs: DevOps does, the owning team verifies (product.md §5).
    "deployment.clear": Act(pk("ready")),
    "deployment.unclear": Act(pk("waiting")),
    "deployment.hold": Act(pk("ready")),
    "deployment.release": Act(pk("unasked")),
    "deployment.withdraw": Act(pk("ready"), PLANNERS),
    "deployment.start": Act(pk("waiting"), {OPS}),
    "deployment.finish": Act(pk("running"), {OPS}),
    "deployment.undo_start": Act(pk("running"), {OPS}),
    "deployment.undo_finish": Act(pk("installed"), {OPS}),
    "deployment.remind": Act(pk("installed")),
    "deployment.fail": Act(pk("running"), {OPS}),
    "deployment.back_out": Act(pk("running"), {OPS}),
    "deployment.retry": Act(pk("failed"), {OPS}),
    "deployment.verify": Act(pk("installed"), {DEV}),
    "nudge.nudge": Act(pk("ready"), {DEV, SCRUM, OPS}),  # it is the manager's turn
    "pull_request.resubmit": Act(pk("given_up"), TEAM),
    "pull_request.unplan": Act(pk("inside"), PLANNERS),
    "pull_request.ship": Act(pk("inside")),
    "pull_request.unship": Act(pk("inside")),
    "pull_request.requeue": Act(pk("inside")),
    "pull_request.withdraw": Act(pk("queued"), TEAM),
    "pull_request.refresh": Act(pk("queued")),
    "pull_request.record_checks": Act(pk("queued")),
    "pull_request.dismiss_review": Act(pk("inside")),
    "pull_request.recognise": Act(pk("queued")),
    "code_review.hold": Act(this_review, {SCRUM}),
    "code_review.cancel": Act(this_review, {SCRUM}),
    "code_review.announce": Act(this_review),
    "code_review.reschedule": Act(this_review),
    "code_review.resume": Act(this_review),
    "week.open": Act(pk("week")),
    "week.complete_batch": Act(pk("week"), NOBODY),  # it is complete already; the service tests complete one
    "week.reorder": Act(pk("week"), {OPS}, _first_goes_down),
    "week.reschedule": Act(pk("next_week")),
    "week.keep": Act(pk("week"), {ADMIN}),
    "week.unkeep": Act(pk("week")),  # it is not on hold
    "week.warn": Act(pk("next_week")),
    "announcement.refresh": Act(pk("letter"), {SCRUM}),
    "announcement.test": Act(pk("letter"), {SCRUM}),
    "announcement.unschedule": Act(pk("letter")),  # no time is chosen
    "announcement.send": Act(pk("letter"), NOBODY, lambda w: {"digest": "0" * 64}),  # not what it says now
    "announcement.take_back": Act(pk("sent")),  # it left long ago
    "announcement.release": Act(pk("sent")),
    "announcement.resend": Act(pk("sent"), NOBODY, lambda w: {"email": "0"}),
    "crq.approve": Act(lambda w: (w.ready.crq.pk,), {MANAGER}, lambda w: {"digest": w.digest(w.ready)}),
    "crq.return": Act(lambda w: (w.ready.crq.pk,), {MANAGER}),
    "crq.void": Act(lambda w: (w.waiting.crq.pk,)),
    "crq.close": Act(lambda w: (w.ready.crq.pk,)),
    "crq.correct": Act(lambda w: (w.ready.crq.pk,)),
    "crq.purge": Act(lambda w: (w.ready.crq.pk,)),
    "exemption.grant": Act(pk("exemption"), {DIRECTOR}),
    "exemption.deny": Act(pk("exemption"), {DIRECTOR}),
    "exemption.lapse": Act(pk("exemption")),
    "exemption.withdraw": Act(pk("exemption"), {MANAGER}),
    "email.resend": Act(_email, {SCRUM, ADMIN}),
    "letter.resend": Act(lambda w: (w.parked.letter_id,), {SCRUM, ADMIN}),
    "number_there.forget": Act(pk("number_there"), CARRIERS),
    "attached_there.unmark": Act(pk("attached_there"), CARRIERS),
    "change_there.send": Act(pk("change_there"), CARRIERS),
    "change_there.accept": Act(pk("change_there"), CARRIERS, lambda w: {"digest": digest(w.change_there)}),
    "change_there.take": Act(pk("change_there"), CARRIERS),
    "follower.unfollow": Act(pk("follower"), {DIRECTOR}),
    "feed.revoke": Act(pk("feed"), {"developer"}),
    "token.revoke": Act(pk("token"), {"developer", ADMIN}),
    "deputy.end": Act(pk("deputy"), {MANAGER, ADMIN}),
    "account.test_email": Act(own("administrator"), {ADMIN}),
    "account.sign_in_failed": Act(own("developer")),
    "place.give_role": Act(own("outsider"), {ADMIN}, only(role="devops")),
    "place.take_role": Act(own("devops"), {ADMIN}, only(role="devops")),
    "place.confirm": Act(pk("nominated"), {ADMIN}),
    "place.decline": Act(pk("nominated"), {ADMIN}),
    "place.switch_off": Act(own("developer"), {ADMIN}),
    "place.switch_on": Act(pk("disabled"), {ADMIN}),
    "invitation.send_again": Act(pk("invitation"), {ADMIN}),
    "invitation.revoke": Act(pk("invitation"), {ADMIN}),
    "invitation.arrive": Act(pk("invitation")),
    "repository.remove": Act(pk("unused"), {ADMIN}),
    "stakeholder.remove": Act(pk("stakeholder"), {ADMIN}),
    "forge_connection.disable": Act(pk("connection"), {ADMIN}),
    "forge_connection.enable": Act(pk("connection")),  # it listens
    "forge_delivery.replay": Act(pk("delivery"), {ADMIN}),
    "channel.test": Act(pk("channel"), {ADMIN}),
    "channel.resend": Act(pk("channel"), {ADMIN}),
    "channel.disable": Act(pk("channel"), {ADMIN}),
    "channel.enable": Act(pk("channel")),  # it is on
    "post.resend": Act(pk("post"), {ADMIN}),
}
