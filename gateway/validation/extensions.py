"""Extensions: found by url, checked against their definition, and allowed only where it says.

https://hl7.org/fhir/R4/extensibility.html
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from gateway.errors import BadProfile
from gateway.validation.compiled import ANY_RESOURCE, Profile, Shape
from gateway.validation.errata import PLACED_ANYWHERE
from gateway.validation.later_extensions import surely_unknown
from gateway.validation.run import Place, Run, pointer
from gateway.validation.shapes import CORE

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

Unknown = Literal["error", "warning", "information"]
Examples = Literal["allow", "refuse"]
_CROSS_VERSION = re.compile(r"http://hl7\.org/fhir/[0-9]\.[0-9]/StructureDefinition/extension-.+")
_EXAMPLES = re.compile(r"https?://(?:[a-z.]+\.)?(?:example\.org|acme\.com|acme\.org)/.*")
_DEFINING = frozenset(("Questionnaire", "StructureDefinition"))
_HL7 = "http://hl7.org/fhir/"


class Extensions:
    def __init__(self, engine: Engine, unknown: Unknown, *, examples: Examples = "allow") -> None:
        self._engine = engine
        self.unknown: Unknown = unknown
        self.examples = examples
        self._contexts: dict[tuple[Any, ...], bool] = {}
        self._guides: set[str] | None = None
        """What the urls of the extensions of the loaded guides begin with, but for R4's own."""
        self._known_parts: dict[str, frozenset[str]] = {}

    def check(self, run: Run, value: Any, place: Place) -> None:
        """Check one Extension object that its shape has already checked."""
        before = len(run.found)
        self._defined(run, value, place)
        has_value = any(name.startswith(("value", "_value")) for name in value)
        if has_value == bool(value.get("extension")) and not any(i.is_error for i in run.found[before:]):
            run.error("invariant", "ext-1", "ext-1: an extension must have either a value or extensions, not both.",
                      place)  # fmt: skip

    def _defined(self, run: Run, value: Any, place: Place) -> None:
        above, member = place[0], place[1]
        url = value.get("url")
        if type(url) is not str or not url:
            return
        holder = above[1] if above is not None else None
        inside = holder is not None and holder.type == "Extension"
        if ":" not in url:
            if not inside:
                run.error("invalid", "extension-url", "Extension.url must be an absolute URL.", place)
            return
        try:
            profile = self._engine.strictly(url, asked_in=run.scope)
        except BadProfile:
            run.warn("not-supported", "extension-definition", "The extension's definition cannot be compiled, so it "
                     "was not checked.", place, profile=url)  # fmt: skip
            return
        modifier = member.name == "modifierExtension"
        if profile is not None and profile.type != "Extension":
            run.error("structure", "extension-unknown", "The extension's url names a definition that is no extension.",
                      place, profile=profile.canonical)  # fmt: skip
            return
        if profile is None:
            self._not_known(run, url, place, modifier=modifier)
            return
        self._engine.conformance.apply(run, profile, value, place)
        self._parts(run, profile, value, place)
        self._placed(run, profile, place, modifier=modifier)

    def _parts(self, run: Run, profile: Profile, value: Any, place: Place) -> None:
        """The parts of a complex extension: their urls must be ones that the definition names."""
        listed = value.get("extension")
        if type(listed) is not list:
            return
        known = self._known_parts.get(profile.canonical)
        if known is None:
            known = self._known_parts[profile.canonical] = _part_urls(profile)
        if not known:
            return
        member = self._engine.shapes["Extension"].members["extension"]
        for index, part in enumerate(listed):
            url = part.get("url") if type(part) is dict else None
            if type(url) is str and ":" not in url and url not in known:
                run.error("structure", "extension-part", "The extension's definition has no part with this url.",
                          (place, member, index, place[3]), profile=profile.canonical)  # fmt: skip

    def check_number(self, run: Run, value: Any, parent: Any, place: Place) -> None:
        """The extensions of one element: each url no more often than its definition says."""
        urls = Counter(one["url"] for one in value if type(one) is dict and type(one.get("url")) is str)
        for url, times in urls.items():
            profile = self._engine.profile(url, asked_in=run.scope) if times > 1 and ":" in url else None
            if profile is None or profile.most is None or profile.type != "Extension":
                continue
            if times > profile.most:
                # published questionnaires and definitions repeat them all the same
                told = run.warn if run.root.get("resourceType") in _DEFINING else run.error
                told("structure", "extension-max", "The same extension may stand here only "
                          f"{'once' if profile.most == 1 else f'{profile.most} times'}.", place,
                          profile=profile.canonical)  # fmt: skip

    def _ours(self, url: str) -> bool:
        """Whether the url is one that a loaded guide would have defined, if there were such an extension."""
        if self._guides is None:
            entries = self._engine.definitions.entries("StructureDefinition")
            self._guides = {entry.url.rpartition("/")[0] for _, entry in entries} - {CORE.rstrip("/")}
        return url.rpartition("/")[0] in self._guides

    def _not_known(self, run: Run, url: str, place: Place, *, modifier: bool) -> None:
        if _CROSS_VERSION.fullmatch(url):
            run.note("informational", "extension-cross-version", "Extensions from other FHIR versions are not checked.",
                     place)  # fmt: skip
        elif _EXAMPLES.fullmatch(url) and self.examples == "refuse":
            run.error("structure", "extension-unknown", "The extension's url is an example, which is not allowed here.",
                      place)  # fmt: skip
        elif _EXAMPLES.fullmatch(url) and (not modifier or run.resource.get("resourceType") == "Parameters"):
            run.warn("informational", "extension-unknown", "The extension is not known, so it was not checked.", place)
        elif url.startswith(_HL7) and not modifier and not self._ours(url) and not surely_unknown(url):
            run.warn("informational", "extension-unknown", "The extension is not in the HL7 packages that are loaded, "
                     "so it was not checked: load the package that defines it.", place)  # fmt: skip
        elif modifier:
            run.error("structure", "extension-unknown", "The modifier extension is not known: what it means for this "
                      "element cannot be told. Load the package that defines it, or leave it out.", place)  # fmt: skip
        else:
            run.add(self.unknown, "structure", "extension-unknown", "The extension is not known here. Load the "
                    "package that defines it, or leave it out.", place)  # fmt: skip

    # Where it stands

    def _placed(self, run: Run, profile: Profile, place: Place, *, modifier: bool) -> None:
        if profile.modifier and not modifier:
            run.error("structure", "extension-modifier", "The extension is a modifier: it must be in "
                      "modifierExtension.", place, profile=profile.canonical)  # fmt: skip
        if modifier and not profile.modifier:
            run.error("structure", "extension-modifier", "The extension is no modifier: it must be in extension, not "
                      "modifierExtension.", place, profile=profile.canonical)  # fmt: skip
        if not profile.for_r4:
            run.error("structure", "extension-version", "The extension is for other versions of FHIR than R4.", place,
                      profile=profile.canonical)  # fmt: skip
        above: Place | None = place[0]
        if above is None or not profile.contexts or profile.url in PLACED_ANYWHERE:
            return
        if self._allowed_by_element(profile, above):
            verdict: bool | None = True
        else:
            verdict = self._allowed(run, profile, above)
        if verdict is False:
            allowed = ", ".join(expression for _, expression in profile.contexts)
            run.error("structure", "extension-context", f"The extension may not stand here; it belongs on: {allowed}.",
                      place, profile=profile.canonical)  # fmt: skip
        holder = self._value_at(run, above) if profile.context_invariants else None
        for expression in profile.context_invariants:
            if (
                verdict is not False
                and holder is not None
                and self._engine.invariants.holds(run, expression, holder, _type(above)) is False
            ):
                run.error("invariant", "extension-context-invariant", "The extension may not stand here: a condition "
                          "of its definition does not hold.", place, profile=profile.canonical)  # fmt: skip

    def _allowed(self, run: Run, profile: Profile, above: Place) -> bool | None:
        verdict: bool | None = False
        for kind, said in profile.contexts:
            holding = above if above[1].type == "Extension" else above[0]
            if kind == "extension" and holding is not None and holding[1].type == "Extension":
                holder = self._value_at(run, holding)
                url = holder.get("url") if type(holder) is dict else None
                if url == said or (type(url) is str and said.endswith("#" + url)):
                    return True
            if kind == "fhirpath":
                found = self._engine.invariants.selects(run, said, self._value_at(run, above))
                if found:
                    return True
                verdict = None if found is None else verdict
        return verdict

    def _allowed_by_element(self, profile: Profile, above: Place) -> bool:
        """Whether an element context names the place; the same places come again and again, so this is remembered."""
        key: tuple[Any, ...] = (profile.canonical,)
        at: Place | None = above
        while at is not None:
            key += (at[1].path, at[3].name if at[3] is not None else None)
            at = at[0]
        found = self._contexts.get(key)
        if found is None:
            names = context_names(above)
            said = [expression for kind, expression in profile.contexts if kind == "element"]
            # a context that names a profile cannot be told from the element, so it is let be
            found = any(s in names or s.rpartition("#")[2] in names or ("://" in s and "#" not in s) for s in said)
            if len(self._contexts) > 10_000:
                self._contexts.clear()
            self._contexts[key] = found
        return found

    def _value_at(self, run: Run, place: Place) -> Any:
        at: Any = run.top
        for step in pointer(place):
            try:
                at = at[step]
            except (KeyError, IndexError, TypeError):
                return None
        return at


