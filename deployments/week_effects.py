"""What the steps of a release week record when its dates change. Input arrives in `call.given`.

The change itself is left in `call.given["change"]` for what follows from it in a higher app.
"""

from __future__ import annotations

from deployments.dates import Choice, WeekChange, by_choice, by_rules
from deployments.models import CodeReview, Milestone, ReleaseWeek
from deployments.policy import Deadline
from deployments.rules import Rules, as_record, current_rules
from workflow.eastern import say_day
from workflow.machine import begin, follow
from workflow.models import Event
from workflow.steps import Call, Flow, Refused

Status = CodeReview.Status
LONGEST_REASON = 200


def reschedule(call: Call) -> None:
    """Given `rules`: the week follows them, as far as it is still open."""
    rules: Rules = call.given["rules"]
    _record(call, by_rules(call.obj, rules, call.now))


def skip(call: Call) -> None:
    """The reason stands wherever the week is shown."""
    reason = call.reason.rstrip(". ")
    if not reason or len(reason) > LONGEST_REASON:
        raise Refused.because(f"Say why in a few words, {LONGEST_REASON} characters at most.", "reason")
    _choose(call, Choice(skip_because=reason))


def substitute(call: Call) -> None:
    """Given `day`: the install day of this week, instead of the schedule's."""
    _choose(call, Choice(substitute=call.given["day"]))


def reopen(call: Call) -> None:
    """Back to what the schedule and the calendar say."""
    _choose(call, Choice())


def warn(call: Call) -> None:
    call.obj.warned_at = call.now


def keep(call: Call) -> None:
    call.obj.legal_hold = True


def unkeep(call: Call) -> None:
    call.obj.legal_hold = False


def change_policy(call: Call) -> None:
    """Given `policy`."""
    call.note["before"] = call.obj.rules | {"missed_cutoff_holds": call.obj.missed_cutoff_holds}
    call.obj.rules = as_record(call.given["policy"])
    call.obj.missed_cutoff_holds = call.given["policy"].missed_cutoff_holds
    call.note["after"] = call.obj.rules | {"missed_cutoff_holds": call.obj.missed_cutoff_holds}


def _choose(call: Call, choice: Choice) -> None:
    week: ReleaseWeek = call.obj
    try:
        change = by_choice(week, choice, current_rules(week.thursday), call.now)
    except ValueError as error:
        raise Refused.because(str(error)) from error
    _record(call, change)


def _record(call: Call, change: WeekChange) -> None:
    week: ReleaseWeek = call.obj
    old_day, shifts = week.install_day, change.shifts
    call.given |= {"change": change, "came_from": old_day, "skips": change.skips, "opens": change.opens}
    call.given["was_warned"] = change.opens and week.warned_at is not None
    call.note |= {
        "install_day": [each and say_day(each) for each in (old_day, change.install_day)],
        "dates": {each.key: [at and at.isoformat() for at in (each.before, each.after)] for each in shifts},
    }
    if change.opens:
        week.warned_at = None
    week.install_day, week.skip_reason = change.install_day, change.skip_reason
    week.frozen, week.substitute = bool(change.choice.skip_because), change.choice.substitute
    _write_milestones(call, change)
    _move_review(call, change)


def _write_milestones(call: Call, change: WeekChange) -> None:
    """What is over stays. A milestone that begins in the past, in a week that opens late, counts as enforced."""
    week: ReleaseWeek = call.obj
    rows = {row.key: row for row in week.milestones.all()}
    for key, row in rows.items():
        if key not in change.due:
            row.delete()
        elif row.due_at != change.due[key]:
            row.due_at = change.due[key]
            row.save(update_fields=["due_at"])
    Milestone.objects.bulk_create(
        Milestone(week=week, key=key, due_at=due, enforced_at=call.now if due < call.now else None)
        for key, due in change.due.items()
        if key not in rows
    )
    week.__dict__.pop("_due", None)
    week.__dict__.pop("_prefetched_objects_cache", None)


def _move_review(call: Call, change: WeekChange) -> None:
    """The weekly review goes with its milestone, and is called off in a week without an install."""
    week: ReleaseWeek = call.obj
    flow = Flow.registry["code_review"]
    at = change.due.get(Deadline.CODE_REVIEW) if change.install_day else None
    weekly = CodeReview.objects.select_for_update(no_key=True, of=("self",)).select_related("week")
    review = weekly.filter(week=week, kind=CodeReview.Kind.WEEKLY).first()
    if review is None:
        if at and at > call.now:
            begin(flow, "schedule", CodeReview(week=week, at=at), by=None)
    elif review.status == Status.SCHEDULED and review.at > call.now:
        if at is None:
            follow(call, flow, "cancel", review, reason=f"No code install in the {week}: {change.skip_reason}.")
        elif at != review.at:
            follow(call, flow, "reschedule", review, at=at)
    elif review.status == Status.CANCELLED and at and at > call.now and _called_off_with_the_week(review):
        follow(call, flow, "resume", review, at=at)


def _called_off_with_the_week(review: CodeReview) -> bool:
    last = Event.objects.filter(object_type="code_review", object_id=review.pk, action="cancel").last()
    return last is not None and last.actor_id is None
