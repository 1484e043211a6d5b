"""The planned-deployments and completion-status e-mails: drafted from the data, sent in editions, kept as sent."""

from __future__ import annotations

from datetime import datetime

from accounts.roles import Role
from crq import announcing_drafts as drafts
from crq.announcing_lines import Content
from crq.announcing_recipients import audience_of
from crq.announcing_schedule import HOLD, why_not_at
from crq.models import Announcement, AnnouncementNote
from crq.posts import post
from deployments.flow import lock_week
from deployments.models import Deployment, ReleaseWeek
from deployments.policy import Deadline
from notifications import outbox, posts
from notifications.models import Email, Letter
from notifications.outbox import one_line
from workflow.eastern import say_instant, say_time
from workflow.machine import begin
from workflow.steps import Actor, Call, Flow, Refused, Step

S = Deployment.Status
OUTCOMES = {S.VERIFIED, S.BACKED_OUT, S.FAILED, S.HELD, S.WITHDRAWN}
Kind, Status, Edition = Announcement.Kind, Announcement.Status, Announcement.Edition
LATER = {Kind.PLANNED: Edition.REVISION, Kind.COMPLETION: Edition.UPDATE}


def open_draft(kind: str, week: ReleaseWeek) -> Announcement | None:
    return Announcement.objects.filter(kind=kind, week=week, status=Status.DRAFT).first()


def draft(kind: str, week: ReleaseWeek, *, by: Actor = None) -> Announcement:
    """The week's open draft of this kind, begun where there is none."""
    found = open_draft(kind, week)
    if found:
        return found
    try:
        fresh: Announcement = begin(ANNOUNCEMENT, "draft", Announcement(kind=kind, week=week), by=by)
    except Refused as refused:
        if refused.refusal.code != "done":  # somebody else made it in the same moment
            raise
        return Announcement.objects.get(kind=kind, week=week, status=Status.DRAFT)
    return fresh


# --- Drafting ------------------------------------------------------------------------------------------------
def _begin(call: Call) -> None:
    """A later edition goes to whom the one before went."""
    if earlier := drafts.before(call.obj):
        call.obj.edition, call.obj.recipients = LATER[Kind(call.obj.kind)], earlier.recipients


def _edit(call: Call) -> None:
    """Given `subject` and `introduction`, and perhaps `notes` by deployment and the choice of `recipients`.

    The first time it also takes down the data; from then on a change of the data is seen before it is sent.
    """
    draft, given = call.obj, call.given
    draft.subject, draft.introduction = one_line(given["subject"]), _plain(given["introduction"])
    draft.recipients = given.get("recipients", draft.recipients)
    _note(draft, given.get("notes", {}))
    if not draft.record:
        _look(call)
    else:
        draft.record = _with_notes(Content.from_record(draft.record), draft.kind).as_record()


def _plain(text: str) -> str:
    """Without the characters that cannot be seen; line breaks stay."""
    lines = text.strip().splitlines()
    return "\n".join("".join(char if char.isprintable() else " " for char in line).rstrip() for line in lines)


def _note(draft: Announcement, notes: dict[int, str]) -> None:
    kept = AnnouncementNote.objects.filter(kind=draft.kind)
    for deployment, text in notes.items():
        if written := one_line(text):
            kept.update_or_create(deployment_id=deployment, kind=draft.kind, defaults={"text": written})
        else:
            kept.filter(deployment_id=deployment).delete()


def _with_notes(content: Content, kind: str) -> Content:
    ids = [line.deployment for line in content.lines]
    notes = dict(AnnouncementNote.objects.filter(kind=kind, deployment__in=ids).values_list("deployment_id", "text"))
    return content.noted(notes)


def _look(call: Call) -> None:
    call.obj.record, call.obj.data_at = drafts.live(call.obj).as_record(), call.now


def _choose_time(call: Call) -> None:
    """Given `at`, an aware UTC instant."""
    if sentence := why_not_at(call.obj, call.given["at"], call.now):
        raise Refused.because(sentence)
    call.obj.send_at = call.given["at"]
    call.note["at"] = call.given["at"].isoformat()


def _forget_time(call: Call) -> None:
    call.obj.send_at = None


def _has_a_time(announcement: Announcement, by: Actor, now: datetime) -> str:
    return "" if announcement.send_at else "No time was chosen for it."


def _test(call: Call) -> None:
    draft: Announcement = call.obj
    context = drafts.context(draft, drafts.shown(draft), is_test=True)
    key = f"announcement-test:{draft.pk}:{call.now.isoformat()}"
    outbox.enqueue(draft.kind, context, to=[call.person], key=key, now=call.now)


