"""What forms say about wrong input, in the product's words instead of Django's. Installed once, for every form."""

from __future__ import annotations

from django.core import validators
from django.forms import fields, models

WORDS: dict[type[fields.Field], dict[str, str]] = {
    fields.Field: {"required": "Fill this in."},
    fields.IntegerField: {"invalid": "Give a whole number."},
    fields.DateField: {"invalid": "Give a date, such as 2026-12-10."},
    fields.TimeField: {"invalid": "Give a time, such as 14:00."},
    fields.DateTimeField: {"invalid": "Give a date and a time."},
    fields.URLField: {"invalid": "Give the full address, beginning with https://."},
    fields.FileField: {
        "required": "Choose a file first.",
        "invalid": "No file came along. Choose it again.",
        "missing": "No file came along. Choose it again.",
        "empty": "This file is empty.",
        "max_length": "The name of this file has %(length)d characters. At most %(max)d are kept.",
    },
    fields.ChoiceField: {"required": "Choose one.", "invalid_choice": "That is no longer offered. Choose again."},
    fields.MultipleChoiceField: {
        "invalid_choice": "One of these is no longer offered. Choose again.",
        "invalid_list": "Choose again.",
    },
    fields.SplitDateTimeField: {"invalid_date": "Give a date.", "invalid_time": "Give a time, such as 14:00."},
    models.ModelChoiceField: {"required": "Choose one.", "invalid_choice": "That is no longer there. Choose again."},
    models.ModelMultipleChoiceField: {
        "invalid_list": "Choose again.",
        "invalid_choice": "One of these is no longer there. Choose again.",
        "invalid_pk_value": "One of these is no longer there. Choose again.",
    },
}
VALIDATORS: dict[type[validators.BaseValidator], str] = {
    validators.MaxLengthValidator: "This has %(show_value)d characters. At most %(limit_value)d are kept.",
    validators.MinLengthValidator: "This has %(show_value)d characters. At least %(limit_value)d are needed.",
    validators.MaxValueValidator: "Give at most %(limit_value)s.",
    validators.MinValueValidator: "Give at least %(limit_value)s.",
}
NO_NUL = "Leave out the null characters: no database keeps them."


def install() -> None:
    """Changes the messages that fields and validators begin with; what a form says of its own goes before them."""
    for field, words in WORDS.items():
        field.default_error_messages = {**field.__dict__.get("default_error_messages", {}), **words}
    for validator, sentence in VALIDATORS.items():
        validator.message = sentence
    validators.ProhibitNullCharactersValidator.message = NO_NUL
    validators.EmailValidator.message = "Give an e-mail address, such as hannah@example.com."
