"""Pages that exist only with DEMO=1."""

from django.urls import URLPattern, path

from releaseflow.demo import views

urlpatterns: list[URLPattern] = [
    path("become/", views.become, name="demo-become"),
    path("clock/", views.move_clock, name="demo-clock"),
    path("mailbox/", views.mailbox, name="demo-mailbox"),
    path("mailbox/<key:pk>/", views.letter, name="demo-letter"),
]
