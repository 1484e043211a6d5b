"""Pages of people."""

from django.urls import URLPattern, path

from releaseflow.people import views

urlpatterns: list[URLPattern] = [
    path("me/", views.me, name="me"),
    path("me/emails/", views.emails, name="my-emails"),
    path("settings/people/", views.people, name="people"),
]
