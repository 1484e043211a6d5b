"""What an address names, or the page that says it is not there."""

from django.http import Http404

from crq.readiness import with_facts, with_number
from deployments.models import Deployment


def of_crq(number: str) -> Deployment:
    """The deployment of this CRQ with its facts; the number's case does not matter."""
    try:
        return with_number(number.upper())
    except Deployment.DoesNotExist as missing:
        raise Http404(str(missing)) from missing


def of_key(pk: int) -> Deployment:
    """The deployment with its facts."""
    for deployment in with_facts([pk]):
        return deployment
    raise Http404("There is no such deployment.")
