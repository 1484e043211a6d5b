from deployments.models.application import Application, Repository
from deployments.models.deployment import Contained, Deferral, Deployment, ReleaseBranch
from deployments.models.draft import Draft
from deployments.models.pull_request import PullRequest, Review
from deployments.models.review import CodeReview, ReviewDecision
from deployments.models.week import ClosedDay, Milestone, ReleaseWeek, SchedulePolicy

__all__ = [
    "Application",
    "ClosedDay",
    "CodeReview",
    "Contained",
    "Deferral",
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
