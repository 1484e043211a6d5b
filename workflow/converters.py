"""Dates in addresses: `/weeks/2026-12-10/`."""

from datetime import date

from django.urls import register_converter


class DateConverter:
    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """Raises ValueError for a day that does not exist, which Django answers with 404."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DateConverter, "date")
