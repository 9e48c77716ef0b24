"""The care plan as a short text for people: CarePlan.text, which US Core asks for.

https://hl7.org/fhir/R4/narrative.html. Generated from the plan alone; every word of the plan is escaped.
"""

from __future__ import annotations

from html import escape

from gateway.domain.care_plan import CarePlan
from gateway.fhir.codec import Json


def narrative(plan: CarePlan) -> Json:
    """A Narrative: title, needs, goals and who does what."""
    parts = [
        f"<p>{escape(plan.title or 'Care management plan')} ({plan.status.value})</p>",
        _list("Needs", [one.description for one in plan.needs]),
        _list("Goals", [f"{one.description} ({one.status.value})" for one in plan.goals]),
        _list("Activities", [f"{one.description} ({one.status.value})" for one in plan.activities]),
        f"<p>Next review: {plan.review_due.isoformat()}</p>" if plan.review_due else "",
    ]
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'}


def _list(title: str, lines: list[str]) -> str:
    items = "".join(f"<li>{escape(one)}</li>" for one in lines)
    return f"<p>{title}</p><ul>{items}</ul>" if lines else ""
