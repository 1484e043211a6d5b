"""In which order the installations of a week run: DevOps moves one up or down."""

from __future__ import annotations

from deployments.models import Deployment, ReleaseWeek
from workflow.steps import Call, Refused

MOVES = {"up": -1, "down": 1}


def in_the_run(week: ReleaseWeek) -> list[Deployment]:
    """What is installed in the week, in its order."""
    return week.in_run_order(Deployment.objects.filter(week=week, status__in=Deployment.IN_THE_RUN))


def reorder(call: Call) -> None:
    """Given `deployment` (its key), the `place` that the page showed it at, and `to`: up or down."""
    week: ReleaseWeek = call.obj
    order = in_the_run(week)
    place = next((number for number, each in enumerate(order) if str(each.pk) == call.given["deployment"]), -1)
    if place < 0 or call.given["to"] not in MOVES:
        raise Refused.because("This deployment is not in the run of the week.")
    if str(place) != call.given["place"]:
        raise Refused.because("The order changed after you opened this page. Look again.", "done")
    other = place + MOVES[call.given["to"]]
    if not 0 <= other < len(order):
        raise Refused.because("It is at the end of the order already.")
    order[place], order[other] = order[other], order[place]
    week.run_order = [each.pk for each in order]
    call.note |= {"deployment": order[other].title, "place": other + 1}
