"""Snapshots from differentials. https://hl7.org/fhir/R4/profiling.html#snapshot

The base's snapshot is taken as a tree; each element of the differential is walked to and merged in. Walking unfolds
what is not spelled out yet: an element's type (or the one profile its type names), a content reference, a slice.

- A new slice is the element as it stands with `min` 0 and no slicing of its own; a re-slice `a/b` starts from slice a.
- `valueQuantity` for `value[x]` is the slice `value[x]:valueQuantity`, sliced by type; inside a slice it leaves
  `value[x]` that one type (as published snapshots have it). A type slice that must be there leaves only its type.
- An extension slice, and an element with one type profile, starts from the root of that profile.
- Slices of an extension without a stated slicing are told apart by url, those of a choice by type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.errors import BadProfile
from gateway.packages.merge import based, constrain, sourced
from gateway.packages.tree import Node, flatten, grow, identified, steps

Json = dict[str, Any]
Lookup = Callable[[str], Json | None]

MAX_ELEMENTS = 50_000
"""Elements a made snapshot may have; the largest published ones have about 2,000."""
_BY_URL: Json = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
_BY_TYPE: Json = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}
_SYSTEM_TYPE = "http://hl7.org/fhirpath/"


def with_snapshot(definition: Json, *, structure: Lookup) -> Json:
    """`definition` with a snapshot made from its differential (a new dict, condensed or not as its inputs are).

    `structure` finds StructureDefinitions with snapshots by canonical or type name. BadProfile says why none can be
    made: an unknown base or profile, an element that is not in the base, a type that the base does not allow.
    """
    try:
        root = _Walk(definition, structure).run()
        elements = list(flatten(root))
    except RecursionError:
        raise BadProfile(f"{definition.get('url')} is nested too deeply.") from None
    except (AttributeError, TypeError, KeyError, IndexError) as error:
        raise BadProfile(f"{definition.get('url')} has a malformed differential ({type(error).__name__}).") from None
    return {**definition, "snapshot": {"element": elements}}


class _Walk:
    """One run over one differential."""

    def __init__(self, definition: Json, structure: Lookup) -> None:
        self.url: str = definition.get("url", "(a StructureDefinition without url)")
        self._definition = definition
        self._structure = structure
        self._specialises = definition.get("derivation") != "constraint"
        self._left = MAX_ELEMENTS

    def run(self) -> Node:
        differential = self._definition.get("differential", {}).get("element", [])
        root = self._base()
        for identity, element in identified(differential):
            self._apply(root, identity, element)
        return root

    def _base(self) -> Node:
        base_url = self._definition.get("baseDefinition")
        name = self._definition["type"].rpartition("/")[2]
        if base_url is None:
            elements = self._definition["differential"]["element"]
            return Node(name, based(elements[0], name), origin=self.url)
        base = self._known(base_url, "its base")
        root = self._grown(base)
        root.name = name
        if self._specialises:
            root.element = {key: value for key, value in root.element.items() if key != "base"}
        return root

    def _grown(self, structure: Json) -> Node:
        url = structure["url"]
        elements = [sourced(item, url) for item in structure["snapshot"]["element"]]
        self._spend(len(elements))
        return grow(elements, origin=url)

    def _spend(self, elements: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise BadProfile(f"{self.url} would have more than {MAX_ELEMENTS} elements.")

    def _known(self, canonical: str, role: str) -> Json:
        found = self._structure(canonical)
        if found is None:
            raise BadProfile(f"{self.url} needs {canonical} as {role}, which is not among the definitions.")
        return found

    # Walking

    def _apply(self, root: Node, identity: str, element: Json) -> None:
        node = root
        way = steps(identity)
        choice: Node | None = None
        sliced = False
        for place, (name, part) in enumerate(way[1:], start=2):
            last = place == len(way)
            choice = None
            if name not in node.children and (choice := self._choice(node, name)) is not None:
                node = self._chosen(choice, name, sliced=sliced, where=identity)
            else:
                node = self._child(node, name, new=element if last else None, where=identity)
            if part:
                choice = node if node.name.endswith("[x]") else None
                node = self._slice(node, part, element if last else {}, where=identity)
                sliced = True
        self._merge(node, element, where=identity)
        if (
            choice is not None
            and choice is not node
            and element.get("min")
            and _choice_type(choice, way[-1][1] or name)
        ):
            _leave_one_type(choice, node)

    def _chosen(self, choice: Node, name: str, *, sliced: bool, where: str) -> Node:
        """Where a path's `valueQuantity` leads."""
        if sliced and not choice.slices:
            choice.own({"type": [_choice_type(choice, name)]})
            return choice
        return self._slice(choice, name, {}, where=where)

    def _child(self, node: Node, name: str, *, new: Json | None, where: str) -> Node:
        if not node.children:
            self._unfold(node, where=where)
            choice = self._choice(node, name)
            if choice is not None and name not in node.children:
                return self._chosen(choice, name, sliced=True, where=where)
        if name in node.children:
            return node.children[name]
        if new is not None and self._specialises:
            made = Node(name, based(new, where), origin=self.url)
            node.children[name] = made
            return made
        raise BadProfile(f"{self.url}: {where} is not an element of what it constrains.")

    def _choice(self, node: Node, name: str) -> Node | None:
        """The choice element of which `name` is one type: `value[x]` for `valueQuantity`."""
        for child in node.children.values():
            if child.name.endswith("[x]") and name.startswith(child.name[:-3]) and _choice_type(child, name):
                return child
        return None

    def _slice(self, node: Node, part: str, element: Json, *, where: str) -> Node:
        if part in node.slices:
            return node.slices[part]
        parent = part.rpartition("/")[0]
        if parent and parent not in node.slices:
            raise BadProfile(f"{self.url}: {where} slices the slice {parent} again, which is not there.")
        template = node.slices[parent] if parent else node
        made = template.unsliced()
        kept = {key: value for key, value in made.element.items() if key not in ("slicing", "sliceName", "mustSupport")}
        made.element = {**kept, "min": 0, "sliceName": part}
        if parent:
            if "slicing" not in template.element:
                template.own({"slicing": node.element.get("slicing", {})})
        elif "slicing" not in node.element:
            self._open_slicing(node, where)
        chosen = _choice_type(node, part)
        if chosen and "type" not in element:
            made.own({"type": [chosen]})
        node.add_slice(part, made)
        self._spend(made.size())
        return made

    def _open_slicing(self, node: Node, where: str) -> None:
        if node.name in ("extension", "modifierExtension"):
            node.own({"slicing": _BY_URL})
        elif node.name.endswith("[x]"):
            node.own({"slicing": _BY_TYPE})
        else:
            raise BadProfile(f"{self.url}: {where} is a slice of an element for which no slicing is stated.")

    def _merge(self, node: Node, element: Json, *, where: str) -> None:
        profile = _one_profile(element)
        if profile is not None:
            self._start_from(node, profile, where)
        node.element = constrain(node.element, element, profile=self.url)

    def _start_from(self, node: Node, profile: str, where: str) -> None:
        """Take the rules of the root of a type profile; cardinality only from an extension's definition."""
        found = self._structure(profile)
        if found is None or "#" in profile:
            return
        root = sourced(found["snapshot"]["element"][0], found["url"])
        constraints = {item["key"]: item for item in node.element.get("constraint", ())}
        constraints |= {item["key"]: item for item in root.get("constraint", ())}
        node.own({"constraint": list(constraints.values())} if constraints else {})
        if node.name in ("extension", "modifierExtension") and "sliceName" in node.element:
            node.own({"min": root.get("min", 0), "max": root.get("max", "*")})
            if root.get("isModifier"):
                node.own({"isModifier": True})
        if "condition" in root:
            node.own({"condition": list(dict.fromkeys([*node.element.get("condition", ()), *root["condition"]]))})
        node.children = {}

    # Unfolding

    def _unfold(self, node: Node, *, where: str) -> None:
        """Give `node` the children of what it refers to, or of its type."""
        reference = node.element.get("contentReference")
        if reference is not None:
            self._unfold_reference(node, reference, where)
            return
        types = node.element.get("type", [])
        codes = {item["code"] for item in types}
        if len(codes) != 1:
            if not types:
                raise BadProfile(f"{self.url}: {where} goes into an element without a type.")
            source = self._known("Element", "the type of a choice")
        else:
            source = self._type(types)
        inner = self._grown(source)
        node.children = inner.children
        _rebase(node, inner.name)

    def _type(self, types: list[Json]) -> Json:
        code = types[0]["code"]
        if code.startswith(_SYSTEM_TYPE):
            return self._known("Element", "the type of an element")
        profiles = [url for item in types for url in item.get("profile", ())]
        if len(profiles) == 1 and "#" not in profiles[0]:
            found = self._structure(profiles[0])
            if found is not None:
                return found
        return self._known(code, "the type of an element")

    def _unfold_reference(self, node: Node, reference: str, where: str) -> None:
        origin, _, identity = reference.partition("#")
        source = self._known(origin or node.origin, "the home of a content reference")
        found: Node | None = self._grown(source)
        for name, _part in steps(identity)[1:]:
            found = found.children.get(name) if found else None
        if found is None:
            raise BadProfile(f"{self.url}: {where} refers to {reference}, which is not there.")
        node.children = found.children
        node.element = {key: value for key, value in node.element.items() if key != "contentReference"}
        node.own({"type": found.element.get("type", [])})


def _rebase(node: Node, type_name: str) -> None:
    """Children of a type say where their cardinality comes from by the type's own paths."""
    for child in node.children.values():
        child.element = based(child.element, f"{type_name}.{child.name}")


def _leave_one_type(choice: Node, part: Node) -> None:
    """A slice by type with min 1 of an element that occurs once: there is no room for another type."""
    if choice.element.get("max") == "1":
        choice.own({"min": 1, "type": part.element.get("type", [])})


def _one_profile(element: Json) -> str | None:
    types = element.get("type", [])
    if len(types) != 1 or types[0].get("code") == "Reference" or len(types[0].get("profile", ())) != 1:
        return None
    profile: str = types[0]["profile"][0]
    return profile


def _choice_type(node: Node, name: str) -> Json | None:
    """The type of a choice element that the name `valueQuantity` chooses, if it is one."""
    if not node.name.endswith("[x]"):
        return None
    stem = node.name[:-3]
    for item in node.element.get("type", ()):
        code = item["code"]
        if name == stem + code[:1].upper() + code[1:]:
            chosen: Json = item
            return chosen
    return None
