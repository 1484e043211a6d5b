"""The application's addresses with the demonstration's, for pages whose clock is moved."""

from django.urls import include, path

from releaseflow.urls import urlpatterns as application

urlpatterns = [*application, path("demo/", include("releaseflow.demo.urls"))]
