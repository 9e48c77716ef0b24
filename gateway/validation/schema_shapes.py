"""FHIR types as JSON Schema: one `$defs` entry per shape, as strict as the engine's walk or stricter.

What a schema cannot say is asked of Python by the keyword CHECK, at just the values concerned. What neither says is
left out of the schema, so that data which has it is not accepted here and goes to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.validation.compiled import ANY_RESOURCE, Constraint, Member, Profile, Shape
from gateway.validation.datatypes import CANONICAL_URLS, MISSPELT, QUANTITIES, SAMPLE, UCUM
from gateway.validation.schema_codings import can_fail
from gateway.validation.schema_constraints import constraint_schema
from gateway.validation.schema_elements import counted, distinct_urls
from gateway.validation.schema_references import agreeing, reference
from gateway.validation.schema_values import ABSOLUTE, CHECK, ELEMENT_ID, PRIMITIVE, SYSTEM, Schema, both

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_TYPED_REFERENCES = 12
"""Targets of a reference up to which Reference.type is compared with the reference itself."""
_RESOURCE_TYPES = "http://hl7.org/fhir/ValueSet/resource-types"

_USUAL = ["1", "%", "/min", "Cel", "[degF]", "[in_i]", "[lb_av]", "a", "cm", "d", "g", "h", "kg", "kg/m2", "m", "mg",
          "mg/dL", "min", "mL", "mm[Hg]", "mmol/L", "mo", "s", "wk", "{score}"]  # fmt: skip
_UNITS: Schema = {
    "if": {"required": ["system", "code"], "properties": {"system": {"const": UCUM}}},
    "then": {"properties": {"code": {"anyOf": [{"enum": _USUAL}, {CHECK: ["unit"]}]}}},
}
_UNIT_SYSTEMS = frozenset(f"{name}.system" for name in QUANTITIES)


class Shapes2Schema:
    """Builds `$defs` for shapes as they are asked for."""

    def __init__(
        self,
        engine: Engine,
        *,
        scope: str | None = None,
        values: frozenset[str] | None = None,
        contexts: frozenset[str] = frozenset(),
        within: Shapes2Schema | None = None,
        prefix: str = "",
    ) -> None:
        """`values` are the types that extensions in this document may have (None: any); `contexts` the paths of
        elements that extensions are meant for. `within` is the document that an extension's own schema stands in, its
        definitions named with a `prefix`; all other types are that document's."""
        self._engine = engine
        self._contexts = contexts
        self._values = values
        self.scope = scope
        self.defs: dict[str, Schema] = {} if within is None else within.defs
        self.told: frozenset[tuple[str, str]] = frozenset()
        """Members (shape, name) whose references are held to some of the type's targets by a profile."""
        self.overlay: Callable[[Profile, Shape], Schema] | None = None
        self.extensions: Callable[[list[str], bool], list[tuple[str, Schema | None]]] | None = None
        """(url, schema) of extensions that are checked here, on an element with these names, as modifiers or not."""
        self.coding: Schema = {CHECK: ["coding"]}
        """What holds for every Coding."""
        self._within = within
        self._prefix = prefix
        self._special: dict[str, Callable[[], Schema]] = {
            "Bundle": lambda: {"not": {"anyOf": [{"required": ["entry"]}, {"required": ["link"]}]}},
            "Coding": lambda: self.coding,
            "Identifier": lambda: {
                "if": {"required": ["system"], "properties": {"system": {"const": "urn:ietf:rfc:3986"}}},
                "then": {"properties": {"value": {"pattern": ABSOLUTE}}},
            },
            "Attachment": lambda: {
                "not": {"required": ["data"], "anyOf": [{"required": ["size"]}, {"required": ["hash"]}]}
            },
            "Extension": self._one_value,
            "Meta": lambda: {"properties": {"security": {"uniqueItems": True}}},
            "SampledData": lambda: {"properties": {"data": {"pattern": f"^{SAMPLE}(?: {SAMPLE})*$"}}},
            "Questionnaire": lambda: {CHECK: ["between", "Questionnaire"]},
            "QuestionnaireResponse": lambda: {CHECK: ["between", "QuestionnaireResponse"]},
            **dict.fromkeys(QUANTITIES, lambda: _UNITS),
        }

    def ref(self, shape: Shape, *, at: str | None = None, without: str | None = None) -> Schema:
        """A reference to the definition of a shape, made on first use; one of its own where extensions are meant for
        the element `at` and not for all of its type, or where a member is left out."""
        if self._within is not None and shape.name != "Extension":
            return self._within.ref(shape, at=at, without=without)
        key = self._prefix + (shape.name if at is None else f"{shape.name}@{at}")
        if without is not None:
            key += f"-{without}"
        if key not in self.defs:
            self.defs[key] = {}
            self.defs[key] = self._object(shape, at, without)
        return {"$ref": f"#/$defs/{key}"}

    def _object(self, shape: Shape, at: str | None, without: str | None) -> Schema:
        properties: Schema = {}
        for member in shape.members.values():
            if member.name == without or (member.name == "id" and shape.kind == "complex"):
                continue  # few data have ids of their own
            if self._values is not None and member.path == "Extension.value[x]" and member.type not in self._values:
                continue
            schema = self._member(shape, member, at)
            if schema is not None:
                properties[member.name] = schema
                if member.primitive and not (member.many or member.attribute or member.names_type):
                    properties["_" + member.name] = self._sibling(shape, member)
        parts = [part for count in shape.counts for part in counted(count, shape)]
        bound = {"_" + m.name: [m.name] for m in shape.members.values() if m.primitive and self._coded(shape, m)}
        if bound:  # a required code may not be left out for an extension
            parts.append({"dependentRequired": bound})
        parts += self.invariants(shape.constraints, shape)
        special = self._special.get(shape.name)
        if special is not None:
            parts.append(special())
        made: Schema = {
            "type": "object", "minProperties": 1, "properties": properties, "additionalProperties": False,
        }  # fmt: skip
        required = [name for part in parts if part.keys() == {"required"} for name in part["required"]]
        rest = [part for part in parts if part.keys() != {"required"}]
        made |= {"required": required} if required else {}
        if shape.kind == "backbone" and not required:
            made["dependentSchemas"] = {"id": {"minProperties": 2}}  # ele-1
        if rest:
            made["allOf"] = rest
        return made

    # Members

    def _member(self, shape: Shape, member: Member, at: str | None) -> Schema | None:
        if member.names_type:
            return {"const": shape.name}
        if member.type in ANY_RESOURCE:
            return None
        value = self._value(shape, member, at)
        if not member.many:
            return value
        listed: Schema = {"type": "array", "minItems": 1, "items": value}
        if member.type == "Extension":
            listed |= {
                "if": {"minItems": 2},
                "then": self._number(shape, [*_names(shape), *([at] if at else [])], member),
            }
        return listed

    def _number(self, holder: Shape, names: list[str], member: Member) -> Schema:
        """No extension more often than it may be. To ask Python costs a copy of all of them, so not where they are
        parts, or few and each another one."""
        asked: Schema = {CHECK: ["extension_number", self.scope]}
        if holder.name == "Extension":
            return {"anyOf": [{"items": {"properties": {"url": {"pattern": "^[^:]*$"}}}}, asked]}
        if self.extensions is None or not self._in_resource(holder):
            return asked
        urls = [url for url, _ in self.extensions(names, member.name == "modifierExtension")]
        return {"anyOf": [distinct_urls(urls), asked]} if urls else asked

    def _value(self, shape: Shape, member: Member, at: str | None) -> Schema:
        coded = self._coded(shape, member)
        if member.path == "Reference.reference":
            return {"type": "string"}  # wherever a Reference stands, `targets` says what form it may have
        if member.path in ("Identifier.system", "Coding.system"):
            return {"type": "string", "pattern": SYSTEM}
        if member.path in _UNIT_SYSTEMS:
            return {
                "anyOf": [{"const": UCUM}, {"type": "string", "pattern": SYSTEM, "not": {"enum": sorted(MISSPELT)}}]
            }
        if member.path in CANONICAL_URLS:
            return {"type": "string", "pattern": SYSTEM}
        if member.type == "canonical" and member.targets and member.path != "Meta.profile":
            return both(PRIMITIVE["canonical"], {CHECK: ["canonical", sorted(member.targets)]}, coded)
        if member.name == "id" and member.type == "string":
            return ELEMENT_ID
        if member.primitive:
            if coded is not None and "enum" in coded and not member.constraints:
                return coded
            longest = {"maxLength": member.max_length} if member.max_length is not None else None
            kept = [self.invariant(constraint, member.type) for constraint in member.constraints]
            return both(PRIMITIVE[member.type], longest, coded, *kept)
        if member.type == "Extension":
            names = [*_names(shape), *([at] if at else [])]
            return self._extension(shape, names, modifier=member.name == "modifierExtension")
        inner = member.shape or self._engine.shapes[member.type]
        path = f"{shape.name}.{member.group.removesuffix('[x]')}"
        # a logical reference's assigner with a logical reference is left to the engine: such schemas have no end
        without = "identifier" if member.path == "Identifier.assigner" else None
        parts: list[Schema | None] = [
            self.ref(inner, at=path if path in self._contexts else None, without=without),
            coded,
        ]
        if member.type == "Reference":
            parts.append(self.targets(member.targets, told=(shape.name, member.name) in self.told))
        parts += self.invariants(member.constraints, inner)
        parts += [self._profile(canonical, inner) for canonical in member.profiles]
        return both(*parts)

    def _sibling(self, shape: Shape, member: Member) -> Schema | bool:
        """`_name`: extensions (with an id), whose contexts are the primitive's type and path."""
        if member.path.endswith(".id") and member.type == "id":
            return False
        names = sorted({"*", "Element", "Base", member.type, *(f"{name}.{member.group}" for name in _own(shape)),
                        *(f"{name}.{member.group}".replace("[x]", "") for name in _own(shape))})  # fmt: skip
        listed = {"type": "array", "minItems": 1, "maxItems": 1, "items": self._extension(None, names, modifier=False)}
        properties: Schema = {"id": ELEMENT_ID, "extension": listed}
        return {"type": "object", "required": ["extension"], "properties": properties, "additionalProperties": False}

    def _extension(self, holder: Shape | None, names: list[str], *, modifier: bool) -> Schema:
        """An extension is checked, as a whole, by the schema of its own definition; parts, whose urls have no colon,
        stand in the schema of their holder's. Parts of parts are left to the engine: such schemas have no end."""
        asked: Schema = {"type": "object", CHECK: ["extension", names, modifier, self.scope]}
        if holder is None or holder.name != "Extension":
            if holder is not None and self.extensions is not None and self._in_resource(holder):
                chain = asked
                for url, schema in reversed(self.extensions(names, modifier)):
                    named = {"required": ["url"], "properties": {"url": {"const": url}}}
                    chain = {"if": named, "then": schema, "else": chain} if schema is not None else chain
                if chain is not asked:
                    return {"if": {"required": ["extension"]}, "then": asked, "else": chain}
            return asked
        whole = {"required": ["url"], "properties": {"url": {"type": "string", "pattern": ":"}}}
        return {"if": whole, "then": asked, "else": self.ref(holder, without="extension")}

    def _in_resource(self, shape: Shape) -> bool:
        return self._engine.shapes[shape.name.partition(".")[0]].kind == "resource"

    def _coded(self, shape: Shape, member: Member) -> Schema | None:
        """The binding that the type gives a member, where a breach is an error."""
        binding = member.binding
        if binding is None or not can_fail(binding) or self._engine.bindings.of(member) is None:
            return None
        if member.type == "code" and binding.strength == "required" and not binding.maximum and not binding.extra:
            listed = self._engine.terminology.codes(binding.value_set)
            if listed is not None:
                return {"enum": sorted({code for _, code in listed})}
        return {CHECK: ["coded", shape.name, member.name]}

    def targets(self, targets: tuple[str, ...], *, told: bool) -> Schema | None:
        """What a Reference may point to, by its own words; `told` where a profile asks for no less."""
        kinds = () if not targets or ANY_RESOURCE & set(targets) else targets
        said: Schema = {"properties": {} if told else {"reference": reference(kinds)}}
        if not kinds or len(kinds) > _TYPED_REFERENCES:  # whether type and reference agree is the engine's question
            typed = {"properties": {"type": self._type_named(kinds)}}
            return both(said, {**typed, "not": {"required": ["type", "reference"]}})
        said["properties"]["type"] = {"enum": sorted(kinds)}
        if len(kinds) == 1:
            return said
        return {**said, "if": {"required": ["reference", "type"]}, "then": agreeing(kinds)}

    def _type_named(self, kinds: Iterable[str]) -> Schema:
        """`Reference.type` where only `kinds` (none: any resource) may be pointed to."""
        name = "resource-types"
        if not kinds and name not in self.defs:
            listed = self._engine.terminology.codes(_RESOURCE_TYPES) or ()
            self.defs[name] = {"enum": sorted({code for _, code in listed})}
        return {"enum": sorted(kinds)} if kinds else {"$ref": f"#/$defs/{name}"}

    def _profile(self, canonical: str, shape: Shape) -> Schema | None:
        """The profile that a type asks of a member (SimpleQuantity and the like)."""
        profile = self._engine.profile(canonical, asked_in=None)
        if profile is None or profile.is_type:
            return None
        assert self.overlay is not None
        return self.overlay(profile, shape)

    # Rules of whole types

    def _one_value(self) -> Schema:
        """ext-1: a value or extensions; with an id, or a value with extensions of its own, the engine decides."""
        return {"minProperties": 2, "maxProperties": 2, "properties": {"id": False}}

    # Invariants

    def invariants(self, constraints: tuple[Constraint, ...], shape: Shape) -> list[Schema]:
        """Constraints whose breach is an error, as schemas over an object of `shape`."""
        return [schema for one in constraints if (schema := self.invariant(one, shape.name)) is not None]

    def invariant(self, constraint: Constraint, type: str) -> Schema | None:
        """One constraint; None where nothing has to be asked."""
        return constraint_schema(self._engine, constraint, type, values=self._values)


def _own(shape: Shape) -> tuple[str, ...]:
    return (shape.name, *shape.ancestors) if shape.kind != "backbone" else (shape.name,)


def _names(shape: Shape) -> list[str]:
    """Names by which an extension's context may surely mean an object of this shape, wherever it stands."""
    own = (shape.name, "BackboneElement") if shape.kind == "backbone" else _own(shape)
    return sorted({"*", "Element", "Base", *own})
