"""Dates and keys in addresses: `/weeks/2026-12-10/`, `/exemptions/7/`."""

from datetime import date

from django.urls import register_converter
from django.urls.converters import IntConverter


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


register_converter(DateConverter, "date")
register_converter(KeyConverter, "key")
