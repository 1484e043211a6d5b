"""Pages of people."""

from django.urls import URLPattern, path

from releaseflow.people import administrator_views, token_views, views

urlpatterns: list[URLPattern] = [
    path("me/", views.me, name="me"),
    path("me/emails/", views.emails, name="my-emails"),
    path("me/tokens/", token_views.tokens, name="tokens"),
    path("settings/people/", views.people, name="people"),
    path("settings/people/invite/", administrator_views.invite, name="invite"),
    path("settings/people/<key:pk>/", administrator_views.one, name="person"),
]
