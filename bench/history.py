"""Years of finished deployments, each with its CRQ, pull request, approval and events, made by the database itself."""

from __future__ import annotations

from datetime import date
from math import ceil, isqrt

from django.db import connection

from deployments.models import ReleaseWeek
from tests.cast import Cast
from workflow import clock
from workflow.eastern import eastern_day

FIRST_NUMBER = 500_000_000_000  # far above the numbers that the application gives


def make(count: int, cast: Cast) -> None:
    """`count` verified deployments in weeks long past. PostgreSQL only."""
    applications = max(isqrt(count), 1)
    values: dict[str, int | str | date] = {
        "count": count,
        "applications": applications,
        "weeks": ceil(count / applications),
        "last": eastern_day(clock.now()),
        "team": cast.other_team.pk,
        "dev": cast.other_developer.pk,
        "manager": cast.other_manager.pk,
        "devops": cast.devops.pk,
        "number": FIRST_NUMBER,
    }
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")


def plan(count: int, cast: Cast, week: ReleaseWeek) -> None:
    """`count` deployments planned for this week, each with a CRQ and a pull request that nobody has approved."""
    values = {
        "count": count,
        "week": week.pk,
        "day": week.install_day,
        "team": cast.application.team_id,
        "dev": cast.developer.pk,
        "at": clock.now(),
        "number": FIRST_NUMBER * 2 - 10**11,
    }
    with connection.cursor() as cursor:
        for statement in PLANNED:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")


PLANNED = (
    """INSERT INTO deployments_application (name, team_id)
       SELECT 'Coming application ' || g, %(team)s FROM generate_series(1, %(count)s) g""",
    """INSERT INTO deployments_repository (application_id, name, forge, url, required_approvals)
       SELECT id, 'coming/' || id, 'github', 'https://github.com/coming/' || id, 1
       FROM deployments_application WHERE name LIKE 'Coming application %%'""",
    """INSERT INTO deployments_deployment (application_id, week_id, title, status, planned_at, planned_by_id,
           held_reason, core_dev_result, core_dev_build)
       SELECT id, %(week)s, 'Coming change ' || id, 'planned', %(at)s, %(dev)s, '', '', ''
       FROM deployments_application WHERE name LIKE 'Coming application %%'""",
    """INSERT INTO crq_crq (deployment_id, number, title, target_date, status, closure, opened_at, opened_by_id)
       SELECT id, 'CRQ' || (%(number)s + id), title, %(day)s, 'open', '', %(at)s, %(dev)s
       FROM deployments_deployment WHERE week_id = %(week)s""",
    """INSERT INTO deployments_pullrequest (repository_id, number, title, url, author_id, author_login, head_branch,
           head_sha, forge_state, checks, status, deployment_id, submitted_at, submitted_by_id)
       SELECT r.id, d.id, 'Pull request for ' || d.title, r.url || '/pull/' || d.id, %(dev)s, '', '',
           md5(d.id::text) || '00000000', 'open', '', 'planned', d.id, %(at)s, %(dev)s
       FROM deployments_deployment d JOIN deployments_repository r ON r.application_id = d.application_id
       WHERE d.week_id = %(week)s""",
)

STATEMENTS = (
    """INSERT INTO deployments_application (name, team_id)
       SELECT 'Past application ' || g, %(team)s FROM generate_series(1, %(applications)s) g""",
    """INSERT INTO deployments_repository (application_id, name, forge, url, required_approvals)
       SELECT id, 'past/' || id, 'github', 'https://github.com/past/' || id, 1
       FROM deployments_application WHERE name LIKE 'Past application %%'""",
    """INSERT INTO deployments_releaseweek (thursday, install_day, skip_reason, frozen, run_order)
       SELECT day, day, '', false, '[]'
       FROM (SELECT date_trunc('week', %(last)s::date)::date + 3 - 7 * (g + 20) AS day
             FROM generate_series(1, %(weeks)s) g) days""",
    """INSERT INTO deployments_deployment (application_id, week_id, title, status, planned_at, planned_by_id,
           held_reason, core_dev_result, core_dev_build, core_dev_at, core_dev_by_id, started_at, started_by_id,
           installed_at, installed_by_id, verified_at, verified_by_id)
       SELECT a.id, w.id, 'Change ' || a.id || ' of ' || w.thursday, 'verified', w.thursday - 8, %(dev)s, '',
           'success', 'build-1', w.thursday - 2, %(devops)s, w.thursday, %(devops)s, w.thursday, %(devops)s, w.thursday,
           %(dev)s
       FROM deployments_application a CROSS JOIN deployments_releaseweek w
       WHERE a.name LIKE 'Past application %%' AND w.thursday < %(last)s::date - 100
       LIMIT %(count)s""",
    """INSERT INTO crq_crq (deployment_id, number, title, target_date, status, closure, opened_at, opened_by_id)
       SELECT d.id, 'CRQ' || (%(number)s + d.id), d.title, w.thursday, 'closed', 'successful', d.planned_at, %(dev)s
       FROM deployments_deployment d JOIN deployments_releaseweek w ON w.id = d.week_id
       WHERE d.status = 'verified'""",
    """INSERT INTO deployments_pullrequest (repository_id, number, title, url, author_id, author_login, head_branch,
           head_sha, forge_state, checks, status, deployment_id, submitted_at, submitted_by_id)
       SELECT r.id, d.id, 'Pull request for ' || d.title, r.url || '/pull/' || d.id, %(dev)s, '', '',
           md5(d.id::text) || '00000000', 'merged', '', 'shipped', d.id, d.planned_at, %(dev)s
       FROM deployments_deployment d JOIN deployments_repository r ON r.application_id = d.application_id
       WHERE d.status = 'verified'""",
    """INSERT INTO crq_decision (crq_id, verdict, digest, opened_by_id, by_id, at, reason, voided_because)
       SELECT id, 'approved', md5(id::text) || md5(number), %(dev)s, %(manager)s, opened_at, '', ''
       FROM crq_crq WHERE status = 'closed'""",
    """INSERT INTO workflow_event (at, actor_id, action, object_type, object_id, subject, deployment_id, week, before,
           after, reason, data, shard, sequence, previous, hash)
       SELECT d.planned_at, %(dev)s, s.action, 'deployment', d.id, d.title, d.id, NULL, '', '', '', '{}',
           'deployment:' || d.id, s.sequence, md5(d.id::text) || md5(s.action), md5(s.action) || md5(d.id::text)
       FROM deployments_deployment d
       CROSS JOIN (VALUES ('plan', 1), ('start', 2), ('verify', 3)) AS s (action, sequence)
       WHERE d.status = 'verified'""",
)
