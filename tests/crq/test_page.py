"""The page of a deployment and its CRQ: what each role sees and can do there."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crq.models import CRQ, Document
from crq.readiness import Facts
from deployments.models import Deployment
from tests.stages import PDF, Stage, moment
from workflow import clock

HOSTILE = "<script>alert(1)</script>"


def upload(name: str = "results.pdf", content: bytes = PDF) -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile(name, content)}


def test_the_manager_decides_on_the_page(stage: Stage, client: Client) -> None:
    crq = stage.ready().crq
    client.force_login(stage.cast.manager)
    page = client.get(crq.get_absolute_url()).content.decode()

    assert "Ready for your decision" in page
    client.post(f"/act/crq/{crq.pk}/approve/", {"next": crq.get_absolute_url()})
    assert CRQ.objects.get().status == CRQ.Status.OPEN  # nobody approves what they have not seen
    client.post(f"/act/crq/{crq.pk}/approve/", {"digest": Facts.fresh(crq.deployment).digest})
    assert CRQ.objects.get().status == CRQ.Status.APPROVED


def test_who_opened_it_reads_why_someone_else_must_approve(stage: Stage, client: Client) -> None:
    crq = stage.ready().crq
    CRQ.objects.update(opened_by=stage.cast.manager)
    client.force_login(stage.cast.manager)

    page = client.get(crq.get_absolute_url()).content.decode()

    assert "You opened this CRQ, so someone else must approve it. Samuel Ortiz can." in page


@pytest.mark.parametrize("name", ["developer", "devops", "scrum_master", "director", "other_manager", "outsider"])
def test_everyone_may_read_and_only_the_manager_approves(stage: Stage, client: Client, name: str) -> None:
    crq = stage.ready().crq
    client.force_login(getattr(stage.cast, name))

    assert client.get(crq.get_absolute_url()).status_code == 200
    client.post(f"/act/crq/{crq.pk}/approve/")
    assert CRQ.objects.get().status == CRQ.Status.OPEN


def test_a_number_is_given_or_pasted(stage: Stage, client: Client) -> None:
    deployment = stage.planned()
    client.force_login(stage.cast.developer)
    url = f"/deployments/{deployment.pk}/crq/"

    wrong = client.post(url, {"number": "CRQ12", "title": "Session timeout"})
    assert wrong.status_code == 422
    assert "CRQ followed by 12 digits" in wrong.content.decode()
    client.post(url, {"number": " crq000000418207 ", "title": "Session timeout"})
    assert CRQ.objects.get().number == "CRQ000000418207"
    again = client.post(url, {"number": "", "title": "Session timeout"})
    assert again.status_code == 422
    assert "has its CRQ already" in again.content.decode()


def test_versions_of_a_document_stay_reachable(stage: Stage, client: Client) -> None:
    crq = stage.with_crq().crq
    client.force_login(stage.cast.developer)
    url = f"/crqs/{crq.number}/attach/tests/"
    client.post(url, upload())
    client.post(url, upload(content=PDF + b"newer"))

    same = client.post(url, upload(content=PDF + b"newer"))

    assert same.status_code == 422
    assert "same file as version 2" in same.content.decode()
    assert list(Document.objects.values_list("version", flat=True)) == [2, 1]
    for document in Document.objects.all():
        answer = client.get(document.get_absolute_url())
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert b"".join(answer).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.pdf", b"", "This file is empty"),
        ("page.html", b"<html>", "cannot be attached"),
        ("page.pdf", b"<html>", "not what its name says"),
        ("notes.txt", b"<script>", "not what its name says"),
        ("tool.exe", b"MZ", "cannot be attached"),
    ],
)
def test_unwelcome_files_are_refused_with_a_sentence(
    stage: Stage, client: Client, name: str, content: bytes, sentence: str
) -> None:
    crq = stage.with_crq().crq
    client.force_login(stage.cast.developer)

    answer = client.post(f"/crqs/{crq.number}/attach/tests/", upload(name, content))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Document.objects.exists()


def test_a_file_over_the_limit_is_refused(stage: Stage, client: Client, settings: object) -> None:
    settings.DOCUMENT_MAX_BYTES = 1024 * 1024  # type: ignore[attr-defined]
    crq = stage.with_crq().crq
    client.force_login(stage.cast.developer)

    answer = client.post(f"/crqs/{crq.number}/attach/tests/", upload(content=PDF + b"x" * 1024 * 1024))

    assert "The limit is 1 MB" in answer.content.decode()


def test_file_names_lose_folders_and_control_characters(stage: Stage, client: Client) -> None:
    crq = stage.with_crq().crq
    client.force_login(stage.cast.developer)
    client.post(f"/crqs/{crq.number}/attach/tests/", upload("..\\..\\re\u202esu\rlts" + "x" * 300 + ".pdf"))

    name = Document.objects.get().name

    assert name.startswith("resu")
    assert name.endswith(".pdf")
    assert len(name) <= 150
    assert name.isprintable()


def test_branch_and_core_dev_are_one_form(stage: Stage, client: Client) -> None:
    deployment = stage.with_crq()
    client.force_login(stage.cast.devops)
    url = f"/deployments/{deployment.pk}/merge/"
    branch = f"branch_{stage.cast.repository.pk}"

    assert client.post(url, {branch: "", "result": "success", "build": ""}).status_code == 422
    client.post(url, {branch: "release/2026-12-10", "result": "success", "build": "build-7"})
    deployment = stage.fresh(deployment)
    assert deployment.branches.get().name == "release/2026-12-10"
    assert deployment.core_dev_build == "build-7"


def test_titles_are_never_markup(stage: Stage, client: Client) -> None:
    Deployment.objects.filter(pk=stage.ready().pk).update(title=HOSTILE)
    client.force_login(stage.cast.manager)

    for path in ("/", stage.week.get_absolute_url(), CRQ.objects.get().get_absolute_url(), "/crqs/"):
        assert HOSTILE not in client.get(path).content.decode(), path


@pytest.mark.parametrize("rows", [1, 3])
def test_queries_of_the_page(stage: Stage, client: Client, django_assert_num_queries: object, rows: int) -> None:
    deployment = stage.ready()
    for number in range(rows - 1):
        stage.attach(deployment.crq, "tests", f"version {number}".encode())
        stage.attach(deployment.crq, "plan", f"version {number}".encode())
    client.force_login(stage.cast.manager)
    client.get("/crqs/")

    with django_assert_num_queries(17):  # type: ignore[operator]
        client.get(deployment.crq.get_absolute_url())


@pytest.mark.parametrize("path", ["approve", "return"])
def test_a_link_never_acts(stage: Stage, client: Client, path: str) -> None:
    crq = stage.ready().crq
    client.force_login(stage.cast.manager)

    assert client.get(f"/act/crq/{crq.pk}/{path}/").status_code == 405


@pytest.mark.parametrize("path", ["void", "close", "attach_tests", "open", "nonsense"])
def test_what_is_no_button_is_not_found_or_refused(stage: Stage, client: Client, path: str) -> None:
    crq = stage.cleared().crq
    client.force_login(stage.cast.manager)

    answer = client.post(f"/act/crq/{crq.pk}/{path}/")

    assert answer.status_code in {302, 404}
    assert CRQ.objects.get().status == CRQ.Status.APPROVED


def test_an_approval_after_the_deadline_says_so(stage: Stage, client: Client) -> None:
    crq = stage.ready().crq
    client.force_login(stage.cast.manager)
    with clock.frozen(moment(stage.week, "approval", seconds=1)):
        answer = client.post(f"/act/crq/{crq.pk}/approve/", {"next": crq.get_absolute_url()}, follow=True)

    assert "Approval was due Tue Dec 8" in answer.content.decode()
    assert Deployment.objects.get().status == Deployment.Status.HELD
