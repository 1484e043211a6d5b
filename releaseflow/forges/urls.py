"""Pages of the connections to forges."""

from django.urls import URLPattern, path

from releaseflow.forges import views

urlpatterns: list[URLPattern] = [
    path("settings/forges/", views.forges, name="setting-forges"),
    path("settings/forges/people/", views.people, name="setting-forge-people"),
    path("settings/forges/<key:pk>/", views.forge, name="setting-forge"),
    path("settings/forges/<key:pk>/secret/", views.rotate, name="setting-forge-secret"),
    path("settings/forges/<key:pk>/token/", views.token, name="setting-forge-token"),
    path("settings/forges/deliveries/<key:pk>/", views.delivery, name="setting-forge-delivery"),
]
