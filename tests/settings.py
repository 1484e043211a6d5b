"""The application's own settings, with what a test run needs instead of the outside world.

TEST_DATABASE=postgres runs the suite on a PostgreSQL that the run starts for itself; otherwise it is SQLite in a file,
as `make demo` has it. Nothing is taken from the caller's environment or from a `.env` beside `manage.py`.
"""

import os

from tests.support import database
from tests.support.scratch import scratch

os.environ.update(
    {
        "SECRET_KEY": "only-for-tests-" + "x" * 50,
        "DATABASE_URL": database.url(),
        "DATABASE_CONN_MAX_AGE": "0",
        "VAR_DIR": str(scratch() / "var"),
        "DEMO": "0",
        "DEBUG": "0",
        "BEHIND_PROXY": "0",
        "SITE_URL": "http://testserver",
        "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
        "REDIS_URL": "",
        "EMAIL_URL": "memorymail://",
        "LOG_LEVEL": "WARNING",
        # The browser tests keep an event loop running in the thread that also uses the database.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
)

from releaseflow.settings import *  # noqa: F403
from releaseflow.settings import DATABASES, STORAGES, TEMPLATES

DATABASES["default"]["TEST"] = database.test_options()
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Manifest storage wants `collectstatic` first.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Nothing is collected for tests, and whitenoise warns about a folder that is not there.
WHITENOISE_AUTOREFRESH = True
# Coverage of templates needs to know where each piece of a page came from.
TEMPLATES[0]["OPTIONS"] = {**TEMPLATES[0]["OPTIONS"], "debug": True}  # type: ignore[dict-item]
