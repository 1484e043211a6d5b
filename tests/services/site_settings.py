"""The application's own settings for processes of a test, which have collected no files."""

from releaseflow.settings import *  # noqa: F403
from releaseflow.settings import STORAGES

STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True  # whitenoise warns about a folder that is not there
