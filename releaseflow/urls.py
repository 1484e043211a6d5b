"""All addresses. Each app lists its own pages in its `urls.py`."""

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, include, path

import workflow.converters  # noqa: F401 (registers `date`)
from releaseflow import views
from releaseflow.styleguide import styleguide
from workflow.views import act

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.my_tasks, name="my-tasks"),
    path("weeks/", views.weeks, name="weeks"),
    path("weeks/<date:thursday>/", views.board, name="week"),
    path("", include("crq.urls")),
    path("", include("crq.exemption_urls")),
    path("", include("deployments.urls")),
    path("", include("deployments.schedule_urls")),
    path("", include("releaseflow.people.urls")),
    path("", include("releaseflow.settings_pages.urls")),
    path("", include("releaseflow.activity.urls")),
    path("act/<str:flow_name>/<int:pk>/<str:action>/", act, name="act"),
    path("sign-in/", LoginView.as_view(template_name="registration/sign_in.html"), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("releaseflow.demo.urls")))
if settings.DEMO or settings.DEBUG:
    urlpatterns.append(path("styleguide/", styleguide, name="styleguide"))

handler400 = "releaseflow.errors.bad_request"
handler404 = "releaseflow.errors.not_found"
handler500 = "releaseflow.errors.server_error"
