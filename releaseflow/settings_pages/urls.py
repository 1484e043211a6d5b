"""Pages of the settings."""

from django.urls import URLPattern, path

from releaseflow.settings_pages import views

urlpatterns: list[URLPattern] = [
    path("settings/", views.overview, name="settings"),
    path("settings/applications/", views.applications, name="setting-applications"),
    path("settings/applications/<key:pk>/", views.application, name="setting-application"),
    path("settings/repositories/<key:pk>/", views.repository, name="setting-repository"),
    path("settings/teams/", views.teams, name="setting-teams"),
    path("settings/teams/<key:pk>/", views.team, name="setting-team"),
    path("settings/recipients/", views.recipients, name="setting-recipients"),
]