def _part_urls(profile: Profile) -> frozenset[str]:
    part = profile.rules.children.get("extension")
    if part is None or part.slicing is None or part.slicing.rules == "closed":
        return frozenset()  # where no others are allowed, the slicing says so itself
    named = {s.slice_name or "" for s in part.slicing.slices}
    told = {c.expected for s in part.slicing.slices for c in s.criteria if type(c.expected) is str}
    return frozenset(named | told)


def context_names(place: Place) -> set[str]:
    """All names by which an extension's context may mean this element: its type, its path, paths through its types."""
    names = {"*", "Element", "Base"}
    rest = ""
    at: Place | None = place
    while at is not None:
        above, member, _, shape = at
        kinds = _kinds(member.type, shape, first=not rest)
        names.update(kind + rest for kind in kinds)
        if above is None or member.type in ANY_RESOURCE:
            break
        rest = f".{member.group}{rest}"
        if "[x]" in rest:
            names.update(kind + rest.replace("[x]", "") for kind in _kinds(above[1].type, above[3], first=False))
        at = above
    return names


def _kinds(type_name: str, shape: Shape | None, *, first: bool) -> tuple[str, ...]:
    if shape is None or shape.name == "Element":
        return (type_name,)
    if shape.kind == "backbone":
        return (shape.name, "BackboneElement") if first else (shape.name,)
    return (shape.name, *shape.ancestors)


def _type(place: Place) -> str:
    shape = place[3]
    return shape.name if shape is not None and shape.name != "Element" else place[1].type
