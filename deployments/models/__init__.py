from deployments.models.application import Application, Repository
from deployments.models.deployment import Deferral, Deployment, ReleaseBranch
from deployments.models.draft import Draft
from deployments.models.pull_request import PullRequest, Review
from deployments.models.review import CodeReview, ReviewDecision
from deployments.models.week import ClosedDay, Milestone, ReleaseWeek, SchedulePolicy

__all__ = [
    "Application",
    "ClosedDay",
    "CodeReview",
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
