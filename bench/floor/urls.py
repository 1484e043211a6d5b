"""One page: session sign-in, one indexed query of 50 rows, one template; three statements."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from bench.floor.models import Item


@login_required
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "floor/list.html", {"items": Item.objects.filter(week=7)[:50], "person": request.user})


urlpatterns = [path("", page)]
