"""The entry point for gunicorn: `gunicorn releaseflow.wsgi --preload`, whose processes share what is loaded here."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseflow.settings")
application = get_wsgi_application()

# What is loaded now stays until the end, so the garbage collector need not look at it again; and a page of hundreds of
# rows makes tens of thousands of objects that end with it. With Python's own settings a quarter of its time went there.
get_resolver().url_patterns  # noqa: B018 (loads the views)
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
