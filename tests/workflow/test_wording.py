"""Forms speak the product's words: none of Django's own sentences reaches a person."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from workflow.wording import WORDS

DJANGO = (
    "This field",
    "Select a valid",
    "Ensure this",
    "Enter a valid",
    "Enter a whole",
    "is not one of",
    "not allowed",
)


class Everything(forms.Form):
    text = forms.CharField(max_length=3)
    number = forms.IntegerField(min_value=2, max_value=3)
    day = forms.DateField()
    at = forms.SplitDateTimeField()
    choice = forms.ChoiceField(choices=[("a", "A")])
    several = forms.MultipleChoiceField(choices=[("a", "A")])
    address = forms.URLField(assume_scheme="https")
    email = forms.EmailField()
    file = forms.FileField()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"text": "long", "number": "1", "day": "x", "at_0": "x", "at_1": "x", "choice": "b", "several": ["b"]},
        {"text": "a\0", "number": "4", "address": "http://", "email": "x"},
        {"number": "x"},
    ],
)
def test_what_is_wrong_is_said_in_our_words(given: dict[str, Any]) -> None:
    said = [error for errors in Everything(given).errors.values() for error in errors]

    assert said
    assert [sentence for sentence in said if any(words in sentence for words in DJANGO)] == []


def test_what_a_form_says_of_its_own_goes_first() -> None:
    field = forms.CharField(error_messages={"required": "Say why."})
    assert field.error_messages["required"] == "Say why."


def test_every_sentence_ends() -> None:
    assert all(sentence.endswith(".") for words in WORDS.values() for sentence in words.values())
