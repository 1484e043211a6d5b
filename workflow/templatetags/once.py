"""What a template need not work out for every page: addresses that never change, and parts that few values decide."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import cast

from django import template
from django.template import Context, Node, defaulttags
from django.template.base import FilterExpression, Parser, TextNode, Token
from django.template.loader import get_template
from django.templatetags.static import StaticNode
from django.urls import NoReverseMatch
from django.utils.safestring import SafeString

register = template.Library()


@register.tag
def static(parser: Parser, token: Token) -> Node:
    """Django's, worked out when the template is read."""
    node: StaticNode = StaticNode.handle_token(parser, token)
    return _text(node) if node.varname is None and _is_fixed(node.path) else node


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """Django's, worked out when the template is read where all of it stands there.

    An address that does not exist here stays as it is, and fails where it is shown: the demonstration's do so.
    """
    node: defaulttags.URLNode = defaulttags.url(parser, token)
    if node.asvar or not all(map(_is_fixed, (node.view_name, *node.args, *node.kwargs.values()))):
        return node
    try:
        return _text(node)
    except NoReverseMatch:
        return node


@register.simple_tag
def part(name: str, /, **values: Hashable) -> SafeString:
    """`{% part "components/places.html" places=frame.places %}`: a template that sees these values and nothing else.

    So it is filled in once for each set of them in a process. For what many pages share: the sets must be few, and
    what stands inside a tuple no markup, because markup and the same text are equal.
    """
    return _part(name, **values)


@lru_cache(maxsize=512, typed=True)
def _part(name: str, /, **values: Hashable) -> SafeString:
    return cast(SafeString, get_template(name).render(values))  # Django says `str`


def _is_fixed(expression: FilterExpression) -> bool:
    return not expression.is_var and not expression.filters


def _text(node: Node) -> TextNode:
    return TextNode(node.render(Context()))
