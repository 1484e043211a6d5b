"""The state of something in a word and a shape, as `{% badge %}` shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Badge:
    """`state` is one of those of `templatetags/components.py`: done, part, you, wait, stop, exempt, none."""

    state: str
    text: str
