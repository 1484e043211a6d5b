from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from workflow.states import document


class Command(BaseCommand):
    help = "Writes docs/states.md from the flow tables; with --check only says whether it is up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        page = settings.BASE_DIR / "docs" / "states.md"
        text = document()
        if not check:
            page.write_text(text)
            self.stdout.write(f"Wrote {page.relative_to(settings.BASE_DIR)}.")
        elif not page.exists() or page.read_text() != text:
            raise CommandError("docs/states.md is stale. Run `manage.py document_states`.")
