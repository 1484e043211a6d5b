"""Markdown that people typed, as harmless HTML."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "a"}
_parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(["image", "heading", "lheading", "hr"])


def rendered(text: str) -> SafeString:
    """The text as HTML of a few plain tags. Pictures, headings and markup in it stay the characters that were typed.

    Links keep only http, https and mailto addresses; anything the cleaner does not know is dropped.
    """
    clean = nh3.clean(
        _parser.render(text),
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return SafeString(clean)


def prose(text: str) -> str:
    """What the text says outside code and addresses, piece by piece on lines of its own: where names are looked for."""
    pieces = [child for token in _parser.parse(text) if token.type == "inline" for child in token.children or ()]
    return "\n".join(piece.content for piece in pieces if piece.type == "text")
