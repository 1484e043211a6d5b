"""The week's two e-mails in their editions: what goes out, when, to whom, and what can be taken back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from crq import announcing
from crq import announcing_drafts as drafts
from crq.announcing import ANNOUNCEMENT
from crq.announcing_clock import send_chosen, send_updates
from crq.announcing_recipients import audience
from crq.deadlines import enforce
from crq.models import Announcement
from deployments.flow import DEPLOYMENT, WEEK
from deployments.models import Milestone
from notifications.delivery import deliver
from notifications.models import Email, Letter, Stakeholder
from tests.stages import EARLY, Stage, a_week, moment
from workflow import clock
from workflow.machine import perform
from workflow.models import Event
from workflow.steps import Refused

Kind, Status, Edition = Announcement.Kind, Announcement.Status, Announcement.Edition
MINUTE = timedelta(minutes=1)


def send(stage: Stage, kind: str = Kind.PLANNED, at: datetime = EARLY) -> Announcement:
    with clock.frozen(at):
        sent: Announcement = perform(
            ANNOUNCEMENT, "send", announcing.draft(kind, stage.week), by=stage.cast.scrum_master
        )
    return sent


def enforced(at: datetime) -> None:
    with clock.frozen(at):
        enforce(at)


def subjects(kind: str = Kind.PLANNED) -> list[str]:
    return list(Letter.objects.filter(kind=kind).order_by("pk").values_list("subject", flat=True))


def delivered(at: datetime) -> int:
    return deliver(lambda: at).sent


@pytest.fixture
def lonely(stage: Stage) -> Stage:
    """Other deadlines than the two e-mails' were enforced before."""
    Milestone.objects.exclude(key__in=["plan_email", "approval", "install_close"]).update(
        enforced_at=EARLY + timedelta(days=300)
    )
    return stage


# --- The hold ------------------------------------------------------------------------------------------------
def test_nothing_leaves_in_the_first_ten_minutes(stage: Stage) -> None:
    stage.plan()
    letter = send(stage).letter
    assert letter is not None

    early, late = delivered(EARLY + 10 * MINUTE - timedelta(seconds=1)), delivered(EARLY + 10 * MINUTE)

    assert (early, late) == (0, letter.emails.count())


def test_what_is_taken_back_is_a_draft_again_and_never_leaves(stage: Stage) -> None:
    stage.plan()
    sent = send(stage)
    with clock.frozen(EARLY + 9 * MINUTE):
        draft = perform(ANNOUNCEMENT, "take_back", sent, by=stage.cast.scrum_master)

    assert delivered(EARLY + timedelta(days=1)) == 0
    assert (draft.status, draft.letter, draft.sent_at, draft.leaves_at) == (Status.DRAFT, None, None, None)
    assert set(Email.objects.values_list("cancelled_at", flat=True)) == {EARLY + 9 * MINUTE}


def test_what_was_taken_back_can_be_sent_again(stage: Stage) -> None:
    stage.plan()
    with clock.frozen(EARLY + MINUTE):
        perform(ANNOUNCEMENT, "take_back", send(stage), by=stage.cast.scrum_master)
    again = send(stage, at=EARLY + 2 * MINUTE)
    assert again.letter is not None

    assert delivered(EARLY + 12 * MINUTE) == again.letter.emails.count() > 0


def test_after_ten_minutes_it_cannot_be_taken_back(stage: Stage) -> None:
    stage.plan()
    sent = send(stage)
    with clock.frozen(EARLY + 10 * MINUTE), pytest.raises(Refused, match="a revision can correct it"):
        perform(ANNOUNCEMENT, "take_back", sent, by=stage.cast.scrum_master)


def test_it_is_not_taken_back_from_some_when_it_has_left_for_others(stage: Stage) -> None:
    stage.plan()
    sent = send(stage)
    Email.objects.filter(pk__in=Email.objects.values("pk")[:2]).update(attempts=1)

    with clock.frozen(EARLY + MINUTE), pytest.raises(Refused, match=r"has left for 2 of \d+ recipients already"):
        perform(ANNOUNCEMENT, "take_back", sent, by=stage.cast.scrum_master)

    assert not Email.objects.exclude(cancelled_at=None).exists()


def test_the_hold_can_be_skipped(stage: Stage) -> None:
    stage.plan()
    sent = send(stage)
    with clock.frozen(EARLY + MINUTE):
        perform(ANNOUNCEMENT, "release", sent, by=stage.cast.scrum_master)

    assert delivered(EARLY + MINUTE) > 0


