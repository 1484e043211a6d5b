"""The entry point for gunicorn: `gunicorn releaseflow.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
application = get_wsgi_application()
