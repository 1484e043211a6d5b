"""Addresses for calendars."""

from django.urls import URLPattern, path

from releaseflow.feeds import views

urlpatterns: list[URLPattern] = [
    path("me/calendars/", views.feeds, name="feeds"),
    path("feeds/<str:key>.ics", views.feed, name="feed"),
]
