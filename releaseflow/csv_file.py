"""Reading CSV files as spreadsheets write them: which encoding, which separator, and what is wrong on which line."""

from __future__ import annotations

import csv
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SEPARATORS = ",;\t"
LONGEST = 2 * 1024 * 1024


class Unreadable(Exception):
    """Nothing was imported; `problems` are sentences, those about a row with its line."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class Told(ABC):
    """What an import did, as a dataclass of names and numbers."""

    @abstractmethod
    def lines(self) -> list[str]:
        """For people: a line each, the total last."""


@dataclass(frozen=True)
class Columns:
    """What a file may have, in small letters; `needed` are the first ones, `also` what else they are called."""

    names: tuple[str, ...]
    needed: tuple[str, ...]
    also: Mapping[str, str] = field(default_factory=dict)


def records(content: bytes, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with the line on which it ends, values by column; empty rows are left out. Raises Unreadable."""
    text = _decoded(content)
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(SEPARATORS, key=head.count), strict=True)
    try:
        names = [_column(each, columns) for each in next(reader, [])]
        _check(names, columns)
        for values in reader:
            if any(map(str.strip, values)):
                if len(values) > len(names):
                    raise Unreadable(f"Line {reader.line_num}: it has {len(values)} values for {len(names)} columns.")
                yield reader.line_num, dict(zip(names, (" ".join(each.split()) for each in values), strict=False))
    except csv.Error as error:
        raise Unreadable(f"Line {reader.line_num}: this is not CSV ({error}).") from None


def _decoded(content: bytes) -> str:
    if len(content) > LONGEST:
        raise Unreadable("The file is larger than 2 MB. Divide it.")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Unreadable(f"Line {line}: this is not UTF-8. Save the file as “CSV UTF-8”, then try again.") from None


def _column(text: str, columns: Columns) -> str:
    name = re.sub(r"[^a-z]", "", text.casefold())
    return columns.also.get(name, name)


def _check(names: list[str], columns: Columns) -> None:
    lacking = [name for name in columns.needed if name not in names]
    unknown = [name or "(empty)" for name in names if name not in columns.names]
    if lacking or unknown or len(set(names)) < len(names):
        wrong = f"no column {lacking[0]}" if lacking else f"the column {unknown[0]}" if unknown else "a column twice"
        raise Unreadable(
            f"Line 1: the file has {wrong}. Its columns are {', '.join(columns.names)}; the first "
            f"{('one is', 'two are')[len(columns.needed) - 1]} needed."
        )
