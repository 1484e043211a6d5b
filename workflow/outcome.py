"""What people read after an action: what it means, and who was e-mailed because of it."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.models import User
from notifications.models import Email
from workflow.steps import Step

MOST_NAMED = 3


def outcome(step: Step, queued: Iterable[Email], *, by: User) -> str:
    """ "Verified. Anita Desai and Maya Lind were emailed."; `queued` are the letters of the step's transaction.

    What is held back for a while is not named: nobody was e-mailed yet.
    """
    left = [each for each in queued if each.recipient != by and each.not_before <= each.letter.written_at]
    names = [each.recipient.name if each.recipient else each.to for each in left]
    return " ".join(filter(None, [step.done or f"{step.label}: done.", emailed(list(dict.fromkeys(names)))]))


def emailed(names: list[str]) -> str:
    """ "Hannah Cole, Wei Zhang and 4 others were emailed."; nothing for nobody."""
    if not names:
        return ""
    if len(names) == 1:
        return f"{names[0]} was emailed."
    rest = len(names) - MOST_NAMED + 1
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[: MOST_NAMED - 1])} and {rest} others were emailed."
    return f"{', '.join(names[:-1])} and {names[-1]} were emailed."
