"""Pages of the connections to forges."""

from django.urls import URLPattern, path

from releaseflow.forges import views

urlpatterns: list[URLPattern] = [
    path("settings/forges/", views.forges, name="setting-forges"),
    path("settings/forges/people/", views.people, name="setting-forge-people"),
    path("settings/forges/<int:pk>/", views.forge, name="setting-forge"),
    path("settings/forges/<int:pk>/secret/", views.rotate, name="setting-forge-secret"),
    path("settings/forges/deliveries/<int:pk>/", views.delivery, name="setting-forge-delivery"),
]