def test_what_goes_by_itself_leaves_at_once(lonely: Stage) -> None:
    lonely.plan()
    at = moment(lonely.week, "plan_email", seconds=1)
    enforced(at)

    assert delivered(at) > 0
    assert Announcement.objects.get(status=Status.SENT).leaves_at is None


# --- The chosen time -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("key", "offset", "sentence"),
    [
        ("cutoff", 0, ""),
        ("cutoff", 1, "Choose a time until Tue Dec 8, 2:00 pm ET, when the scope locks"),
        ("plan_email", -3000, "is over"),
    ],
)
def test_a_later_time_can_be_chosen_for_the_plan_until_the_scope_locks(
    stage: Stage, key: str, offset: int, sentence: str
) -> None:
    draft, before = announcing.draft(Kind.PLANNED, stage.week), moment(stage.week, "plan_email", hours=-1)
    at = moment(stage.week, key, minutes=offset)
    with clock.frozen(before):
        if sentence:
            with pytest.raises(Refused, match=sentence):
                perform(ANNOUNCEMENT, "schedule", draft, by=stage.cast.scrum_master, at=at)
        else:
            draft = perform(ANNOUNCEMENT, "schedule", draft, by=stage.cast.scrum_master, at=at)
    draft.refresh_from_db()
    assert draft.send_at == (None if sentence else at)


def test_a_chosen_time_replaces_its_own_and_is_kept_once(lonely: Stage) -> None:
    lonely.plan()
    chosen = moment(lonely.week, "plan_email", hours=3)
    with clock.frozen(moment(lonely.week, "plan_email", hours=-1)):
        draft = announcing.draft(Kind.PLANNED, lonely.week)
        perform(ANNOUNCEMENT, "schedule", draft, by=lonely.cast.scrum_master, at=chosen)
    enforced(moment(lonely.week, "plan_email", seconds=1))
    with clock.frozen(chosen - MINUTE):
        early = send_chosen(chosen - MINUTE)
    with clock.frozen(chosen):
        counts = [early, send_chosen(chosen), send_chosen(chosen)]

    assert counts == [0, 1, 0]
    assert Letter.objects.filter(kind=Kind.PLANNED).get().written_at == chosen


def test_a_time_that_was_given_up_is_not_kept(stage: Stage) -> None:
    chosen = EARLY + timedelta(hours=2)
    draft = announcing.draft(Kind.PLANNED, stage.week)
    perform(ANNOUNCEMENT, "schedule", draft, by=stage.cast.scrum_master, at=chosen)
    perform(ANNOUNCEMENT, "unschedule", draft, by=stage.cast.scrum_master)

    with clock.frozen(chosen):
        assert send_chosen(chosen) == 0


# --- Editions of the plan ------------------------------------------------------------------------------------
def test_a_change_after_the_plan_was_sent_makes_a_revision_in_the_same_thread(stage: Stage) -> None:
    stage.plan("First")
    first = send(stage)
    stage.beside().plan("Second")
    revision = send(stage, at=EARLY + 20 * MINUTE)
    assert first.letter
    assert revision.letter

    assert revision.edition == Edition.REVISION
    assert revision.letter.subject == "Revised: 2 deployments planned for Thu Dec 10"
    assert revision.letter.thread == first.letter.thread
    for part in (revision.letter.text, revision.letter.html):
        assert part.index("What changed since Mon Dec 7, 10:00 am ET") < part.index("All 2 deployments")
    assert "Added: Second" in revision.letter.text


@pytest.mark.parametrize("changed", [False, True])
def test_a_revision_is_due_when_the_content_differs(stage: Stage, changed: bool) -> None:
    stage.plan()
    send(stage)
    if changed:
        stage.beside().plan("Second")
    sent = drafts.last_sent([stage.week], Kind.PLANNED)

    due = drafts.outdated(sent, [stage.week], Kind.PLANNED, EARLY + 11 * MINUTE)
    on_hold = drafts.outdated(sent, [stage.week], Kind.PLANNED, EARLY + 9 * MINUTE)
    installing = drafts.outdated(sent, [stage.week], Kind.PLANNED, moment(stage.week, "install", seconds=1))

    assert [bool(each) for each in (due, on_hold, installing)] == [changed, False, False]


