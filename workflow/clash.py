"""Two people changed the same thing: what one of them saw or typed, and what is there now. Pages answer 409 then."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Difference:
    """One line: `before` is empty where there was nothing, `now` where nothing is left. `remark` says who and when."""

    label: str
    before: str
    now: str
    remark: str = ""

    @property
    def changed(self) -> bool:
        return self.before != self.now


@dataclass(frozen=True)
class Clash:
    heading: str
    sentence: str
    before_label: str
    now_label: str
    rows: list[Difference] = field(default_factory=list)
