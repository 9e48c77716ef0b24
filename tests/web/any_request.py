"""Requests at random: addresses, queries, headers and bodies near what the gateway reads, and far from it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.web.conftest import a_referral

NAME = "Zanzibarovna"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ljuba",
    "identifier": [{"system": "http://hospital.example/mrn", "value": "MRN-7"}],
    "name": [{"family": NAME, "given": ["Ljuba"]}],
    "gender": "female",
    "birthDate": "1984-05-06",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ljuba Zanzibarovna</div>'},
}
TEAM: dict[str, Any] = {
    "resourceType": "CareTeam",
    "id": "team",
    "status": "active",
    "name": NAME,
    "subject": {"reference": "Patient/ljuba"},
    "participant": [{"member": {"reference": "Patient/ljuba"}, "period": {"start": "2026-01-01"}}],
}
_PUT = {"fullUrl": "urn:uuid:1", "resource": PATIENT, "request": {"method": "PUT", "url": "Patient/ljuba"}}
_POST = {
    "resource": {**TEAM, "subject": {"reference": "urn:uuid:1"}},
    "request": {"method": "POST", "url": "CareTeam", "ifNoneExist": "patient=Patient/ljuba"},
}
_GET = {"request": {"method": "GET", "url": f"Patient?name={NAME}"}}
BUNDLE: dict[str, Any] = {"resourceType": "Bundle", "type": "transaction", "entry": [_PUT, _POST, _GET]}
PARAMETERS = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": PATIENT}]}
SENT: list[tuple[str, dict[str, Any]]] = [
    ("/fhir/Patient", PATIENT),
    ("/fhir/Patient/ljuba", PATIENT),
    ("/fhir/CareTeam/team", TEAM),
    ("/fhir", BUNDLE),
    ("/fhir", {**BUNDLE, "type": "batch"}),
    ("/fhir/Patient/$validate", PARAMETERS),
    ("/referrals", a_referral()),
    ("/fhir/$convert", a_referral()),
]
"""Sound documents and where they go."""

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([NAME, "", " ", "\x00", "\ud7ff", "Patient/", "urn:uuid:1", "#", "../x", "2026-02-30", "%", "*"]),
    st.sampled_from([[], {}, [[]], [{}], {"reference": f"Patient/{NAME}"}, {"extension": [{"url": NAME}]}]),
)
PLACES = """/fhir /fhir/ /fhir/metadata /fhir/Patient /fhir/CareTeam /fhir/Patient/ljuba /fhir/CareTeam/team /fhir/Task
/fhir/Patient/ljuba/_history /fhir/Patient/ljuba/_history/1 /fhir/Patient/_search /fhir/CareTeam/_search /fhir/$convert
/fhir/Patient/$validate /fhir/Patient/ljuba/$validate /referrals /care-plans /care-teams /referral-changes /health/live
/files/kaiser/referral /files/x/referral /health/ready /fhir/Subscription /fhir/Bundle""".split()
WORDS = f"""{NAME} Patient CareTeam Task Nonsense ljuba team $validate $convert _history _search 1 0 99999999999 1\u0665
%00 %ff %2e%2e .. metadata kaiser referral care-team \u00e9 {"x" * 65}""".split()
PATHS = st.sampled_from(PLACES) | st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=5).map(
    lambda parts: "/fhir/" + "/".join(parts).replace("?", "%3F")
)
CODES = f"""name name:exact name:contains name:missing identifier birthdate patient patient.name participant _id _sort
_lastUpdated _has:CareTeam:patient:status _include _include:iterate _revinclude _page _summary _elements _total _format
_pretty _profile _tag _filter _content status kind partner profile patient:Patient subject:identifier {NAME} category
date _count organization.name general-practitioner:Practitioner.name phone:of-type identifier:of-type""".split()
VALUES = f"""{NAME} ljuba Patient/ljuba | a|b|c http://x|y ge2026 gt2026-13 2026-02-29 true 0 -1 {"9" * 30} xml html
CareTeam:patient * Patient:general-practitioner:Practitioner name,-birthdate json a\\,b \\ $ , ,, count referral kaiser
W/"1" nonsense eq1e9999 2026-01-01T00:00:00+99:00 0001-01-01 9999-12-31 ap0001""".split()
PAIRS = st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(VALUES) | st.text(max_size=10)), max_size=3)
FHIR = "application/fhir+json"
MEDIA = [
    FHIR,
    "application/json",
    "text/csv",
    "application/x-www-form-urlencoded",
    "application/fhir+xml",
    NAME,
    "",
    ";",
]
TAGS = st.sampled_from(['W/"1"', 'W/"2"', '"1"', "*", "1", 'W/""', 'W/"9999999999"', 'W/"1", W/"2"', NAME, ""])
DATES = ["Mon, 02 Mar 2026 09:30:00 GMT", "yesterday", "", NAME, "Mon, 99 Mar 99999 09:30:00 GMT"]
HEADERS: dict[str, st.SearchStrategy[str]] = {
    "Content-Type": st.sampled_from([*MEDIA, f"{FHIR};charset=utf-8", f"{FHIR};charset=x", 'a/b;c="']),
    "Accept": st.sampled_from([FHIR, "text/html", "*/*", "application/fhir+xml", ";", NAME, "a/b;q=x", ""]),
    "If-Match": TAGS,
    "If-None-Match": TAGS,
    "If-Modified-Since": st.sampled_from(DATES),
    "If-None-Exist": st.sampled_from(
        [f"name={NAME}", "?identifier=a|b", "", "&&", "x=1", "%ff", "_id=ljuba", "_count=1"]
    ),
    "Prefer": st.sampled_from(["return=minimal", "return=OperationOutcome", "handling=lenient", ";=,", NAME]),
    "Content-Encoding": st.sampled_from(["gzip", "identity", "br", ""]),
    "X-Request-Id": st.sampled_from([NAME, f"{NAME}.Ljuba-1984", "", "a" * 65, "90000123A", "\u00e9"]),
    "Host": st.sampled_from(["evil.example", f"{NAME}.example", "127.0.0.1:1"]),
    "X-Forwarded-Host": st.just(f"{NAME}.example"),
    "Range": st.just("bytes=0-1"),
    "Expect": st.just("100-continue"),
}


@dataclass(frozen=True)
class Request:
    """One request to be sent."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A sound document with up to three things changed sent to where it goes, or anything sent anywhere."""
    headers = draw(st.fixed_dictionaries({}, optional=HEADERS))
    query = draw(PAIRS)
    if draw(st.booleans()):
        path, document = draw(st.sampled_from(SENT))
        method = "PUT" if path.endswith(("/ljuba", "/team")) else "POST"
        for name in ("Content-Type", "Content-Encoding", "Accept"):
            headers.pop(name, None)
        headers["Content-Type"] = "application/json"
        if draw(st.booleans()):
            headers = {"Content-Type": "application/json"}
            query = []
        return Request(method, path, query, headers, _changed(document, draw))
    method = draw(
        st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", NAME.upper()])
    )
    return Request(method, draw(PATHS), query, headers, draw(_noise()))


def _noise() -> st.SearchStrategy[bytes]:
    form = st.tuples(st.sampled_from(CODES), st.sampled_from(VALUES)).map(lambda pair: "=".join(pair).encode())
    text = st.text(max_size=40).map(str.encode)
    return st.just(b"") | st.binary(max_size=60) | text | form | ODD.map(lambda odd: json.dumps(odd).encode())


def _changed(document: dict[str, Any], draw: st.DrawFn) -> bytes:
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 3))):
        if places := list(_members(document)):
            _change(*draw(st.sampled_from(places)), draw)
    return json.dumps(document).encode()


def _change(holder: Any, key: Any, draw: st.DrawFn) -> None:
    """Replace, remove or repeat this member, or put another beside it."""
    match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
        case "replace":
            holder[key] = copy.deepcopy(draw(ODD))
        case "remove":
            del holder[key]
        case _ if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        case _:
            names = ["nonsense", f"_{key}", "extension", "contained", "valueString", "resourceType", "id", NAME]
            holder[draw(st.sampled_from(names))] = copy.deepcopy(draw(ODD))


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member in the document, as its holder and its key there."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(members):
        yield value, key
        yield from _members(member)
