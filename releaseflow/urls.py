"""All addresses. Each app lists its own pages in its `urls.py`."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

import workflow.converters  # noqa: F401 (registers `date`, `key` and `code`)
from releaseflow.api.entry import entry
from releaseflow.api.reference import reference
from releaseflow.styleguide import styleguide
from releaseflow.views import approvals, board, home, preferences, search
from workflow.views import act

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.my_tasks, name="my-tasks"),
    path("approve/", approvals.approvals, name="approvals"),
    path("weeks/", home.weeks, name="weeks"),
    path("weeks/<date:thursday>/", board.board, name="week"),
    path("weeks/<date:thursday>/board.csv", board.board_csv, name="week-csv"),
    path("search/", search.search_page, name="search"),
    path("me/shortcuts/", preferences.shortcuts, name="shortcuts"),
    path("me/density/", preferences.density, name="density"),
    path("me/views/", preferences.save_view, name="save-view"),
    path("me/views/<key:pk>/delete/", preferences.delete_view, name="delete-view"),
    path("", include("crq.urls")),
    path("", include("crq.exemption_urls")),
    path("", include("deployments.urls")),
    path("", include("deployments.schedule_urls")),
    path("", include("releaseflow.people.urls")),
    path("", include("releaseflow.settings_pages.urls")),
    path("", include("releaseflow.forges.urls")),
    path("", include("releaseflow.channels.urls")),
    path("", include("releaseflow.feeds.urls")),
    path("", include("releaseflow.activity.urls")),
    path("api/docs/", reference, name="api-docs"),
    path("api/v1/<path:rest>", entry, name="api"),
    path("act/<str:flow_name>/<key:pk>/<str:action>/", act, name="act"),
    path("", include("releaseflow.signin.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("releaseflow.demo.urls")))
if settings.DEMO or settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))

handler400 = "releaseflow.errors.bad_request"
handler429 = "releaseflow.errors.too_many"
handler404 = "releaseflow.errors.not_found"
handler500 = "releaseflow.errors.server_error"
