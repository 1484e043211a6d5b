"""Small parts of pages: icons, faces, badges, gates. A state always shows by shape and word, not by colour alone."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol
from zlib import crc32

from django import template
from django.template import Context
from django.template.loader import get_template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workflow import eastern

register = template.Library()

STATE_WORDS = {
    "done": "Done",
    "part": "Partly done",
    "you": "Your turn",
    "wait": "Waiting",
    "stop": "Blocked",
    "exempt": "Exempt",
    "none": "Not started",
}
BADGE_TINTS = {"part": "warn", "wait": "idle", "none": "idle"}
BADGE_SHAPES = {"warn": "part", "idle": "wait"}


class Person(Protocol):
    """Whoever has initials: a user, or a stand-in in a list."""

    @property
    def initials(self) -> str: ...


class Cell(Protocol):
    """One gate of one deployment on the board."""

    state: str
    note: str
    sentence: str


class Row(Protocol):
    """One deployment on the board; it never changes."""

    url: str
    key: str
    title: str
    meta: str
    cells: tuple[Any, ...]
    done: int
    total: int
    next: Any

    def __hash__(self) -> int: ...


class Option(Protocol):
    """One value that a filter offers."""

    @property
    def value(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def chosen(self) -> bool: ...


class Entry(Protocol):
    """One entry of the navigation; its place has a label, a short one and an icon."""

    @property
    def place(self) -> Any: ...
    @property
    def url(self) -> str: ...
    @property
    def current(self) -> bool: ...
    @property
    def waiting(self) -> int: ...


class Act(Protocol):
    """Something a person may do here, or the sentence why not."""

    @property
    def action(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def primary(self) -> bool: ...
    @property
    def hidden(self) -> dict[str, str]: ...


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, size: str = "", extra: str = "") -> SafeString:
    """`{% icon "done" size="lg" %}`: a symbol of the sprite, 16 px or 20 px, hidden from screen readers."""
    classes = " ".join(filter(None, [f"ico-{size}" if size else "ico", extra]))
    return format_html('<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>', classes, name)


@register.simple_tag(takes_context=True)
def face(context: Context, person: Person | str, size: str = "", you: bool | None = None) -> SafeString:
    """`{% face user %}`: a chip with initials, blue for the person who looks. Beside it stands the name."""
    if not person:
        return SafeString()
    is_you = person == context.get("user") if you is None else you
    return _face(person if isinstance(person, str) else person.initials, size, you=is_you)


def _face(initials: str, size: str = "", *, you: bool) -> SafeString:
    if not initials:
        return SafeString()
    classes = "".join([" face-you" if you else "", f" face-{size}" if size else ""])
    return format_html('<span class="face{}" aria-hidden="true">{}</span>', classes, initials)


@register.simple_tag
@lru_cache(maxsize=256)
def badge(state: str, text: str) -> SafeString:
    """`{% badge "you" "Waiting for your approval" %}`; states are those of STATE_WORDS."""
    tint, shape = BADGE_TINTS.get(state, state), BADGE_SHAPES.get(state, state)
    return format_html('<span class="badge badge-{}">{}{}</span>', tint, icon(shape), text)


@register.simple_tag
def gate(cell: Cell) -> SafeString:
    """`{% gate cell %}`: one cell of the board, with its sentence for screen readers and as a tooltip."""
    return _gate(cell.state, cell.note, cell.sentence)


@lru_cache(maxsize=2048)
def _gates(cells: tuple[Cell, ...]) -> SafeString:
    # Of sixty deployments many stand the same.
    return format_html_join("", '<td role="cell" class="g">{}</td>', ((gate(cell),) for cell in cells))


@register.simple_tag
def board_rows(rows: Iterable[Row]) -> SafeString:
    """`{% board_rows band.rows %}`: releaseflow/_row.fragment.html for each deployment."""
    return in_a_row(map(_board_row, rows))


@lru_cache(maxsize=1024)
def _board_row(row: Row) -> SafeString:
    # A row that was not judged anew is the same object.
    step = row.next
    button = ""
    if step.is_you and step.action_label:
        button = fragment(
            "releaseflow/_row_button", url=step.url, key=row.key, label=step.action_label, title=row.title
        )
    return fragment(
        "releaseflow/_row",
        url=row.url,
        key=row.key,
        title=row.title,
        meta=row.meta,
        gates=_gates(row.cells),
        done=row.done,
        total=row.total,
        face=_face(step.initials, you=step.is_you),
        tone=f"is-{step.tone}" if step.tone else "",
        step=step.text,
        detail=step.detail,
        button=button,
    )


def in_a_row(parts: Iterable[SafeString]) -> SafeString:
    """One after the other, by one call."""
    found = list(parts)
    return format_html("{}" * len(found), *found) if found else SafeString()


def fragment(name: str, /, **values: Any) -> SafeString:
    """`name.fragment.html` with its `{names}` filled in, escaped; for what a page has by the hundred.

    A template costs ten times as much: it works out each value by looking it up anew.
    """
    return format_html(_text_of(name), **values)


@lru_cache
def _text_of(name: str) -> str:
    return str(get_template(f"{name}.fragment.html").template.source)  # type: ignore[attr-defined]


@lru_cache(maxsize=2048)
def _gate(state: str, note: str, sentence: str) -> SafeString:
    # A board has hundreds of cells and few different ones.
    return format_html(
        '<span class="gate gate-{}" title="{}">{}{}<span class="vh">{}</span></span>',
        *(state, sentence, icon(state), format_html("<small>{}</small>", note) if note else "", sentence),
    )


@register.simple_tag
def place(item: Entry, *, short: bool = False) -> SafeString:
    """`{% place item %}`: one entry of the navigation, with the number of what waits there."""
    tint, words = (" is-you", "waiting for you") if item.place.is_you else ("", "items")
    number = '<span class="count{}">{}<span class="vh"> {}</span></span>'
    return format_html(
        '<a href="{}"{}>{}{}{}</a>',
        item.url,
        format_html(' aria-current="{}"', "page") if item.current else "",
        icon(item.place.icon),
        item.place.short if short else item.place.label,
        format_html(number, tint, item.waiting, words) if item.waiting else "",
    )


@register.filter
def state_word(state: str) -> str:
    """The word that goes with a state's shape."""
    return STATE_WORDS.get(state, "")


