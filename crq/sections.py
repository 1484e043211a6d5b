"""Parts of a page that shows the first of many rows, such as e-mails, or changes elsewhere, that were not taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from workflow.acts import Act

Row = TypeVar("Row")


@dataclass(frozen=True)
class Section(Generic[Row]):
    """`total` rows, of which the first are in `rows`; `acts` concern many rows at once."""

    name: str
    heading: str
    empty: str
    total: int
    rows: list[Row]
    acts: Sequence[Act] = ()

    @property
    def more(self) -> int:
        return self.total - len(self.rows)
