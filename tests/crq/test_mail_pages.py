"""The pages of the week's e-mails: who may read, edit and send, the preview, and how far a letter got."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from crq import announcing
from crq.announcing import ANNOUNCEMENT
from crq.models import Announcement
from notifications.models import Email, Letter, Stakeholder
from tests.cast import Cast
from tests.stages import EARLY, Stage, moment
from workflow import clock
from workflow.machine import perform

Kind, Status = Announcement.Kind, Announcement.Status
ROLES = ("developer", "manager", "devops", "director", "administrator", "outsider")


@pytest.fixture
def draft(stage: Stage) -> Announcement:
    """The planned-deployments e-mail of a week with one deployment."""
    stage.with_crq()
    return announcing.draft(Kind.PLANNED, stage.week)


@pytest.fixture
def sent(stage: Stage, draft: Announcement) -> Announcement:
    done: Announcement = perform(ANNOUNCEMENT, "send", draft, by=stage.cast.scrum_master)
    return done


def save(client: Client, draft: Announcement, **words: Any) -> HttpResponse:
    typed = {"subject": "", "introduction": "", "groups": ["everyone", "stakeholders"], **words}
    return client.post(draft.get_absolute_url(), typed)  # type: ignore[return-value]


# --- The list ------------------------------------------------------------------------------------------------
def test_looking_makes_nothing_and_the_scrum_master_begins_a_draft_once(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.scrum_master)

    page = client.get("/emails/").context["page"]
    shown = client.get(page.weeks[0].entries[0].url)
    before = Announcement.objects.count()
    opened = [client.post(page.weeks[0].entries[0].url) for _ in range(2)]

    made = Announcement.objects.get()
    assert (before, shown.status_code) == (0, 200)
    assert "Begin the draft" in shown.content.decode()
    assert (made.kind, made.status) == (Kind.PLANNED, Status.DRAFT)
    assert [answer["Location"] for answer in opened] == [made.get_absolute_url()] * 2


def test_nobody_else_begins_a_draft_and_is_told_who_can(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    address = client.get("/emails/").context["page"].weeks[0].entries[0].url

    sentence = "Only the Scrum Master can do this: Maya Lind."
    assert sentence in client.get(address).content.decode()
    assert sentence in client.post(address, follow=True).content.decode()
    assert not Announcement.objects.exists()


def test_a_draft_says_when_it_goes_out_by_itself(client: Client, stage: Stage) -> None:
    client.force_login(stage.cast.developer)
    with clock.frozen(moment(stage.week, "plan_email", hours=-1)):
        page = client.get("/emails/").context["page"]

    details = {entry.label: entry.detail for entry in page.weeks[0].entries}
    assert details["Planned deployments"] == "Goes out by itself Fri Dec 4, 12:00 noon ET"
    assert details["Completion status"] == "Goes out by itself Thu Dec 10, 6:00 pm ET"


def test_what_was_sent_is_listed_with_its_delivery(client: Client, stage: Stage, sent: Announcement) -> None:
    Email.objects.filter(letter=sent.letter).update(sent_at=EARLY)
    Announcement.objects.update(leaves_at=EARLY)
    Email.objects.filter(to=stage.cast.director.email).update(
        sent_at=None, parked_at=EARLY, last_error="550 no such user"
    )
    client.force_login(stage.cast.developer)

    page = client.get("/emails/").context["page"]

    entry = page.weeks[0].entries[0]
    assert entry.detail == "Sent today, 10:00 am ET by Maya Lind"
    assert (entry.badge.state, entry.badge.text) == ("stop", "1 not delivered")
    assert entry.url == page.letters[0].url == sent.get_absolute_url()
    assert [each.label for each in page.weeks[0].entries] == ["Planned deployments", "Completion status"]


def test_a_letter_that_nobody_gets_stands_there_as_taken_back(client: Client, stage: Stage) -> None:
    """Purges and races may leave one."""
    Letter.objects.create(kind="nudge", subject="For nobody", written_at=EARLY)
    client.force_login(stage.cast.developer)

    entry = client.get("/emails/").context["page"].letters[0]
    assert (entry.label, entry.badge.text) == ("For nobody", "Taken back")


# --- Who may do what -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_everyone_reads_a_draft_and_only_the_scrum_master_edits_or_sends(
    client: Client, stage: Stage, draft: Announcement, role: str
) -> None:
    client.force_login(getattr(stage.cast, role))

    answer = client.get(draft.get_absolute_url())
    page = answer.context["page"]
    saved = save(client, draft, subject="Mine", do="send")
    client.post(f"/act/announcement/{draft.pk}/send/")
    draft.refresh_from_db()

    assert {act.enabled for act in (page.edit, *page.acts.values())} == {False}
    assert {act.why_not for act in page.acts.values()} == {"Only the Scrum Master can do this: Maya Lind."}
    assert "Only the Scrum Master can do this: Maya Lind." in answer.content.decode()
    assert saved.status_code == 422
    assert (draft.subject, draft.status, Letter.objects.count()) == ("", Status.DRAFT, 0)


def test_the_scrum_master_edits(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)

    answer = save(client, draft, subject=" A quiet week ", introduction="One deployment only.")
    draft.refresh_from_db()

    assert (answer.status_code, answer["Location"]) == (302, draft.get_absolute_url())
    assert (draft.subject, draft.introduction) == ("A quiet week", "One deployment only.")


def test_a_subject_that_is_too_long_is_explained_and_kept(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)

    answer = save(client, draft, subject="x" * 201, introduction="Kept.")

    assert answer.status_code == 422
    assert "x" * 201 in answer.content.decode()
    assert "Kept." in answer.content.decode()


def test_the_scrum_master_sends_once(client: Client, stage: Stage, draft: Announcement) -> None:
    Stakeholder.objects.create(name="Service desk", email="desk@example.com")
    client.force_login(stage.cast.scrum_master)
    with clock.frozen(moment(stage.week, "plan_email", hours=-1)):
        digest = client.get(draft.get_absolute_url()).context["page"].digest
        first = save(client, draft, do="send", digest=digest, introduction="Typed and sent at once.")
        second = save(client, draft, do="send", digest=digest)
        page = client.get(draft.get_absolute_url()).context["page"]
    draft.refresh_from_db()

    assert (first.status_code, second.status_code) == (302, 422)
    assert (draft.status, draft.sent_by) == (Status.SENT, stage.cast.scrum_master)
    assert Letter.objects.filter(kind=Kind.PLANNED).count() == 1
    assert "Typed and sent at once." in page.letter.text
    assert "desk@example.com" in {row.to for row in page.recipients}


def test_completion_waits_for_the_last_outcome(client: Client, stage: Stage) -> None:
    stage.cleared()
    stage.complete_batch()
    client.force_login(stage.cast.scrum_master)
    completion = announcing.draft(Kind.COMPLETION, stage.week)

    send = client.get(completion.get_absolute_url()).context["page"].acts["send"]

    assert not send.enabled
    assert send.why_not == "1 installation has no outcome yet. It goes out by itself on Thu Dec 10, 6:00 pm ET."


def test_a_sent_one_cannot_be_edited(client: Client, stage: Stage, sent: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)

    answer = save(client, sent, subject="Too late")
    sent.refresh_from_db()

    assert answer.status_code == 422
    assert "This announcement is sent, so this cannot be done now." in answer.content.decode()
    assert sent.subject == ""


# --- As it looks ---------------------------------------------------------------------------------------------
def test_the_preview_is_live_and_can_do_nothing(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)
    save(client, draft, introduction="<script>alert(1)</script>")

    answer = client.get(f"{draft.get_absolute_url()}preview/")
    page = client.get(draft.get_absolute_url()).content.decode()

    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "Session timeout for the admin portal" in answer.content.decode()
    assert "<script" not in answer.content.decode()
    assert '<iframe class="mail-frame"' in page
    assert "sandbox" in page.partition("<iframe")[2].partition(">")[0]
    assert Letter.objects.count() == 0


def test_what_was_sent_stays_as_sent(client: Client, stage: Stage, sent: Announcement) -> None:
    stage.cast.application.name = "Renamed"
    stage.cast.application.save()
    client.force_login(stage.cast.outsider)

    shown = client.get(f"{sent.get_absolute_url()}preview/").content.decode()

    assert sent.letter is not None
    assert shown == sent.letter.html.replace("(prefers-color-scheme: dark)", "not all")
    assert "Renamed" not in shown


def test_recipients_who_were_not_reached_come_first(client: Client, stage: Stage, sent: Announcement) -> None:
    Email.objects.update(sent_at=EARLY)
    Email.objects.filter(to=stage.cast.second_devops.email).update(sent_at=None, parked_at=EARLY, last_error="550 gone")
    client.force_login(stage.cast.developer)

    [first, *others] = client.get(sent.get_absolute_url()).context["page"].recipients

    assert (first.name, first.badge.text, first.error) == ("Ivan Petrov", "Not delivered", "550 gone")
    assert {row.badge.text for row in others} == {"Delivered"}


# --- Costs ---------------------------------------------------------------------------------------------------
@pytest.fixture
def friday(stage: Stage) -> Iterator[datetime]:
    at = moment(stage.week, "plan_email", hours=-1)
    with clock.frozen(at):
        yield at


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, friday: datetime, django_assert_num_queries: Any, count: int
) -> None:
    for number in range(count):
        letter = Letter.objects.create(kind="moved", subject="Moved", text="-", html="-", written_at=friday)
        Email.objects.create(letter=letter, to="a@example.com", key=f"{number}", message_id="-", not_before=friday)
    client.force_login(stage.cast.scrum_master)
    client.get("/emails/")  # the drafts are made

    with django_assert_num_queries(9):
        page = client.get("/emails/").context["page"]

    assert len(page.letters) == count


def test_strangers_sign_in_first(client: Client, cast: Cast) -> None:
    for url in ("/emails/", "/emails/1/", "/emails/1/preview/"):
        assert client.get(url)["Location"].startswith("/sign-in/")


def test_the_next_weeks_are_listed_too(client: Client, stage: Stage) -> None:
    from deployments.weeks import open_weeks

    with clock.frozen(EARLY):
        open_weeks(EARLY)
    client.force_login(stage.cast.developer)

    with clock.frozen(EARLY + timedelta(minutes=1)):
        page = client.get("/emails/").context["page"]

    assert [week.label for week in page.weeks] == ["Install Thu Dec 10", "Install Thu Dec 17", "Install Thu Dec 24"]


# --- The composer --------------------------------------------------------------------------------------------
def composer(client: Client, draft: Announcement) -> Any:
    return client.get(draft.get_absolute_url()).context["page"]


def test_whatever_a_button_does_what_was_typed_is_saved(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)
    left = stage.cast.director.email
    line = composer(client, draft)
    note = {f"note_{stage.week.deployments.get().pk}": "Watch the error rate"}

    save(client, draft, introduction="Kept.", do=f"leave_out:{left}", **note)
    save(client, draft, introduction="Kept.", add="New Person <NEW@example.com>, two@example.com", **note)
    save(client, draft, introduction="Kept.", do="drop:two@example.com", **note)
    page = composer(client, draft)

    assert page.count == line.count
    assert [reader.address for reader in page.audience.left_out] == [left]
    assert [reader.address for reader in page.audience.added] == ["new@example.com"]
    assert "Kept." in page.letter.text
    assert "Note: Watch the error rate" in page.letter.text

    save(client, draft, introduction="Kept.", do=f"put_back:{left}", **note)
    assert composer(client, draft).count == line.count + 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"add": "maya@, ok@example.com"}, "“maya@” is no e-mail address. Write it as name@example.com."),
        ({"add": "a b c"}, "“a b c” is no e-mail address."),
        ({"groups": []}, "Choose at least one group, or add an address."),
        ({"groups": ["team-99999"]}, "One of these is no longer offered. Choose again."),
        ({"do": "schedule"}, "Choose a day and a time first."),
        ({"do": "schedule", "day": "2026-12-07", "at": "09:00"}, "Mon Dec 7, 9:00 am ET is over."),
        ({"do": "schedule", "day": "soon", "at": "late"}, "Give a date"),
        ({"do": "send", "digest": "0" * 32}, "The data changed after you opened this page."),
    ],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(
    client: Client, stage: Stage, draft: Announcement, typed: dict[str, Any], sentence: str
) -> None:
    client.force_login(stage.cast.scrum_master)

    answer = save(client, draft, introduction="Kept all the same.", **typed)

    assert answer.status_code == 422
    assert sentence in unescape(answer.content.decode())
    assert "Kept all the same." in answer.content.decode()
    assert "<title>Problem: " in answer.content.decode()
    assert not Letter.objects.filter(kind=Kind.PLANNED).exists()


def test_a_time_on_eastern_clocks_is_chosen_and_given_up(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)
    save(client, draft, do="schedule", day="2026-12-07", at="15:12")
    chosen = composer(client, draft)
    save(client, draft, do="unschedule")
    again = composer(client, draft)

    assert chosen.line == "Goes out Mon Dec 7, 3:12 pm ET, the chosen time."
    assert chosen.time_note.endswith("At the latest Tue Dec 8, 2:00 pm ET, when the scope locks.")
    assert again.line == "Not sent."


def test_a_saved_draft_says_what_changed_since_it_was_looked_at(
    client: Client, stage: Stage, draft: Announcement
) -> None:
    client.force_login(stage.cast.scrum_master)
    save(client, draft, introduction="Looked at.")
    stage.beside().plan("Second")
    with clock.frozen(EARLY + timedelta(hours=5)):
        before = composer(client, draft)
        save(client, draft, introduction="Looked at.", do="refresh")
        after = composer(client, draft)

    assert before.data_line == "Data as of 10:00 am ET · 1 deployment changed since"
    assert [change.title for change in before.moved_on] == ["Second"]
    assert before.acts["send"].why_not.startswith("1 deployment changed since 10:00 am ET.")
    assert "Second" not in before.letter.text
    assert after.data_line == "Data as of 3:00 pm ET"
    assert "Second" in after.letter.text
    assert after.acts["send"].enabled


@pytest.mark.parametrize(("part", "media"), [("html", "@media not all"), ("dark", "@media all"), ("x", "@media not")])
def test_the_preview_shows_a_light_or_a_dark_screen(
    client: Client, stage: Stage, draft: Announcement, part: str, media: str
) -> None:
    client.force_login(stage.cast.developer)

    shown = client.get(f"{draft.get_absolute_url()}preview/", {"part": part}).content.decode()

    assert media in shown
    assert "prefers-color-scheme: dark" not in shown


def test_the_plain_text_is_a_tab_without_a_script(client: Client, stage: Stage, draft: Announcement) -> None:
    client.force_login(stage.cast.developer)

    html = client.get(draft.get_absolute_url(), {"part": "text"}).content.decode()

    assert '<pre class="mail-text"' in html
    assert "Install day is Thursday, December 10." in html
    assert "<iframe" not in html


# --- After sending -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ROLES)
def test_only_the_scrum_master_takes_back_or_sends_again(
    client: Client, stage: Stage, sent: Announcement, role: str
) -> None:
    Email.objects.filter(pk__in=Email.objects.values("pk")[:1]).update(parked_at=EARLY)
    client.force_login(getattr(stage.cast, role))

    page = client.get(sent.get_absolute_url()).context["page"]
    for action in ("take_back", "release", "resend"):
        client.post(f"/act/announcement/{sent.pk}/{action}/")
    sent.refresh_from_db()

    assert {act.enabled for act in [*page.hold_acts, *page.resend_acts]} == {False}
    assert {act.why_not for act in page.hold_acts} == {"Only the Scrum Master can do this: Maya Lind."}
    assert {row.resend for row in page.recipients} == {None}
    assert (sent.status, Email.objects.filter(parked_at=None, attempts=0).count()) == (Status.SENT, page.count - 1)


def test_what_is_on_hold_says_until_when_and_is_taken_back(client: Client, stage: Stage, sent: Announcement) -> None:
    client.force_login(stage.cast.scrum_master)
    page = client.get(sent.get_absolute_url()).context["page"]
    listed = client.get("/emails/").context["page"]

    client.post(page.hold_acts[0].url)
    sent.refresh_from_db()
    letters = client.get("/emails/").context["page"].letters

    assert page.badge.text == listed.weeks[0].entries[0].badge.text == "Leaves 10:10 am ET"
    assert page.hold == "Nothing has left yet. It leaves at 10:10 am ET; until then it can be taken back."
    assert sent.status == Status.DRAFT
    assert letters[0].badge.text == "Taken back"


def test_the_editions_of_a_thread_stand_on_each_of_their_pages(
    client: Client, stage: Stage, sent: Announcement
) -> None:
    later = EARLY + timedelta(minutes=20)
    stage.beside().plan("Second")
    client.force_login(stage.cast.scrum_master)
    with clock.frozen(later):
        entry = client.get("/emails/").context["page"].weeks[0].entries[1]
        page = client.post(entry.url, follow=True).context["page"]
        first = client.get(sent.get_absolute_url()).context["page"]

    assert (entry.label, entry.badge.text) == ("Planned deployments, revision", "Not sent yet")
    assert entry.detail == "1 added. Goes out by itself Tue Dec 8, 5:00 pm ET, as the final edition"
    assert [each.label for each in page.editions] == ["First", "Revision 1"]
    assert [each.current for each in page.editions] == [False, True]
    assert [each.url for each in first.editions] == [each.url for each in page.editions][:1] or first.editions == []
    assert [(each.what, each.title) for each in page.changes] == [("Added", "Second")]


@pytest.mark.parametrize(("role", "statements"), [("scrum_master", 13), ("developer", 14)])
@pytest.mark.parametrize("count", [1, 3])
def test_the_composer_costs_the_same_for_one_and_three(  # noqa: PLR0917
    client: Client, stage: Stage, django_assert_num_queries: Any, role: str, statements: int, count: int
) -> None:
    for _ in range(count):
        stage.beside().with_crq()
    draft = announcing.draft(Kind.PLANNED, stage.week)
    client.force_login(getattr(stage.cast, role))

    with django_assert_num_queries(statements):
        page = composer(client, draft)

    assert len(page.letter.text.split("pull request")) > count


@pytest.mark.parametrize("count", [1, 3])
def test_the_archive_costs_the_same_for_one_and_three(
    client: Client, stage: Stage, sent: Announcement, django_assert_num_queries: Any, count: int
) -> None:
    Email.objects.filter(pk__in=Email.objects.values("pk")[:count]).update(parked_at=EARLY, last_error="550")
    client.force_login(stage.cast.scrum_master)

    with django_assert_num_queries(9):
        page = client.get(sent.get_absolute_url()).context["page"]

    assert len([row for row in page.recipients if row.resend]) == count
