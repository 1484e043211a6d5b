"""The adapters of other change systems, in the shapes that these document; what is wrong in their configuration.

ServiceNow: "Change Management API", "Table API" and "Attachment API" of www.servicenow.com/docs (API reference), and
"Client Credentials" of its platform security. BMC: "The platform REST API references" (BMC Helix ITSM 22.1), "Endpoints
in AR REST API" and "Overview of the REST API" (AR System) of docs.bmc.com.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from django.core.exceptions import ImproperlyConfigured
from responses import matchers

from crq.change_system import line
from crq.change_system.access import access
from crq.change_system.fields import DEFAULTS, fields
from crq.change_system.helix import Helix
from crq.change_system.line import Trouble
from crq.change_system.servicenow import ServiceNow
from crq.change_system.system import Change, ChangeSystem
from notifications.faults import Fault

OURS, KEY = "CRQ000000418012", "1c87925347c12300f6b6ab44e536cd2f"
URL = "https://change.example.com"
NORMAL = f"{URL}/api/sn_chg_rest/change/normal"
ENTRY = f"{URL}/api/arsys/v1/entry"
VALUES = {"short_description": "Expire idle sessions", "start_date": "2026-12-10 19:00:00"}


def given(kind: str, **more: str) -> dict[str, Any]:
    usual = {"url": URL, "user": "releaseflow", "password": "hunter2", "sign_in": "basic", "file": ""}
    return {"kind": kind} | usual | more


def service_now(**more: str) -> ServiceNow:
    found = access(**given("servicenow", **more))
    assert found
    return ServiceNow(found)


def helix() -> Helix:
    found = access(**given("helix"))
    assert found
    return Helix(found)


def sent(number: int = -1) -> Any:
    return json.loads(responses.calls[number].request.body or "")


def record(number: str, correlation: str = OURS) -> dict[str, Any]:
    """A change as the Table API has it with display values, and as the Change Management API answers."""
    both = {
        "sys_id": (KEY, KEY),
        "number": (number, number),
        "state": ("-5", "New"),
        "correlation_id": (correlation, correlation),
        "short_description": ("Expire idle sessions", "Expire idle sessions"),
        "start_date": ("2026-12-10 19:00:00", "10/12/2026 14:00:00"),
    }
    return {name: {"value": value, "display_value": shown} for name, (value, shown) in both.items()}


# --- ServiceNow ----------------------------------------------------------------------------------------------
@responses.activate
def test_servicenow_finds_a_change_by_our_number_or_by_its_own() -> None:
    found = [record("CHG0000007", "somebody's"), record("CHG0031234")]
    query = f"correlation_id={OURS}^ORnumber=CHG0000007^ORDERBYsys_created_on"
    responses.get(
        f"{URL}/api/now/table/change_request",
        json={"result": found},
        match=[matchers.query_param_matcher({"sysparm_query": query}, strict_match=False)],
    )

    change = service_now().find(OURS, "CHG0000007")

    assert change is not None
    assert (change.key, change.number, change.state) == (KEY, "CHG0031234", "New")
    assert change.says("start_date", "2026-12-10 19:00:00") == "2026-12-10 19:00:00"
    assert change.says("start_date", "2026-12-17 19:00:00") == "10/12/2026 14:00:00"
    assert responses.calls[0].request.headers["Authorization"] == "Basic cmVsZWFzZWZsb3c6aHVudGVyMg=="


@responses.activate
def test_servicenow_finds_none() -> None:
    responses.get(f"{URL}/api/now/table/change_request", json={"result": []})

    assert service_now().find(OURS, "") is None


@responses.activate
def test_servicenow_gets_a_normal_change_that_carries_our_number(tmp_path: Path) -> None:
    file = tmp_path / "fields.toml"
    file.write_text('[fixed]\ncategory = "Software"')
    responses.post(NORMAL, json={"result": record("CHG0031234")})

    assert service_now(file=str(file)).create(OURS, VALUES).number == "CHG0031234"
    assert sent() == {"category": "Software", "correlation_id": OURS, **VALUES}


@responses.activate
def test_servicenow_is_told_of_some_fields() -> None:
    responses.patch(f"{NORMAL}/{KEY}", json={"result": record("CHG0031234")})

    service_now().update(Change(KEY, "CHG0031234", "New"), OURS, {"start_date": "2026-12-17 19:00:00"})

    assert sent() == {"correlation_id": OURS, "start_date": "2026-12-17 19:00:00"}


@responses.activate
def test_servicenow_gets_files_and_tells_which_it_has() -> None:
    change = Change(KEY, "CHG0031234", "New")
    where = {"table_name": "change_request", "table_sys_id": KEY, "file_name": "plan v1 plan.pdf"}
    responses.post(
        f"{URL}/api/now/attachment/file", status=201, json={"result": {}}, match=[matchers.query_param_matcher(where)]
    )
    responses.get(f"{URL}/api/now/attachment", json={"result": [{"file_name": "plan v1 plan.pdf", "size_bytes": "4"}]})

    service_now().attach(change, "plan v1 plan.pdf", io.BytesIO(b"%PDF"))

    request = responses.calls[0].request
    assert (request.headers["Content-Type"], request.body) == ("application/pdf", b"%PDF")
    assert service_now().files(change) == {"plan v1 plan.pdf"}


@responses.activate
def test_servicenow_lets_a_client_in_once() -> None:
    responses.post(f"{URL}/oauth_token.do", json={"access_token": "t0k", "token_type": "Bearer", "expires_in": 1799})
    responses.get(f"{URL}/api/now/table/change_request", json={"result": []})
    system = service_now(sign_in="oauth")

    system.find(OURS, "")
    system.find(OURS, "")

    assert responses.calls[0].request.body == (
        "grant_type=client_credentials&client_id=releaseflow&client_secret=hunter2"
    )
    assert [call.request.headers.get("Authorization") for call in responses.calls] == [None, "Bearer t0k", "Bearer t0k"]


# --- BMC Helix -----------------------------------------------------------------------------------------------
def signed_in() -> None:
    responses.post(f"{URL}/api/jwt/login", body="eyJ.t0k.en")
    responses.post(f"{URL}/api/jwt/logout", status=204)


def entries(*numbers: str, form: str = "CHG%3AChangeInterface") -> None:
    found = [
        {
            "values": {
                "Infrastructure Change ID": number,
                "Change Request Status": "Draft",
                "Description": f"{OURS}: Expire idle sessions",
                "Scheduled Start Date": "2026-12-10T19:00:00.000+0000",
                "Detailed Description": None,
            },
            "_links": {"self": [{"href": f"{ENTRY}/CHG:ChangeInterface/{number}%7C{number}"}]},
        }
        for number in numbers
    ]
    responses.get(f"{ENTRY}/{form}", json={"entries": found, "_links": {}})


@responses.activate
def test_helix_finds_a_change_whose_summary_carries_our_number() -> None:
    signed_in()
    entries("CRQ000000000109")

    with helix() as system:
        change = system.find(OURS, "CRQ000000000109")

    assert change is not None
    assert (change.key, change.number) == ("CRQ000000000109|CRQ000000000109", "CRQ000000000109")
    assert change.state == "Draft"
    assert change.says("Detailed Description", "ours") == ""
    login, search, logout = (call.request for call in responses.calls)
    assert login.body == "username=releaseflow&password=hunter2"
    assert search.headers["Authorization"] == logout.headers["Authorization"] == "AR-JWT eyJ.t0k.en"
    assert search.params["q"] == (  # type: ignore[attr-defined]
        f"('Description' LIKE \"{OURS}%\") OR ('Infrastructure Change ID' = \"CRQ000000000109\")"
    )


@responses.activate
def test_helix_creates_by_its_form_and_reads_what_that_made() -> None:
    signed_in()
    responses.post(f"{ENTRY}/CHG%3AChangeInterface_Create", status=201)
    entries("CRQ000000000109")

    change = helix().create(OURS, {"Description": f"{OURS}: Expire idle sessions"})

    assert change.number == "CRQ000000000109"
    assert sent(1) == {"values": {"z1D_Action": "CREATE", "Description": f"{OURS}: Expire idle sessions"}}


@responses.activate
def test_helix_is_told_of_some_fields() -> None:
    signed_in()
    responses.put(f"{ENTRY}/CHG%3AChangeInterface/CRQ000000000109%7CCRQ000000000109", status=204)
    entries("CRQ000000000109")
    change = Change("CRQ000000000109|CRQ000000000109", "CRQ000000000109", "Draft")

    helix().update(change, OURS, {"Detailed Description": "More"})

    assert sent(1) == {"values": {"z1D_Action": "MODIFY", "Detailed Description": "More"}}


@responses.activate
def test_helix_gets_files_as_work_information() -> None:
    signed_in()
    responses.post(f"{ENTRY}/CHG%3AWorkLog", status=201)
    responses.get(f"{ENTRY}/CHG%3AWorkLog", json={"entries": [{"values": {"Description": "plan v1 plan.pdf"}}]})
    system, change = helix(), Change("a|a", "CRQ000000000109", "Draft")

    system.attach(change, "plan v1 plan.pdf", io.BytesIO(b"%PDF"))

    body = bytes(responses.calls[1].request.body).decode()  # type: ignore[arg-type]
    assert 'name="entry"\r\nContent-Type: application/json' in body
    assert '"Infrastructure Change ID": "CRQ000000000109"' in body
    assert 'name="attach-z2AF Work Log01"; filename="plan v1 plan.pdf"' in body
    assert system.files(change) == {"plan v1 plan.pdf"}


# --- What goes wrong -----------------------------------------------------------------------------------------
ERROR = {"error": {"message": "Operation Failed", "detail": "Insufficient rights"}, "status": "failure"}
AR_ERROR = [
    {"messageType": "ERROR", "messageText": "Required field", "messageAppendedText": "Company", "messageNumber": 9}
]


WRONG = {
    "bad request": (
        {"status": 400, "json": ERROR},
        Fault.FINAL,
        "answered 400: Operation Failed, Insufficient rights.",
    ),
    "AR error": ({"status": 500, "json": AR_ERROR}, Fault.LATER, "ServiceNow answered 500: Required field, Company."),
    "no reason": ({"status": 500, "body": "<html>"}, Fault.LATER, "ServiceNow answered 500."),
    "not let in": ({"status": 401}, Fault.SERVER, "ServiceNow does not accept our sign-in (401)."),
    "not allowed": ({"status": 403}, Fault.LATER, "ServiceNow answered 403."),
    "too much": ({"status": 429, "headers": {"Retry-After": "90"}}, Fault.SERVER, "asks us to come later (429)."),
    "moved": ({"status": 302, "headers": {"Location": "http://x"}}, Fault.SERVER, "has moved: set CHANGE_SYSTEM_URL"),
    "no JSON": ({"body": "{not json"}, Fault.LATER, "ServiceNow’s answer is not JSON"),
    "deep JSON": ({"body": "[" * 100_000}, Fault.LATER, "ServiceNow’s answer is not JSON"),
    "no result": ({"json": []}, Fault.LATER, "ServiceNow’s answer has no result"),
    "no list": ({"json": {"result": {"a": 1}}}, Fault.LATER, "ServiceNow’s answer is no list."),
    "no key": ({"json": {"result": [{"number": "CHG1"}]}}, Fault.LATER, "ServiceNow’s answer names no change."),
    "unreached": ({"body": requests.ConnectTimeout()}, Fault.SERVER, "ServiceNow cannot be reached."),
    "certificate": ({"body": requests.exceptions.SSLError()}, Fault.SERVER, "shows no certificate that is trusted."),
    "silent": ({"body": requests.ReadTimeout()}, Fault.LOST, "ServiceNow did not answer in time."),
    "reset": ({"body": requests.ConnectionError("reset")}, Fault.LOST, "ServiceNow broke the connection off."),
    "no name": (
        {"body": requests.ConnectionError("NewConnectionError")},
        Fault.SERVER,
        "ServiceNow cannot be reached.",
    ),
}


@pytest.mark.parametrize(("answer", "fault", "sentence"), WRONG.values(), ids=WRONG)
@responses.activate
def test_what_goes_wrong_is_a_sentence_and_somebodys_fault(answer: dict[str, Any], fault: Fault, sentence: str) -> None:
    responses.get(f"{URL}/api/now/table/change_request", **answer)

    with pytest.raises(Trouble) as raised:
        service_now().find(OURS, "")

    assert sentence in str(raised.value)
    assert (raised.value.fault, "hunter2" in str(raised.value)) == (fault, False)


@responses.activate
def test_an_answer_without_an_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "LARGEST", 1000)
    responses.get(f"{URL}/api/now/table/change_request", body=b"x" * 1001)

    with pytest.raises(Trouble, match="too long"):
        service_now().find(OURS, "")


@pytest.mark.parametrize("system", [service_now, helix])
@responses.activate
def test_an_address_that_nobody_answers_names_no_secret(system: Any) -> None:
    found: ChangeSystem = system()

    with pytest.raises(Trouble) as raised:
        found.find(OURS, "")

    assert "hunter2" not in f"{raised.value} {found.access!r}"


# --- Configuration -------------------------------------------------------------------------------------------
def test_manual_needs_nothing() -> None:
    assert access(kind="manual", url="", user="", password="", sign_in="basic", file="") is None


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"url": ""}, "CHANGE_SYSTEM_URL is not set, and CHANGE_SYSTEM=helix needs it."),
        ({"password": ""}, "CHANGE_SYSTEM_PASSWORD is not set, and CHANGE_SYSTEM=helix needs it."),
        ({"url": "http://change.example.com"}, "CHANGE_SYSTEM_URL must begin with https:// and end with the host."),
        ({"url": "https://me:secret@host"}, "CHANGE_SYSTEM_URL must begin with https:// and end with the host."),
        ({"url": "https://host/arsys"}, "CHANGE_SYSTEM_URL must begin with https:// and end with the host."),
        ({"url": "https://host:port"}, "CHANGE_SYSTEM_URL must begin with https:// and end with the host."),
        ({"sign_in": "oauth"}, "CHANGE_SYSTEM_SIGN_IN must be basic, because oauth is for ServiceNow alone."),
        ({"file": "/nowhere"}, "CHANGE_SYSTEM_FIELDS names a file that cannot be read: /nowhere."),
    ],
)
def test_what_is_wrong_with_the_access_is_a_sentence(more: dict[str, str], sentence: str) -> None:
    with pytest.raises(ImproperlyConfigured) as raised:
        access(**given("helix", **more))

    assert str(raised.value) == sentence


def test_the_file_says_which_field_gets_what(tmp_path: Path) -> None:
    file = tmp_path / "fields.toml"
    file.write_text(
        'correlation = "u_releaseflow"\n[fields]\nshort_description = { from = "summary", longest = 20 }\n'
        'u_team = "support_group"\n[fixed]\ncategory = "Software"'
    )

    found = fields("servicenow", str(file))

    texts = {"summary": "Expire idle sessions in the portal", "support_group": "Identity", "description": "Unused"}
    assert found.values(texts) == {"short_description": "Expire idle session…", "u_team": "Identity"}
    assert (found.correlation, found.fixed) == ("u_releaseflow", {"category": "Software"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[fields", "is no TOML: "),
        ("filds = 1", "knows correlation, [fields] and [fixed], not 'filds'."),
        ("fields = 1", "wants [fields] as a table."),
        ('[fields]\na = "sumary"', "'a' does not."),
        ('[fields]\na = { from = "summary", long = 3 }', "'a' does not."),
        (
            '[fields]\na = { from = "summary", longest = 3 }',
            "wants the longest of 'a' as a whole number of at least 20.",
        ),
        ('[fields]\na = { from = "summary", longest = true }', "wants the longest of 'a' as a whole number"),
        ("[fixed]\na = 1", "wants fixed.a as a text in quotes."),
        ('correlation = ""', "wants correlation as a text in quotes."),
        (
            'correlation = "a"\n[fields]\na = "summary"',
            "takes the correlation field 'a' from number or numbered_summary alone.",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fields.toml"
    file.write_text(text)

    with pytest.raises(ImproperlyConfigured, match=r"^The file of CHANGE_SYSTEM_FIELDS .*\.$") as raised:
        fields("helix", str(file))

    assert said in str(raised.value)


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_file_in_the_documentation_is_the_usual(kind: str) -> None:
    found = fields(kind, str(Path(__file__).parents[2] / "docs" / f"fields-{kind}.toml"))

    assert (found.correlation, found.mapped) == (DEFAULTS[kind].correlation, DEFAULTS[kind].mapped)
    assert found.fixed
