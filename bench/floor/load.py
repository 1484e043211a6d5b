"""Fills the floor's database: `python -m bench.floor.load`. Prints the key of a session."""

from __future__ import annotations

import os
import sys
from datetime import date

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.floor.settings"
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from bench.floor.models import Item  # noqa: E402

ITEMS, WEEKS = 10_000, 100


def main() -> None:
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    user = User.objects.create_user("anita", password="a quiet harbour")  # noqa: S106 (a database that ends with the run)
    Item.objects.bulk_create(
        Item(
            number=f"CRQ{n:012d}",
            title=f"Change {n} of the admin portal",
            state="open",
            due=date(2026, 12, 8),
            week=n % WEEKS,
        )
        for n in range(ITEMS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    store = SessionStore()
    store[SESSION_KEY], store[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store.create()
    sys.stdout.write(str(store.session_key))


if __name__ == "__main__":
    main()
