"""What was worked out before from the very same facts is not worked out again."""

from collections.abc import Iterable

from workflow.kept import Kept


class Upper:
    """Says what it was asked for."""

    def __init__(self, most: int = 2) -> None:
        self.kept: Kept[str, str] = Kept(most)
        self.asked: list[str] = []

    def __call__(self, circumstances: str, *facts: str) -> list[str]:
        return self.kept.of(circumstances, facts, self._make)

    def _make(self, facts: list[str]) -> Iterable[str]:
        self.asked += facts
        return (fact.upper() for fact in facts)


def test_only_what_is_not_known_is_asked_for_and_the_order_is_that_of_the_facts() -> None:
    upper = Upper()
    upper("today", "b", "d")

    assert upper("today", "a", "b", "c", "d") == ["A", "B", "C", "D"]
    assert upper.asked == ["b", "d", "a", "c"]


def test_other_circumstances_are_asked_anew() -> None:
    upper = Upper()
    upper("today", "a")
    upper("tomorrow", "a")

    assert upper.asked == ["a", "a"]


def test_a_fact_that_is_gone_is_forgotten() -> None:
    upper = Upper()
    for facts in (("a", "b"), ("b",), ("a", "b")):
        upper("today", *facts)

    assert upper.asked == ["a", "b", "a"]


def test_the_circumstances_of_longest_ago_are_forgotten() -> None:
    upper = Upper(most=2)
    for circumstances in ("one", "two", "one", "three", "one", "two"):
        upper(circumstances, circumstances)

    assert upper.asked == ["one", "two", "three", "two"]