def test_a_revision_without_news_is_refused_until_there_are_words(stage: Stage) -> None:
    stage.plan()
    send(stage)
    draft = announcing.draft(Kind.PLANNED, stage.week)
    with pytest.raises(Refused, match="Nothing changed since the last one was sent"):
        perform(ANNOUNCEMENT, "send", draft, by=stage.cast.scrum_master)

    perform(ANNOUNCEMENT, "edit", draft, by=stage.cast.scrum_master, subject="", introduction="The room is 4.12.")
    with clock.frozen(EARLY + 20 * MINUTE):
        sent = perform(ANNOUNCEMENT, "send", draft, by=stage.cast.scrum_master)

    assert sent.status == Status.SENT


def test_the_final_edition_says_what_is_cleared_and_what_is_held(lonely: Stage) -> None:
    lonely.cleared()
    lonely.beside().plan("Late one")
    send(lonely)
    enforced(moment(lonely.week, "approval", seconds=1))

    final = Announcement.objects.get(edition=Edition.FINAL)
    assert final.letter is not None
    assert final.letter.subject == "Final: 1 cleared, 1 held for Thu Dec 10"
    assert "Cleared for install" in final.letter.text
    assert "Held. Not done by Tue Dec 8, 5:00 pm ET" in final.letter.text
    assert final.sent_by is None


def test_the_final_edition_does_not_overtake_one_that_waits(lonely: Stage) -> None:
    lonely.plan()
    waiting = send(lonely, at=moment(lonely.week, "approval", minutes=-2))
    enforced(moment(lonely.week, "approval", seconds=1))

    final = Announcement.objects.get(edition=Edition.FINAL)
    assert final.leaves_at == waiting.leaves_at
    with (
        clock.frozen(moment(lonely.week, "approval", minutes=1)),
        pytest.raises(Refused, match="A newer edition follows it already"),
    ):
        perform(ANNOUNCEMENT, "take_back", waiting, by=lonely.cast.scrum_master)


def test_each_goes_out_once_however_often_the_clock_looks(lonely: Stage) -> None:
    lonely.plan()
    for key in ("plan_email", "approval", "install_close"):
        for seconds in (1, 2, 30):
            enforced(moment(lonely.week, key, seconds=seconds))

    assert subjects() == ["1 deployment planned for Thu Dec 10", "Final: 0 cleared, 1 held for Thu Dec 10"]
    assert subjects(Kind.COMPLETION) == ["Installed and verified: 0 of 1 on Thu Dec 10 (1 not installed)"]


def test_after_a_long_silence_the_final_plan_says_it_all(lonely: Stage) -> None:
    lonely.plan()
    enforced(moment(lonely.week, "approval", hours=1))

    assert subjects() == ["Final: 0 cleared, 1 held for Thu Dec 10"]


def test_an_empty_week_is_told_once_in_each_e_mail(lonely: Stage) -> None:
    for key in ("plan_email", "approval", "install_close"):
        enforced(moment(lonely.week, key, seconds=1))

    assert subjects() == ["Nothing planned for Thu Dec 10"]
    assert subjects(Kind.COMPLETION) == ["Nothing to install on Thu Dec 10"]


def test_a_week_that_is_skipped_after_its_plan_was_sent_says_so_at_once(stage: Stage) -> None:
    following = a_week(date(2026, 12, 17))
    stage.plan()
    send(stage)
    with clock.frozen(EARLY + timedelta(hours=1)):
        perform(WEEK, "skip", stage.week, by=stage.cast.administrator, reason="Data centre move")

    last = Letter.objects.filter(kind=Kind.PLANNED).order_by("pk").last()
    assert last is not None
    assert last.subject == "Revised: no code install on Thu Dec 10"
    assert "There is no code install in the week of Thu Dec 10: Data centre move." in " ".join(last.text.split())
    assert "Moved to Thu Dec 17" in last.text
    assert following.install_day is not None


def test_a_plan_names_the_weeks_after_it_without_an_install(stage: Stage) -> None:
    a_week(date(2026, 12, 17))
    with clock.frozen(EARLY):
        for thursday, reason in ((date(2026, 12, 24), "Christmas Eve"), (date(2026, 12, 31), "Year end")):
            perform(WEEK, "skip", a_week(thursday), by=stage.cast.administrator, reason=reason)
        a_week(date(2027, 1, 7))
        perform(WEEK, "skip", a_week(date(2027, 1, 14)), by=stage.cast.administrator, reason="Audit")
    week = type(stage.week).objects.get(thursday=date(2026, 12, 17))

    context = drafts.context(announcing.draft(Kind.PLANNED, week), drafts.live(announcing.draft(Kind.PLANNED, week)))

    assert context["content"].ahead == ("Thu Dec 24: Christmas Eve", "Thu Dec 31: Year end")


