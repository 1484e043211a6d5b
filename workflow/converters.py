"""Dates, keys and codes in addresses: `/weeks/2026-12-10/`, `/exemptions/7/`, `/crqs/CRQ000000418207/`."""

from datetime import date

from django.urls import register_converter
from django.urls.converters import IntConverter, StringConverter


class DateConverter:
    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """Raises ValueError for a day that does not exist, which Django answers with 404."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class KeyConverter(IntConverter):
    """The key of a row. More digits than any database keeps are an address of nothing: 404, before a query is tried."""

    regex = "[0-9]{1,18}"


class CodeConverter(StringConverter):
    """A CRQ's number, or the key of a connection. Letters and digits: PostgreSQL refuses to look for NUL at all."""

    regex = "[0-9A-Za-z]{1,40}"


register_converter(DateConverter, "date")
register_converter(CodeConverter, "code")
register_converter(KeyConverter, "key")
