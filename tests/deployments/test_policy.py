"""The policy refuses rules that no week could keep, with a sentence."""

from dataclasses import replace
from datetime import UTC, time
from itertools import permutations

import pytest

from deployments.policy import DEFAULT_POLICY, Deadline, Policy, Rule


def test_the_default_policy_is_the_published_process() -> None:
    said = {key.value: str(DEFAULT_POLICY.rule(key)) for key in Deadline}

    assert said == {
        "code_review": "Wednesday 10:00 am, the week before",
        "plan_email": "Friday 12:00 noon, the week before",
        "cutoff": "Tuesday 2:00 pm",
        "approval": "Tuesday 5:00 pm",
        "exemption_close": "Thursday 12:00 noon",
        "install": "Thursday 2:00 pm",
        "install_close": "Thursday 6:00 pm",
    }
    assert DEFAULT_POLICY.missed_cutoff_holds is True


@pytest.mark.parametrize("key", [Deadline.CUTOFF, "cutoff"], ids=["member", "stored"])
def test_any_form_of_a_key_finds_its_rule(key: str) -> None:
    assert DEFAULT_POLICY.rule(key) == DEFAULT_POLICY.cutoff


def test_a_rule_weeks_ahead_says_so() -> None:
    assert str(Rule(3, 0, time(9, 5))) == "Monday 9:05 am, 3 weeks before"


def test_there_is_no_rule_for_another_key() -> None:
    with pytest.raises(ValueError, match="missed_cutoff_holds"):
        DEFAULT_POLICY.rule("missed_cutoff_holds")


@pytest.mark.parametrize("weekday", [-1, 5, 6, 7])
def test_a_rule_needs_a_working_weekday(weekday: int) -> None:
    with pytest.raises(ValueError, match=r"^Choose a weekday from Monday to Friday\.$"):
        Rule(0, weekday, time(14))


@pytest.mark.parametrize("weeks_before", [-1, 5])
def test_a_rule_stays_near_its_week(weeks_before: int) -> None:
    with pytest.raises(ValueError, match=r"^Choose a week from the install week itself to 4 weeks before it\.$"):
        Rule(weeks_before, 1, time(14))


@pytest.mark.parametrize("at", [time(1), time(1, 30), time(2), time(2, 59)])
def test_hours_that_daylight_saving_skips_or_repeats_are_refused(at: time) -> None:
    with pytest.raises(ValueError, match="daylight saving"):
        Rule(0, 1, at)


@pytest.mark.parametrize("at", [time(0), time(0, 59), time(3), time(23, 59)])
def test_the_hours_beside_them_are_allowed(at: time) -> None:
    assert Rule(0, 1, at).at == at


@pytest.mark.parametrize("at", [time(14, 0, 1), time(14, 0, 0, 1), time(14, tzinfo=UTC)])
def test_a_rule_is_in_whole_minutes_without_a_zone(at: time) -> None:
    with pytest.raises(ValueError, match="whole minutes on Eastern clocks"):
        Rule(0, 1, at)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("code_review", "plan_email"),
        ("plan_email", "cutoff"),
        ("cutoff", "approval"),
        ("approval", "exemption_close"),
        ("install", "install_close"),
    ],
)
def test_two_deadlines_at_the_same_instant_are_refused(earlier: str, later: str) -> None:
    same = {earlier: DEFAULT_POLICY.rule(later)}

    with pytest.raises(ValueError, match="must"):
        replace(DEFAULT_POLICY, **same)  # type: ignore[arg-type]


def test_a_wrong_order_names_both_deadlines_and_their_times() -> None:
    with pytest.raises(ValueError, match="must come before") as refused:
        replace(DEFAULT_POLICY, cutoff=Rule(0, 1, time(17, 30)))

    assert str(refused.value) == "PRs and CRQs (Tuesday 5:30 pm) must come before CRQ approval (Tuesday 5:00 pm)."


def test_the_week_counts_before_the_weekday() -> None:
    moved = replace(DEFAULT_POLICY, plan_email=Rule(1, 4, time(18)), code_review=Rule(2, 4, time(9)))

    assert moved.code_review.nominal() < moved.plan_email.nominal() < moved.cutoff.nominal()


def test_exemptions_may_close_when_the_install_opens_but_not_later() -> None:
    at_install = replace(DEFAULT_POLICY, exemption_close=DEFAULT_POLICY.install)

    assert at_install.exemption_close == at_install.install
    with pytest.raises(ValueError, match=r"^Exemptions close \(Thursday 2:01 pm\) must come before Code install"):
        replace(DEFAULT_POLICY, exemption_close=Rule(0, 3, time(14, 1)))


@pytest.mark.parametrize("key", ["exemption_close", "install", "install_close"])
def test_the_install_day_is_one_day(key: str) -> None:
    other_day = {key: replace(DEFAULT_POLICY.rule(key), weekday=4)}

    with pytest.raises(ValueError, match="must be on the same day"):
        replace(DEFAULT_POLICY, **other_day)  # type: ignore[arg-type]


def test_the_install_is_in_the_week_that_bears_its_name() -> None:
    with pytest.raises(ValueError, match="Code install must be in the install week itself"):
        replace(DEFAULT_POLICY, install=Rule(1, 3, time(14)))


def test_no_other_order_of_the_same_rules_is_accepted() -> None:
    published = tuple(DEFAULT_POLICY.rule(key) for key in Deadline)

    accepted = [order for order in permutations(published) if is_accepted(order)]

    assert accepted == [published]


def is_accepted(rules: tuple[Rule, ...]) -> bool:
    try:
        Policy(**dict(zip(Deadline, rules, strict=True)))  # type: ignore[arg-type]
    except ValueError:
        return False
    return True
