"""Pages of pull requests, of code reviews and of planning; and where forges deliver."""

from django.urls import URLPattern, path

from deployments.hooks.views import hook
from deployments.views import planning, pull_requests, reviews

urlpatterns: list[URLPattern] = [
    path("pull-requests/", pull_requests.index, name="pull-requests"),
    path("pull-requests/new/", pull_requests.new, name="new-pull-request"),
    path("pull-requests/<key:pk>/", pull_requests.pull_request, name="pull-request"),
    path("deployments/new/", planning.new_deployment, name="new-deployment"),
    path("deployments/new/<key:pk>/", planning.what, name="new-deployment-what"),
    path("deployments/new/<key:pk>/pull-requests/", planning.step_pull_requests, name="new-deployment-pull-requests"),
    path("deployments/new/<key:pk>/discard/", planning.discard, name="new-deployment-discard"),
    path("deployments/<key:pk>/pull-requests/", planning.pull_requests, name="deployment-pull-requests"),
    path("hooks/<code:key>/", hook, name="hook"),
    path("reviews/", reviews.index, name="reviews"),
    path("reviews/<key:pk>/", reviews.review, name="review"),
]
