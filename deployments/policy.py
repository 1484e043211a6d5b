"""The rules of the week's clock, as Eastern wall-clock times. Pure: no Django, no Celery.

`Deadline` is the one place where the milestone keys are defined; the database stores the same strings.
"""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from itertools import pairwise
from typing import Self

from workflow.eastern import WEEKDAYS, say_clock

MOST_WEEKS_BEFORE = 4  # weeks are created eight ahead, so every deadline still lies ahead then


class Deadline(StrEnum):
    """The seven milestones of a release week, in the order in which they fall due."""

    label: str

    CODE_REVIEW = "code_review", "Code review"
    PLAN_EMAIL = "plan_email", "Plan e-mail"
    CUTOFF = "cutoff", "PRs and CRQs"
    APPROVAL = "approval", "CRQ approval"
    EXEMPTION_CLOSE = "exemption_close", "Exemptions close"
    INSTALL = "install", "Code install"
    INSTALL_CLOSE = "install_close", "Install window closes"

    def __new__(cls, key: str, label: str = "") -> Self:
        member = str.__new__(cls, key)
        member._value_, member.label = key, label
        return member


INSTALL_DAY = (Deadline.EXEMPTION_CLOSE, Deadline.INSTALL, Deadline.INSTALL_CLOSE)


@dataclass(frozen=True)
class Rule:
    """When one milestone falls due: weekday 0 is Monday, `at` is Eastern wall-clock time in whole minutes.

    Raises ValueError, with a sentence fit for the field of a form, for a value that cannot be kept every week.
    """

    weeks_before: int
    weekday: int
    at: time

    def __post_init__(self) -> None:
        if not 0 <= self.weeks_before <= MOST_WEEKS_BEFORE:
            raise ValueError(f"Choose a week from the install week itself to {MOST_WEEKS_BEFORE} weeks before it.")
        if not 0 <= self.weekday <= 4:
            raise ValueError("Choose a weekday from Monday to Friday.")
        if self.at.tzinfo or self.at.second or self.at.microsecond:
            raise ValueError("Choose a time in whole minutes on Eastern clocks, such as 2:00 pm.")
        if time(1) <= self.at < time(3):
            raise ValueError("Choose a time outside 1:00 to 2:59 am, which daylight saving skips or repeats.")

    def __str__(self) -> str:
        weeks = f", {self.weeks_before} weeks before" if self.weeks_before else ""
        weeks = ", the week before" if self.weeks_before == 1 else weeks
        return f"{WEEKDAYS[self.weekday]} {say_clock(self.at)}{weeks}"

    def nominal(self) -> tuple[int, int, time]:
        """Sorts rules by when they fall due in a week without closed days."""
        return (-self.weeks_before, self.weekday, self.at)


@dataclass(frozen=True)
class Policy:
    """One rule per `Deadline`, and whether a missed cutoff holds a deployment.

    Raises ValueError, with a sentence, when the rules contradict each other.
    """

    code_review: Rule
    plan_email: Rule
    cutoff: Rule
    approval: Rule
    exemption_close: Rule
    install: Rule
    install_close: Rule
    missed_cutoff_holds: bool = True

    def __post_init__(self) -> None:
        self._check_install_day()
        for earlier, later in pairwise(Deadline):
            self._check_order(earlier, later)

    def rule(self, key: str) -> Rule:
        """The rule of the milestone with this key; ValueError for any other key."""
        rule: Rule = getattr(self, Deadline(key).value)
        return rule

    def _check_install_day(self) -> None:
        if self.install.weeks_before:
            raise ValueError("Code install must be in the install week itself.")
        days = {self.rule(key).nominal()[:2] for key in INSTALL_DAY}
        if len(days) > 1:
            raise ValueError("Exemptions close, Code install and Install window closes must be on the same day.")

    def _check_order(self, earlier: Deadline, later: Deadline) -> None:
        first, second = self.rule(earlier), self.rule(later)
        together = earlier is Deadline.EXEMPTION_CLOSE and first.nominal() == second.nominal()
        if first.nominal() >= second.nominal() and not together:
            raise ValueError(f"{earlier.label} ({first}) must come before {later.label} ({second}).")


DEFAULT_POLICY = Policy(
    code_review=Rule(1, 2, time(10)),
    plan_email=Rule(1, 4, time(12)),
    cutoff=Rule(0, 1, time(14)),
    approval=Rule(0, 1, time(17)),
    exemption_close=Rule(0, 3, time(12)),
    install=Rule(0, 3, time(14)),
    install_close=Rule(0, 3, time(18)),
)
