"""What we ask of another change system. Each one is an adapter of its own; manual means that there is none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, ClassVar, Self

from crq.change_system.access import Access
from crq.change_system.line import Line

LONGEST = 32_000


@dataclass(frozen=True)
class Change:
    """One change as the other system has it. `key` is what its API knows it by; `number` what people do.

    `texts` are those of the mapped fields, each in the forms in which it was answered, that for people first.
    """

    key: str
    number: str
    state: str
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def says(self, name: str, ours: str) -> str:
        """What stands in the field: our text, where any of its forms comes to the same."""
        forms = [plain(each) for each in self.texts.get(name, ())] or [""]
        return ours if plain(ours) in forms else forms[0]


class ChangeSystem(ABC):
    """An adapter signs in when it first has to. Each method may raise `line.Trouble`; none is called in a transaction.

    None of them is right about a change that was made while nobody could tell us: whoever creates has searched before.
    """

    INSTANT: ClassVar[str]
    """How an instant is written there, in UTC, as `strftime` has it."""

    def __init__(self, access: Access) -> None:
        self.access, self.fields, self.line = access, access.fields, Line(access.url, access.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def find(self, ours: str, theirs: str) -> Change | None:
        """The change that carries our number, else the one with their number, where that is known."""

    @abstractmethod
    def create(self, ours: str, values: Mapping[str, str]) -> Change:
        """Makes a change that carries our number."""

    @abstractmethod
    def update(self, change: Change, ours: str, values: Mapping[str, str]) -> Change:
        """Changes these fields alone, and returns it as it is then. It carries our number from now on."""

    @abstractmethod
    def files(self, change: Change) -> set[str]:
        """The names of what is attached there."""

    @abstractmethod
    def attach(self, change: Change, name: str, file: IO[bytes]) -> None:
        """Attaches the file under a name that `files` tells afterwards."""

    def close(self) -> None:
        """Ends what was opened there."""
        self.line.close()

    def instant(self, at: datetime | None) -> str:
        return at.astimezone(UTC).strftime(self.INSTANT) if at else ""

    def tagged(self, ours: str, values: Mapping[str, str]) -> dict[str, str]:
        """With our number in the field for it, unless a mapped text carries it already."""
        carried = self.fields.correlation in self.fields.mapped
        return dict(values) if carried else {**values, self.fields.correlation: ours}


def plain(text: str) -> str:
    """Without what no database takes and what systems change on their own: line ends, spaces at the end."""
    lines = text.replace("\r\n", "\n").split("\n")
    clean = ("".join(char for char in line if char.isprintable()).rstrip() for line in lines)
    return "\n".join(clean).strip()[:LONGEST]
