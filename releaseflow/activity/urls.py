"""Pages of activity."""

from django.urls import URLPattern, path

from releaseflow.activity import views

urlpatterns: list[URLPattern] = [
    path("activity/", views.index, name="activity"),
    path("activity/<key:pk>/", views.event, name="event"),
    path("activity/activity.csv", views.download, {"kind": "csv"}, name="activity-csv"),
    path("activity/deployments.csv", views.population, name="population"),
    path("activity/activity.jsonl", views.download, {"kind": "jsonl"}, name="activity-jsonl"),
]