# --- Sending -------------------------------------------------------------------------------------------------
def _data_was_seen(announcement: Announcement, by: Actor, now: datetime) -> str:
    """What a person sends is what they looked at; what goes by itself says what is true then."""
    if by is None or not announcement.record or not announcement.data_at:
        return ""
    changed = len(drafts.moved_on(announcement))
    if not changed:
        return ""
    counted = f"{changed} deployment{'' if changed == 1 else 's'} changed since {say_time(announcement.data_at)}"
    return f"{counted}. Refresh the draft and look at it, then send it."


def _says_something_new(announcement: Announcement, by: Actor, now: datetime) -> str:
    """A later edition needs a change in the data, or words of the Scrum Master's own."""
    if by is None or announcement.edition == Edition.FIRST or announcement.subject or announcement.introduction:
        return ""
    earlier, content = drafts.before(announcement), drafts.live(announcement)
    if earlier is None or not earlier.record or drafts.changes(announcement, content, earlier):
        return ""
    if Content.from_record(earlier.record).notes != content.notes:
        return ""
    return "Nothing changed since the last one was sent. Write an introduction or a note if there is something to say."


def _every_install_has_an_outcome(announcement: Announcement, by: Actor, now: datetime) -> str:
    """The completion e-mail waits for the last outcome, or for the end of the install window."""
    week = announcement.week
    if announcement.kind != Kind.COMPLETION or by is None or week.passed(Deadline.INSTALL_CLOSE, now):
        return ""
    close = week.due(Deadline.INSTALL_CLOSE)
    by_itself = f" It goes out by itself on {say_instant(close, now=now)}." if close else ""
    if week.batch_completed_at is None:
        return f"Nothing is installed yet: the batch is not complete.{by_itself}"
    waiting = Deployment.objects.filter(week=week).exclude(status__in=OUTCOMES).count()
    if not waiting:
        return ""
    return f"{waiting} installation{' has' if waiting == 1 else 's have'} no outcome yet.{by_itself}"


def _send(call: Call) -> None:
    """Given perhaps `digest`, the data that the person looked at, and `final`, by the system at the approval deadline;
    `chosen` and `if_changed` say why the system sends it, which has to be true still.

    What a person sends waits ten minutes, in which it can be taken back; what goes by itself leaves at once, but never
    before an edition that still waits.
    """
    announcement: Announcement = call.obj
    content = drafts.live(announcement)
    _still_due(call, content)
    if (call.given.get("digest") or content.digest) != content.digest:
        raise Refused.because("The data changed after you opened this page. Look at what is new, then send it.")
    if call.given.get("final"):
        announcement.edition = Edition.FINAL
    announcement.sent_at, announcement.sent_by, announcement.send_at = call.now, call.by, None
    announcement.leaves_at = _leaves_at(announcement, call)
    announcement.record, announcement.data_at = content.as_record(), call.now
    announcement.letter = _queued(announcement, content, call.now)
    call.note |= {"edition": str(announcement.edition), "recipients": announcement.letter.emails.count()}


def _still_due(call: Call, content: Content) -> None:
    """The clock looked before it held the lock."""
    draft: Announcement = call.obj
    if call.given.get("chosen") and not (draft.send_at and draft.send_at <= call.now):
        raise Refused.because("Another time was chosen for it.", "done")
    if call.given.get("if_changed") and not drafts.changes(draft, content, drafts.before(draft)):
        raise Refused.because("Nothing changed since the last one was sent.", "done")


def _leaves_at(announcement: Announcement, call: Call) -> datetime | None:
    earlier = drafts.before(announcement)
    waits = earlier.leaves_at if earlier and earlier.on_hold(call.now) else None
    return call.now + HOLD if call.by else waits


def _queued(announcement: Announcement, content: Content, now: datetime) -> Letter:
    context, key = drafts.context(announcement, content), f"{_cause(announcement)}{now.isoformat()}"
    letter = outbox.enqueue(
        announcement.kind,
        context,
        to=audience_of(announcement).to,
        key=key,
        now=now,
        thread=f"{announcement.kind}.{announcement.week.thursday}",
        not_before=announcement.leaves_at,
    )
    if letter is None:
        raise Refused.because("Nobody would receive this: choose a group, or add an address.")
    post(announcement.kind, context, key=key, now=now, not_before=announcement.leaves_at)
    return letter


def _cause(announcement: Announcement) -> str:
    """How the keys of all that announces it begin."""
    return f"announcement:{announcement.pk}:"


# --- After sending -------------------------------------------------------------------------------------------
def _is_on_hold(announcement: Announcement, by: Actor, now: datetime) -> str:
    if announcement.on_hold(now):
        return ""
    left = announcement.leaves_at or announcement.sent_at
    return f"It left {say_instant(left, now=now)}." if left else "It was not sent."


