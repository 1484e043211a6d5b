"""The calendar, and the pages that change it."""

from django.urls import URLPattern, path

from deployments.views import schedule, week_schedule

urlpatterns: list[URLPattern] = [
    path("calendar/", schedule.calendar, name="calendar"),
    path("settings/schedule/", schedule.policy, name="schedule"),
    path("settings/closed-days/", schedule.closed_days, name="closed-days"),
    path("weeks/<date:thursday>/schedule/", week_schedule.week_schedule, name="week-schedule"),
]