@register.simple_tag(takes_context=True)
def time_left(context: Context, at: datetime) -> SafeString:
    """`{% time_left at %}`: the countdown in large digits with small units."""
    words = eastern.say_countdown(at, context["now"]).split(" ")
    big = format_html_join(" ", "{}", ((_small_unit(word),) for word in words))
    return format_html(
        '<time class="left nums" datetime="{}" data-countdown="big">{}</time>', eastern.machine_time(at), big
    )


def _small_unit(word: str) -> str:
    return word if word.isdigit() else format_html("<small>{}</small>", word)


@register.simple_tag
def live(address: str) -> SafeString:
    """`<div id="live" {% live live_url %}>`: the part of a page that asks for itself anew every 20 seconds."""
    return format_html('data-live hx-get="{}" hx-trigger="every 20s" hx-swap="outerHTML"', address)


@register.simple_tag
def act_id(act: Act, prefix: str = "") -> str:
    """An id for an act's explanation, stable between renderings; a prefix tells apart an act shown twice on a page."""
    key = f"{act.url} {act.action} {sorted((act.hidden or {}).items())}"
    return f"{prefix or 'act'}-{act.action}-{crc32(key.encode()):08x}"


@register.simple_tag(takes_context=True)
def plain_act(context: Context, act: Act, key: str, *, small: bool = False) -> SafeString:
    """`{% plain_act act id %}`: the button alone, or the same disabled, explained by what stands at this id."""
    size = " btn-sm" if small else ""
    if not act.enabled:
        return fragment("components/_act_off", size=size, key=key, label=act.label)
    fields = {"csrfmiddlewaretoken": context["csrf_token"], **act.hidden}
    return fragment(
        "components/_act",
        url=act.url,
        fields=format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items()),
        kind="primary" if act.primary else "quiet",
        size=size,
        action=act.action,
        label=act.label,
    )


@register.simple_tag
def choices(options: Iterable[Option]) -> SafeString:
    """`{% choices options %}`: what a filter offers."""
    return format_html_join("\n", "{}", ((_choice(each.value, each.label, each.chosen),) for each in options))


@lru_cache(maxsize=2048)
def _choice(value: str, label: str, chosen: bool) -> SafeString:
    # A list offers two hundred, and they are the same for everybody.
    selected = format_html(" {}", "selected") if chosen else ""
    return format_html('<option value="{}"{}>{}</option>', value, selected, label)
