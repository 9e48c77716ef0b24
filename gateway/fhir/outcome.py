"""Issues as an OperationOutcome. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.errors import Issue
from gateway.fhir.codec import Json

RULE_SYSTEM = "https://ecm-gateway.example/fhir/CodeSystem/rule"
LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"
_SEVERITIES = ("fatal", "error", "warning", "information")
COLUMN = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-col"


def outcome(issues: Iterable[Issue]) -> Json:
    """The OperationOutcome that lists `issues`; without any it says that all is well (issue is 1..*)."""
    listed = [_issue(issue) for issue in issues]
    if not listed:
        listed = [{"severity": "information", "code": "informational", "diagnostics": "No issues found."}]
    return {"resourceType": "OperationOutcome", "issue": listed}


def worst_first(issues: Iterable[Issue]) -> list[Issue]:
    """The same with what is worst first, else in the order given: what stopped a request must not hide among hints."""
    return sorted(issues, key=lambda issue: _SEVERITIES.index(issue.severity))


def _issue(issue: Issue) -> Json:
    places = [
        {"url": url, "valueInteger": number}
        for url, number in ((LINE, issue.line), (COLUMN, issue.column))
        if number is not None
    ]
    entry: Json = {"extension": places} if places else {}
    entry |= {"severity": issue.severity, "code": issue.code}
    if issue.rule:
        entry["details"] = {"coding": [{"system": RULE_SYSTEM, "code": issue.rule}], "text": issue.message}
    entry["diagnostics"] = issue.message if not issue.profile else f"{issue.message} [{issue.profile}]"
    if issue.expression:
        entry["expression"] = [issue.expression]
    return entry
