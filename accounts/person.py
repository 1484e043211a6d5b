from typing import cast

from django.http import HttpRequest

from accounts.models import User


def person(request: HttpRequest) -> User:
    """Who asks. Every page behind the sign-in has somebody."""
    return cast(User, request.user)
