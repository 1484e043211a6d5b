"""The application's addresses as they are with DEMO=1."""

from django.urls import include, path

from releaseflow.styleguide import styleguide
from releaseflow.urls import urlpatterns as always

urlpatterns = [
    *always,
    path("demo/", include("releaseflow.demo.urls")),
    path("styleguide/", styleguide, name="styleguide"),
]
