"""Pages of the channels that posts go to."""

from django.urls import URLPattern, path

from releaseflow.channels import views

urlpatterns: list[URLPattern] = [
    path("settings/channels/", views.channels, name="setting-channels"),
    path("settings/channels/<key:pk>/", views.channel, name="setting-channel"),
    path("settings/channels/<key:pk>/secret/", views.renew, name="setting-channel-secret"),
    path("settings/channels/posts/<key:pk>/", views.post, name="setting-channel-post"),
]
