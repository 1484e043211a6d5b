"""Which field of the other system gets which of our texts. Known to the settings, so this knows no models."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

VARIABLE = "CHANGE_SYSTEM_FIELDS"
LABELS = {
    "number": "Number in releaseflow",
    "summary": "Summary",
    "numbered_summary": "Number and summary",
    "description": "Description",
    "service": "Service",
    "support_group": "Support group",
    "planned_start": "Planned start",
    "requested_by": "Requested by",
    "approved_by": "Approved by",
    "source": "Source",
    "documents": "Documents",
    "everything": "All fields as one text",
    "starts_at": "Start of the install window, UTC",
    "ends_at": "End of the install window, UTC",
}
"""Our texts: those of the page to copy from by their labels there, and a few for fields that want another form."""


@dataclass(frozen=True)
class Mapped:
    """`source` is one of LABELS; the text is cut to `longest` characters, where the other system takes no more."""

    source: str
    longest: int | None = None

    @property
    def label(self) -> str:
        return LABELS[self.source]

    def of(self, texts: Mapping[str, str]) -> str:
        text = texts.get(self.source, "")
        return text if self.longest is None or len(text) <= self.longest else f"{text[: self.longest - 1]}…"


@dataclass(frozen=True)
class Fields:
    """`correlation` is the field there by which a change is found that has our number; `fixed` are values that each
    new change gets, and which are never compared.
    """

    correlation: str
    mapped: dict[str, Mapped]
    fixed: dict[str, str] = field(default_factory=dict)

    def values(self, texts: Mapping[str, str]) -> dict[str, str]:
        """What each mapped field there should say; what is not known yet is left out."""
        found = {name: each.of(texts) for name, each in self.mapped.items()}
        return {name: text for name, text in found.items() if text}


DEFAULTS = {
    "servicenow": Fields(
        "correlation_id",
        {
            "short_description": Mapped("summary", 160),
            "description": Mapped("everything", 4000),
            "start_date": Mapped("starts_at"),
            "end_date": Mapped("ends_at"),
        },
    ),
    "helix": Fields(
        "Description",
        {
            "Description": Mapped("numbered_summary", 128),
            "Detailed Description": Mapped("everything", 30_000),
            "Scheduled Start Date": Mapped("starts_at"),
            "Scheduled End Date": Mapped("ends_at"),
        },
    ),
}


def fields(kind: str, path: str) -> Fields:
    """As the file says; what it leaves out, or all where there is none, is as usual. Bad contents are a sentence."""
    usual = DEFAULTS[kind]
    if not path:
        return usual
    said = _read(path)
    if unknown := set(said) - {"correlation", "fields", "fixed"}:
        raise _bad(f"knows correlation, [fields] and [fixed], not {min(unknown)!r}")
    mapped = {name: _mapped(name, each) for name, each in _table(said, "fields").items()}
    found = replace(usual, mapped=mapped or usual.mapped, fixed=_fixed(said))
    if "correlation" in said:
        found = replace(found, correlation=_text("correlation", said["correlation"]))
    correlated = found.mapped.get(found.correlation)
    if correlated and correlated.source not in {"number", "numbered_summary"}:
        raise _bad(f"takes the correlation field {found.correlation!r} from number or numbered_summary alone")
    return found


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text())
    except (OSError, UnicodeDecodeError):
        raise ImproperlyConfigured(f"{VARIABLE} names a file that cannot be read: {path}.") from None
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"is no TOML: {error}") from None


def _table(said: dict[str, Any], name: str) -> dict[str, Any]:
    found = said.get(name, {})
    if not isinstance(found, dict):
        raise _bad(f"wants [{name}] as a table")
    return found


def _mapped(name: str, said: object) -> Mapped:
    """`short_description = "summary"`, or `{ from = "summary", longest = 160 }`."""
    parts = said if isinstance(said, dict) else {"from": said}
    source, longest = parts.get("from"), parts.get("longest")
    if not isinstance(source, str) or source not in LABELS or set(parts) - {"from", "longest"}:
        raise _bad(f"wants each of [fields] to come from one of {', '.join(LABELS)}; {name!r} does not")
    if longest is not None and (type(longest) is not int or longest < 20):
        raise _bad(f"wants the longest of {name!r} as a whole number of at least 20")
    return Mapped(source, longest)


def _fixed(said: dict[str, Any]) -> dict[str, str]:
    return {name: _text(f"fixed.{name}", each) for name, each in _table(said, "fixed").items()}


def _text(name: str, said: object) -> str:
    if not isinstance(said, str) or not said.strip():
        raise _bad(f"wants {name} as a text in quotes")
    return said.strip()


def _bad(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"The file of {VARIABLE} {what}.")
