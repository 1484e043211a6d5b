from deployments.models.application import Application, Repository
from deployments.models.deployment import Contained, Deferral, Deployment, ReleaseBranch
from deployments.models.draft import Draft
from deployments.models.hook import Check, Connection, Delivery
from deployments.models.pull_request import PullRequest, Review
from deployments.models.review import CodeReview, ReviewDecision
from deployments.models.week import ClosedDay, Milestone, ReleaseWeek, SchedulePolicy

__all__ = [
    "Application",
    "Check",
    "ClosedDay",
    "CodeReview",
    "Connection",
    "Contained",
    "Deferral",
    "Delivery",
    "Deployment",
    "Draft",
    "Milestone",
    "PullRequest",
    "ReleaseBranch",
    "ReleaseWeek",
    "Repository",
    "Review",
    "ReviewDecision",
    "SchedulePolicy",
]
