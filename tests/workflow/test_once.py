"""What a template works out once in a process."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.template.base import TextNode
from django.urls import NoReverseMatch

from releaseflow.context import places
from workflow.templatetags.once import part

CONSTANT = ("{% url 'weeks' %}", "{% url 'crq' number='000000418003' %}", "{% static 'css/base.css' %}")


@pytest.mark.parametrize("tag", CONSTANT)
def test_an_address_that_never_changes_is_text(tag: str) -> None:
    [node] = Template(tag).nodelist

    assert isinstance(node, TextNode)
    assert node.s.startswith(("/weeks/", "/crqs/000000418003/", "/static/css/base."))


@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("{% url name %}", "/calendar/"),
        ("{% url 'crq' number=number %}", "/crqs/000000418003/"),
        ("{% url 'weeks' as there %}{{ there }}", "/weeks/"),
        ("{% url 'weeks'|cut:'weeks'|add:'calendar' %}", "/calendar/"),
        ("{% static file|add:'.css' %}", "/static/css/base.css"),
    ],
)
def test_an_address_that_depends_on_the_page_is_worked_out_there(tag: str, shown: str) -> None:
    page = Context({"name": "calendar", "number": "000000418003", "file": "css/base"})

    assert Template(tag).render(page) == shown


def test_an_address_that_does_not_exist_fails_where_it_is_shown() -> None:
    assert Template("{% if demo %}{% url 'demo-nowhere' %}{% endif %}").render(Context()) == ""
    with pytest.raises(NoReverseMatch):
        Template("{% url 'demo-nowhere' %}").render(Context())


def test_a_part_is_the_same_only_for_the_same_values() -> None:
    name = "components/places.html"
    board, week = part(name, places=places("weeks", "/a/", 7)), part(name, places=places("week", "/a/", 7))
    next_week, more = part(name, places=places("weeks", "/b/", 7)), part(name, places=places("weeks", "/a/", 8))

    assert board is week
    assert 'href="/a/"' in board
    assert 'href="/b/"' in next_week
    assert 'is-you">7<' in board
    assert 'is-you">8<' in more
