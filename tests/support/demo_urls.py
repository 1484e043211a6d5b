"""The application's addresses as they are with DEMO=1."""

from django.urls import include, path

from releaseflow.styleguide import styleguide
from releaseflow.urls import handler400, handler404, handler429, handler500
from releaseflow.urls import urlpatterns as always

__all__ = ["handler400", "handler404", "handler429", "handler500", "urlpatterns"]

urlpatterns = [
    *always,
    path("demo/", include("releaseflow.demo.urls")),
    path("styleguide/", styleguide, name="styleguide"),
]
