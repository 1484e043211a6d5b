"""What people note of a CRQ that is in another change system as well: its number there, and the files there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from crq.change_system.by_hand import FILE, NUMBER
from crq.evidence import record
from crq.flow import CRQ_FLOW
from crq.models import CRQ, AttachedThere, Document, NumberThere
from crq.readiness import with_facts
from crq.timeline import timeline
from releaseflow.search import exact, search
from tests.stages import PDF, Stage
from workflow import clock
from workflow.machine import begin, perform
from workflow.steps import Refused

TIMEOUT = "CHG0031234"


def note(crq: CRQ, number: str, by: User) -> NumberThere:
    found: NumberThere = begin(NUMBER, "note", NumberThere(crq=crq, number=number), by=by)
    return found


def mark(document: Document, by: User) -> AttachedThere:
    found: AttachedThere = begin(FILE, "mark", AttachedThere(document=document), by=by)
    return found


def address(crq: CRQ) -> str:
    return reverse("crq-number-there", args=[crq.number])


def said(stage: Stage, crq: CRQ) -> list[str]:
    entries, _ = timeline(stage.fresh(crq.deployment))
    return [f"{each.who} {each.text}" for each in entries if "another change system" in each.text]


@pytest.fixture
def developer(client: Client, stage: Stage) -> Client:
    client.force_login(stage.cast.developer)
    return client


# --- The number -----------------------------------------------------------------------------------------------
def test_a_number_is_typed_in_and_shown_on_both_pages(developer: Client, stage: Stage) -> None:
    crq = stage.with_crq().crq

    answer = developer.post(address(crq), {"number": f" {TIMEOUT.lower()} "}, follow=True)

    assert answer.redirect_chain == [(reverse("crq-text", args=[crq.number]), 302)]
    assert f"{crq.number} is {TIMEOUT} there. Noted by Hannah Cole" in " ".join(answer.text.split())
    assert ("In another change system", TIMEOUT) in [
        each[:2] for each in developer.get(crq.get_absolute_url()).context["page"].facts[0]
    ]


def test_a_second_number_takes_the_place_of_the_first(stage: Stage) -> None:
    crq, by = stage.with_crq().crq, stage.cast.developer
    note(crq, "CHG0031233", by)

    note(crq, TIMEOUT, stage.cast.devops)

    assert list(NumberThere.objects.values_list("number", "by")) == [(TIMEOUT, stage.cast.devops.pk)]
    assert said(stage, crq) == [
        "Hannah Cole noted its number in another change system: CHG0031233",
        f"Grace Okafor noted its number in another change system: {TIMEOUT}",
    ]


def test_a_number_is_removed_and_the_story_keeps_it(stage: Stage) -> None:
    crq, by = stage.with_crq().crq, stage.cast.developer

    perform(NUMBER, "forget", note(crq, TIMEOUT, by), by=by)

    assert not NumberThere.objects.exists()
    assert said(stage, crq)[-1] == f"Hannah Cole removed its number in another change system: {TIMEOUT}"


@pytest.mark.parametrize("typed", ["", "12", "CHG 003", "-CHG0031234", "C" * 41, "CHG0031234\x00", "<b>CHG1</b>"])
def test_what_is_no_number_is_asked_for_again(developer: Client, stage: Stage, typed: str) -> None:
    answer = developer.post(address(stage.with_crq().crq), {"number": typed})

    assert answer.status_code == 422
    assert answer.context["form"].errors["number"]
    assert not NumberThere.objects.exists()


def test_one_number_is_noted_for_one_crq(developer: Client, stage: Stage) -> None:
    first, second = stage.with_crq().crq, stage.beside().with_crq().crq
    note(first, TIMEOUT, stage.cast.developer)

    answer = developer.post(address(second), {"number": TIMEOUT})

    assert answer.status_code == 422
    sentence = f"{TIMEOUT} is noted for {first.number} here. Look at the number again."
    assert answer.context["form"].errors["number"] == [sentence]
    assert answer.context["form"]["number"].value() == TIMEOUT


def test_the_number_of_another_crq_here_is_refused_and_its_own_is_not(stage: Stage) -> None:
    first, second = stage.with_crq().crq, stage.beside().with_crq().crq

    with pytest.raises(Refused, match="is the number of another CRQ here"):
        note(first, second.number, stage.cast.developer)

    assert note(first, first.number, stage.cast.developer).number == first.number


def test_the_database_lets_a_number_in_once_and_only_as_one(stage: Stage) -> None:
    first, second = stage.with_crq().crq, stage.beside().with_crq().crq
    rest: dict[str, Any] = {"by": stage.cast.developer, "at": clock.now()}
    NumberThere.objects.create(crq=first, number=TIMEOUT, **rest)

    for number in (TIMEOUT, "chg 1"):
        with pytest.raises(IntegrityError), transaction.atomic():
            NumberThere.objects.create(crq=second, number=number, **rest)


def test_nothing_of_ours_changes_by_it(stage: Stage) -> None:
    crq = stage.cleared().crq
    before = [CRQ.objects.values().get(pk=crq.pk), stage.fresh(crq.deployment).status]

    note(crq, TIMEOUT, stage.cast.developer)
    mark(crq.documents.earliest("pk"), stage.cast.developer)

    assert [CRQ.objects.values().get(pk=crq.pk), stage.fresh(crq.deployment).status] == before


def test_the_search_finds_it(developer: Client, stage: Stage) -> None:
    crq, by = stage.with_crq().crq, stage.cast.developer
    note(crq, TIMEOUT, by)

    assert exact(TIMEOUT.lower()) == crq.get_absolute_url()
    [group] = search("0031234", by=by, now=clock.now()).groups
    assert [hit.url for hit in group.hits] == [crq.get_absolute_url()]
    assert crq.number in developer.get(reverse("crqs"), {"q": "chg003"}).text


# --- The files ------------------------------------------------------------------------------------------------
def test_a_file_is_marked_and_the_notice_takes_it_back(developer: Client, stage: Stage) -> None:
    crq = stage.cleared().crq
    document = crq.documents.get(kind="plan")

    answer = developer.post(reverse("attached-there", args=[crq.number, document.pk]), follow=True)

    assert AttachedThere.objects.get().document == document
    assert "attached there by Hannah Cole" in answer.text
    [notice] = answer.context["messages"]
    developer.post(notice.extra_tags)
    assert not AttachedThere.objects.exists()
    assert [each.split(", ", 1)[1] for each in said(stage, crq)] == [
        "version 1, in another change system",
        "version 1, is not in another change system",
    ]


def test_a_file_is_marked_once(stage: Stage) -> None:
    document = stage.cleared().crq.documents.earliest("pk")
    mark(document, stage.cast.developer)

    with pytest.raises(Refused, match="marked as attached there already"):
        mark(document, stage.cast.devops)


def test_a_newer_version_is_not_there(developer: Client, stage: Stage) -> None:
    crq = stage.cleared().crq
    mark(crq.documents.get(kind="plan"), stage.cast.devops)
    file = SimpleUploadedFile("plan.pdf", PDF + b"second")
    perform(CRQ_FLOW, "attach_plan", crq, by=stage.cast.devops, kind="plan", file=file, name="plan.pdf")

    answer = developer.get(reverse("crq-text", args=[crq.number]))

    files = {each.label: (each.version, each.mark, each.older) for each in answer.context["there"].files}
    assert files["Install and backout plan"] == (2, None, 1)
    assert "version 1 is there, this one is not" in answer.text


@pytest.mark.parametrize("who", ["developer", "director"])
def test_statements_of_the_page_are_as_many_for_each_number_of_files(
    client: Client, stage: Stage, django_assert_num_queries: Any, who: str
) -> None:
    client.force_login(getattr(stage.cast, who))
    one, three = stage.attach(stage.with_crq().crq, "tests"), stage.beside().cleared().crq
    for crq in (one, three):
        with django_assert_num_queries({"developer": 14, "director": 18}[who]):  # who may do it is told to others
            client.get(reverse("crq-text", args=[crq.number]))


def test_who_may_note_nothing_reads_why_once(client: Client, stage: Stage) -> None:
    crq = stage.cleared().crq
    mark(crq.documents.earliest("pk"), stage.cast.devops)
    client.force_login(stage.cast.director)

    found = client.get(reverse("crq-text", args=[crq.number])).context["there"]

    assert [each.enabled for each in found.acts] == [False]
    assert found.acts[0].why_not.startswith("Only the Dev Team")
    assert [each.act for each in found.files] == [None] * 3


def test_the_evidence_has_both(stage: Stage) -> None:
    crq = stage.cleared().crq
    document = crq.documents.earliest("pk")
    note(crq, TIMEOUT, stage.cast.developer)
    mark(document, stage.cast.devops)

    [deployment] = with_facts([crq.deployment_id])
    found = record(deployment)["in_another_change_system"]

    assert (found["number"]["number"], found["number"]["by"]) == (TIMEOUT, "Hannah Cole")
    assert [(each["document_id"], each["by"]) for each in found["documents"]] == [(document.pk, "Grace Okafor")]
