"""Pages of exemptions and of the deadlines' snapshots."""

from django.urls import URLPattern, path

from crq.views import exemptions, snapshots

urlpatterns: list[URLPattern] = [
    path("crqs/<code:number>/exemption/", exemptions.ask, name="ask-exemption"),
    path("exemptions/", exemptions.index, name="exemptions"),
    path("exemptions/<key:pk>/", exemptions.exemption, name="exemption"),
    path("weeks/<date:thursday>/snapshots/", snapshots.snapshots, name="snapshots"),
]