def _can_be_taken_back(announcement: Announcement, by: Actor, now: datetime) -> str:
    if sentence := _is_on_hold(announcement, by, now):
        return f"{sentence} It cannot be taken back; a revision can correct it."
    newer = Announcement.objects.filter(week=announcement.week_id, kind=announcement.kind, pk__gt=announcement.pk)
    return "A newer edition follows it already, so it cannot be taken back." if newer.exists() else ""


def _take_back(call: Call) -> None:
    """All of it or nothing: the rows are locked, so a delivery has begun to send a row or will never see it."""
    announcement: Announcement = call.obj
    rows = Email.objects.select_for_update().filter(letter=announcement.letter_id).order_by("pk")
    begun = [email.attempts > 0 or email.sent_at is not None for email in rows]
    if any(begun):
        raise Refused.because(
            f"It has left for {sum(begun)} of {len(begun)} recipients already, so it is not taken back for the others."
            " A revision can correct it."
        )
    if announcement.letter:
        call.note["taken_back"] = outbox.cancel(announcement.letter, now=call.now)
        posts.cancel(_cause(announcement), now=call.now)
    announcement.letter = announcement.sent_at = announcement.sent_by = announcement.leaves_at = None


def _release(call: Call) -> None:
    Email.objects.filter(Email.WAITING, letter=call.obj.letter_id, attempts=0).update(not_before=call.now)
    posts.release(_cause(call.obj), now=call.now)
    call.obj.leaves_at = call.now


def _something_failed(announcement: Announcement, by: Actor, now: datetime) -> str:
    failed = Email.objects.filter(letter=announcement.letter_id).exclude(parked_at=None)
    return "" if failed.exists() else "No recipient was given up: there is nothing to send again."


def _resend(call: Call) -> None:
    """Given perhaps `email`, the primary key of one row; without it all that were given up are sent again."""
    failed = Email.objects.select_for_update().filter(letter=call.obj.letter_id).exclude(parked_at=None)
    if chosen := call.given.get("email"):
        failed = failed.filter(pk=int(chosen) if chosen.isdecimal() else 0)
    rows = list(failed.order_by("pk"))
    if not rows:
        raise Refused.because("This one was not given up: there is nothing to send again.")
    for email in rows:
        outbox.resend(email, now=call.now)
    call.note["to"] = [email.to for email in rows][:50]


def _lock(pk: int) -> Announcement:
    """Locks the week, as the sweeper does, then its announcement: so that only one of them sends."""
    lock_week(Announcement.objects.values_list("week_id", flat=True).get(pk=pk))
    return Announcement.objects.select_for_update(no_key=True, of=("self",)).select_related("week").get(pk=pk)


SCRUM, DRAFT, SENT = (Role.SCRUM_MASTER,), (Status.DRAFT,), (Status.SENT,)
READY = (_every_install_has_an_outcome, _says_something_new)
ANNOUNCEMENT = Flow(
    "announcement",
    Announcement,
    _lock,
    [
        Step("draft", "Begin the draft", (), Status.DRAFT, SCRUM, effect=_begin, plain=False),
        Step("edit", "Save draft", DRAFT, "", SCRUM, (), _edit, plain=False, done="Draft saved."),
        Step("refresh", "Refresh draft", DRAFT, "", SCRUM, (), _look, done="The draft says what is true now."),
        Step("test", "Send a test to me", DRAFT, "", SCRUM, (), _test, done="A test is on its way to you alone."),
        Step(
            "schedule",
            "Send at this time",
            DRAFT,
            "",
            SCRUM,
            READY,
            _choose_time,
            plain=False,
            done="It goes out at that time.",
        ),
        Step(
            "unschedule",
            "Do not send at that time",
            DRAFT,
            "",
            SCRUM,
            (_has_a_time,),
            _forget_time,
            done="No time is chosen any more.",
        ),
        Step(
            "send",
            "Send now",
            DRAFT,
            Status.SENT,
            SCRUM,
            (*READY, _data_was_seen),
            _send,
            takes=("digest",),
            done="It leaves in ten minutes. Until then you can cancel it.",
            undone_by="take_back",
        ),
        Step(
            "take_back",
            "Cancel sending",
            SENT,
            Status.DRAFT,
            SCRUM,
            (_can_be_taken_back,),
            _take_back,
            done="Nothing left. It is a draft again.",
        ),
        Step("release", "Send without waiting", SENT, "", SCRUM, (_is_on_hold,), _release, done="It leaves now."),
        Step(
            "resend",
            "Send again",
            SENT,
            "",
            SCRUM,
            (_something_failed,),
            _resend,
            takes=("email",),
            done="It is sent again.",
        ),
    ],
)
