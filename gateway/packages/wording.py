"""The texts that a published StructureDefinition must have: own ones from its differential, else where to read them.

Condensed packages have no prose, so that snapshots made from them have none: sdf-3 asks for a definition of each
element, and constraints for a human text. https://hl7.org/fhir/R4/structuredefinition.html#invs
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def worded(definition: Json) -> Json:
    """`definition` with every text in its snapshot that R4 requires (a new dict)."""
    own = {element.get("id"): element for element in definition.get("differential", {}).get("element", ())}
    elements = [_worded(element, own.get(element.get("id"), {})) for element in definition["snapshot"]["element"]]
    return {**definition, "snapshot": {**definition["snapshot"], "element": elements}}


def _worded(element: Json, own: Json) -> Json:
    origin = element.get("base", {}).get("path", element["path"])
    said = f"As {origin} is defined."
    made = {**element, "definition": own.get("definition") or element.get("definition") or element.get("short") or said}
    if element.get("isModifier"):
        made.setdefault("isModifierReason", said)
    if "constraint" in element:
        texts = {constraint["key"]: constraint.get("human") for constraint in own.get("constraint", ())}
        made["constraint"] = [
            _constraint(constraint, texts.get(constraint["key"])) for constraint in made["constraint"]
        ]
    binding = element.get("binding", {"valueSet": ""})
    if "valueSet" not in binding and "description" not in binding:
        made["binding"] = {**binding, "description": f"No codes are asked for beyond what {origin} has as examples."}
    return made


def _constraint(constraint: Json, own: str | None) -> Json:
    source = constraint.get("source", "its type").rpartition("/")[2]
    return {**constraint, "human": own or constraint.get("human") or f"{constraint['key']} as {source} states it."}