# --- The completion e-mail and its updates -------------------------------------------------------------------
def test_a_late_outcome_sends_an_update_by_itself_once(lonely: Stage) -> None:
    deployment = lonely.installed()
    close = moment(lonely.week, "install_close", seconds=1)
    enforced(close)
    with clock.frozen(close + 20 * MINUTE):
        before = send_updates(close + 20 * MINUTE)
        perform(DEPLOYMENT, "verify", deployment, by=lonely.cast.developer)
        counts = [before, send_updates(close + 20 * MINUTE), send_updates(close + 20 * MINUTE)]

    assert counts == [0, 1, 0]
    assert subjects(Kind.COMPLETION) == [
        "Installed and verified: 0 of 1 on Thu Dec 10 (1 not verified)",
        "Update: installed and verified: 1 of 1 on Thu Dec 10",
    ]
    update = Letter.objects.filter(kind=Kind.COMPLETION).latest("pk")
    assert "Changed: Session timeout for the admin portal" in update.text
    assert "Installed and verified (was: installed, not verified yet)" in " ".join(update.text.split())


def test_what_moved_on_at_the_close_is_no_update_and_is_still_counted(lonely: Stage) -> None:
    a_week(lonely.week.thursday + timedelta(weeks=1))
    lonely.beside().plan("Not ready")
    deployment = lonely.installed()
    close = moment(lonely.week, "install_close", seconds=1)
    enforced(close)
    with clock.frozen(close + MINUTE):
        silent = send_updates(close + MINUTE)
        perform(DEPLOYMENT, "back_out", deployment, by=lonely.cast.devops)
        told = send_updates(close + MINUTE)

    assert (silent, told) == (0, 1)
    update = Letter.objects.filter(kind=Kind.COMPLETION).latest("pk")
    assert update.subject == ("Update: installed and verified: 0 of 2 on Thu Dec 10 (1 backed out, 1 not installed)")
    assert "Not installed. Moved to Thu Dec 17" in update.text
    assert "Changed: Not ready" not in update.text


# --- Words, data and readers ---------------------------------------------------------------------------------
def test_a_note_stays_through_a_refresh_an_edition_and_a_move(stage: Stage) -> None:
    following = a_week(stage.week.thursday + timedelta(weeks=1))
    deployment, by = stage.plan(), stage.cast.scrum_master
    draft = announcing.draft(Kind.PLANNED, stage.week)
    notes = {deployment.pk: "Watch the error rate"}
    perform(ANNOUNCEMENT, "edit", draft, by=by, subject="", introduction="", notes=notes)
    perform(ANNOUNCEMENT, "refresh", draft, by=by)
    sent = perform(ANNOUNCEMENT, "send", draft, by=by)
    perform(DEPLOYMENT, "move", deployment, by=by, reason="Later", week=following)

    elsewhere = drafts.live(announcing.draft(Kind.PLANNED, following))

    assert sent.letter.text.count("Watch the error rate") == 1
    assert [line.note for line in elsewhere.lines] == ["Watch the error rate"]


def test_what_changed_after_a_draft_was_saved_is_looked_at_before_it_is_sent(stage: Stage) -> None:
    by, draft = stage.cast.scrum_master, announcing.draft(Kind.PLANNED, stage.week)
    perform(ANNOUNCEMENT, "edit", draft, by=by, subject="", introduction="Hello.")
    stage.plan()
    with pytest.raises(Refused, match=r"1 deployment changed since 10:00 am ET\. Refresh the draft"):
        perform(ANNOUNCEMENT, "send", draft, by=by)

    perform(ANNOUNCEMENT, "refresh", draft, by=by)

    assert perform(ANNOUNCEMENT, "send", draft, by=by).status == Status.SENT


def test_the_data_that_the_person_saw_is_what_is_sent(stage: Stage) -> None:
    draft = announcing.draft(Kind.PLANNED, stage.week)
    digest = drafts.live(draft).digest
    stage.plan()

    with pytest.raises(Refused, match="The data changed after you opened this page"):
        perform(ANNOUNCEMENT, "send", draft, by=stage.cast.scrum_master, digest=digest)


def test_what_goes_by_itself_says_what_is_true_then(lonely: Stage) -> None:
    by, draft = lonely.cast.scrum_master, announcing.draft(Kind.PLANNED, lonely.week)
    perform(ANNOUNCEMENT, "edit", draft, by=by, subject="", introduction="Hello.")
    lonely.plan()
    enforced(moment(lonely.week, "plan_email", seconds=1))

    assert subjects() == ["1 deployment planned for Thu Dec 10"]


