"""Who is meant by "@Hannah Cole", "@hannah.cole" or "@Hannah" in a comment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q

from accounts.models import User
from workflow.markup import prose

MOST = 20
_AT = re.compile(r"(?<![\w@./+-])@([^\W\d_][\w.'’+-]*(?: [^\W\d_][\w.'’-]*){0,3})")


def mentioned(text: str) -> tuple[list[User], list[str]]:
    """The active people named in the text, and the words behind an @ that name nobody here. Two statements at most.

    A full name goes before a sign-in name, and that before a first name, which counts when one active person has it.
    """
    phrases = list(dict.fromkeys(match[1] for match in _AT.finditer(prose(text))))[:MOST]
    known = _known(phrases)
    found: dict[int, User] = {}
    unknown: list[str] = []
    for phrase in phrases:
        person = _meant(phrase, known)
        if person:
            found[person.pk] = person
        else:
            unknown.append(phrase.split()[0].rstrip(".'’-"))
    return list(found.values()), unknown


def _known(phrases: Iterable[str]) -> list[User]:
    """Everybody active whose sign-in name or first name begins one of the phrases."""
    firsts = {phrase.split()[0] for phrase in phrases}
    firsts |= {first.rstrip(".'’-") for first in firsts}
    if not firsts:
        return []
    asked = (Q(username__iexact=first) | Q(first_name__istartswith=first) for first in sorted(firsts))
    return list(User.objects.filter(reduce(or_, asked), is_active=True))


def _meant(phrase: str, known: list[User]) -> User | None:
    said = phrase.lower()
    first = said.split()[0]
    first = first if any(each.username.lower() == first for each in known) else first.rstrip(".'’-")
    for named in (
        [each for each in known if _begins(said, each.name.lower())],
        [each for each in known if each.username.lower() == first],
        [each for each in known if each.first_name.lower() == first],
    ):
        if len(named) == 1:
            return named[0]
    return None


def _begins(said: str, name: str) -> bool:
    return said == name or (said.startswith(name) and not said[len(name)].isalnum())
