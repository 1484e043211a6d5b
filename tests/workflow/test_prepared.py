"""A prepared query reads what its queryset would, with the values of each call."""

from datetime import date

import pytest
from django.db import connection
from django.db.models import CharField, DateField, F, QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from accounts.prepared import Prepared, Slot, among
from deployments.models import ReleaseWeek
from tests.cast import Cast
from tests.stages import a_week

pytestmark = pytest.mark.django_db


def of_teams() -> QuerySet[Membership]:
    return Membership.objects.filter(among("team", "teams")).select_related("user", "team").order_by("pk")


def test_rows_come_with_what_was_joined(cast: Cast) -> None:
    found = Prepared(of_teams)(teams=[cast.team.pk, cast.other_team.pk])

    with CaptureQueriesContext(connection) as captured:
        named = [(each.user.name, each.team.name) for each in found]
    assert named == [(each.user.name, each.team.name) for each in of_teams_of(cast.team, cast.other_team)]
    assert not captured.captured_queries


def of_teams_of(*teams: Team) -> QuerySet[Membership]:
    return Membership.objects.filter(team__in=teams).select_related("user", "team").order_by("pk")


def test_each_call_has_its_own_values(cast: Cast) -> None:
    prepared = Prepared(of_teams)

    first, second = prepared(teams=[cast.team.pk]), prepared(teams=[cast.other_team.pk])

    assert {each.team for each in first} == {cast.team}
    assert {each.team for each in second} == {cast.other_team}


def test_no_keys_find_nothing(cast: Cast) -> None:
    assert Prepared(of_teams)(teams=[]) == []


def test_one_is_the_only_row_or_an_error(cast: Cast) -> None:
    prepared = Prepared(lambda: Team.objects.filter(pk=Slot("team")))

    assert prepared.one(team=cast.team.pk) == cast.team
    with pytest.raises(Team.DoesNotExist, match="404"):
        prepared.one(team=404)


def test_it_is_compiled_once(cast: Cast) -> None:
    built = []

    def build() -> QuerySet[Membership]:
        built.append(1)
        return of_teams()

    prepared = Prepared(build)
    for _ in range(3):
        prepared(teams=[cast.team.pk])

    assert built == [1]


def test_it_reads_what_was_written_since(cast: Cast) -> None:
    prepared = Prepared(lambda: User.objects.filter(pk=Slot("key")))
    [before] = prepared(key=cast.manager.pk)
    User.objects.filter(pk=cast.manager.pk).update(first_name="Renamed")

    [after] = prepared(key=cast.manager.pk)

    assert (before.first_name, after.first_name) == (cast.manager.first_name, "Renamed")


def test_days_and_texts_are_written_for_the_database(cast: Cast) -> None:
    week = a_week(date(2026, 12, 10))
    days = Prepared(lambda: ReleaseWeek.objects.filter(thursday=Slot("day", DateField())))
    texts = Prepared(lambda: Team.objects.filter(name=Slot("name", CharField())))

    assert days(day=date(2026, 12, 10)) == [week]
    assert texts(name=cast.team.name) == [cast.team]
    assert not texts(name="' OR 1=1 --")


def test_parts_that_are_united_have_their_values_in_order(cast: Cast) -> None:
    one = User.objects.order_by().filter(pk=Slot("one")).values_list("pk", F("username"))
    other = User.objects.order_by().filter(pk=Slot("other")).values_list("pk", F("username"))

    found = Prepared(lambda: one.union(other, all=True))(one=cast.manager.pk, other=cast.developer.pk)

    assert sorted(found) == sorted((each.pk, each.username) for each in (cast.manager, cast.developer))


def test_lines_are_told_apart_by_their_columns_and_name_what_they_point_to(cast: Cast) -> None:
    prepared = Prepared(of_teams)
    lines = prepared.read(teams=[cast.team.pk, cast.other_team.pk])

    of_team = prepared.made(prepared.by("team_id", lines)[cast.other_team.pk])

    assert of_team == list(of_teams_of(cast.other_team))
    assert prepared.keys(Team, lines) == {cast.team.pk, cast.other_team.pk}
    assert prepared.keys(User, lines) == {each.user_id for each in of_teams_of(cast.team, cast.other_team)}
    assert [prepared.key(line) for line in lines] == [each.pk for each in prepared.made(lines)]