def test_addresses_fold_and_people_are_added_and_left_out(stage: Stage) -> None:
    director = stage.cast.director
    Stakeholder.objects.create(name="The director", email=director.email.upper())
    Stakeholder.objects.create(name="Service desk", email="desk@example.com")
    base = {"groups": ["everyone", "stakeholders"]}

    everybody = audience({})
    changed = audience({**base, "added": ["new@example.com"], "left_out": ["desk@example.com"]})
    team = audience({"groups": [f"team-{stage.cast.team.pk}"], "added": [director.email]})

    assert everybody.folded == 1
    assert director in everybody.to
    assert {each.address for each in changed.readers} ^ {each.address for each in everybody.readers} == {
        "new@example.com",
        "desk@example.com",
    }
    assert {each.label for each in team.readers} == {
        *("Hannah Cole", "Wei Zhang", "Anita Desai", "Samuel Ortiz", "Ruth Abrams"),
    }


def test_a_later_edition_goes_to_whom_the_first_went(stage: Stage) -> None:
    stage.plan()
    choice = {"groups": ["stakeholders"], "added": ["new@example.com"], "left_out": []}
    draft = announcing.draft(Kind.PLANNED, stage.week)
    perform(ANNOUNCEMENT, "edit", draft, by=stage.cast.scrum_master, subject="", introduction="", recipients=choice)
    send(stage)
    stage.beside().plan("Second")

    revision = send(stage, at=EARLY + 20 * MINUTE)

    assert revision.letter is not None
    assert [email.to for email in revision.letter.emails.all()] == ["new@example.com"]


def test_a_test_goes_to_whoever_asks_and_to_nobody_else(stage: Stage) -> None:
    stage.plan()
    draft = perform(ANNOUNCEMENT, "test", announcing.draft(Kind.PLANNED, stage.week), by=stage.cast.scrum_master)

    assert draft.status == Status.DRAFT
    assert subjects() == ["Test: 1 deployment planned for Thu Dec 10"]
    assert [email.to for email in Email.objects.filter(letter__kind=Kind.PLANNED)] == [stage.cast.scrum_master.email]


@pytest.mark.parametrize("one", [True, False])
def test_what_failed_is_sent_again(stage: Stage, one: bool) -> None:
    stage.plan()
    sent = send(stage)
    Email.objects.update(sent_at=EARLY + 11 * MINUTE)
    failed = list(Email.objects.order_by("pk")[:2])
    Email.objects.filter(pk__in=[each.pk for each in failed]).update(sent_at=None, parked_at=EARLY, attempts=8)
    given = {"email": str(failed[0].pk)} if one else {}
    with clock.frozen(EARLY + timedelta(hours=1)):
        perform(ANNOUNCEMENT, "resend", sent, by=stage.cast.scrum_master, **given)

    assert delivered(EARLY + timedelta(hours=1)) == (1 if one else 2)
    assert Event.objects.get(action="resend").data["to"] == [each.to for each in failed[: 1 if one else 2]]


@pytest.mark.parametrize("email", ["0", "x", "-1"])
def test_what_did_not_fail_is_not_sent_again(stage: Stage, email: str) -> None:
    stage.plan()
    sent = send(stage)
    Email.objects.filter(pk__in=Email.objects.values("pk")[:1]).update(parked_at=EARLY)

    with pytest.raises(Refused, match="nothing to send again"):
        perform(ANNOUNCEMENT, "resend", sent, by=stage.cast.scrum_master, email=email)


@pytest.mark.parametrize("kind", Kind.values)
def test_hostile_words_stay_on_their_line(stage: Stage, kind: str) -> None:
    nasty = "Sign-in\r\nBcc: all@example.com\u202e<script>alert(1)</script>"
    stage.plan(nasty)
    first = announcing.draft(kind, stage.week)
    note: dict[int, str] = {drafts.live(first).lines[0].deployment: nasty}
    perform(ANNOUNCEMENT, "edit", first, by=stage.cast.scrum_master, subject=nasty, introduction=nasty, notes=note)
    perform(ANNOUNCEMENT, "send", first, by=None)
    stage.beside().plan(nasty)
    second = perform(ANNOUNCEMENT, "send", announcing.draft(kind, stage.week), by=None)

    letter = second.letter
    assert "What changed" in letter.text
    assert letter.subject.isprintable()
    assert "\u202e" not in letter.text + letter.html
    assert "<script" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "\nBcc:" not in letter.text.replace(second.introduction, "")
