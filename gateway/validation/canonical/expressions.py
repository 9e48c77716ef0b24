"""FHIRPath in definitions: what no engine could run, told where it is written.

https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html. Functions that came later, or that other engines
add, are let be; names are held to the types of R4 where the focus has a type, and as HL7's validator does, a name
that one of several types has is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from gateway import fhirpath
from gateway.fhirpath.code import FUNCTIONS
from gateway.fhirpath.compiler import CONSTANTS
from gateway.fhirpath.errata import corrected
from gateway.fhirpath.parser import parse
from gateway.fhirpath.syntax import Binary, Call, External, Item, Member, Syntax, TypeTest, Unary, type_name
from gateway.validation.run import Place, Run

if TYPE_CHECKING:
    from gateway.validation.engine import Engine

_LATER: Final = frozenset(
    "defineVariable lowBoundary highBoundary precision comparable sort encode decode escape unescape elementDefinition "
    "slice checkModifiers htmlChecks1 htmlChecks2 subsumes subsumedBy hasTemplateIdOf coalesce sum min max avg "
    "repeatAll weight ordinal answers alias aliasAs toLong convertsToLong toInteger64 cache yearsBetween "
    "duration difference yearOf monthOf dayOf hourOf minuteOf secondOf millisecondOf timezoneOffsetOf dateOf "
    "timeOf evaluate".split()
)
"""Functions of later versions, of FHIR's and of HL7's own engine, that no other text here runs."""
_AROUND: Final = frozenset(
    (
        "resource",
        "rootResource",
        "context",
        "extension",
        "terminologies",
        "server",
        "factory",
        "us-zip",
        "map",
        *CONSTANTS,
    )
)
_LATER_TYPES: Final = frozenset("integer64 CodeableReference RatioRange Availability ExtendedContactDetail".split())


def check_syntax(engine: Engine, run: Run, expression: str, place: Place) -> bool:
    """Report an expression that is no FHIRPath, or calls what there is not; whether it is good."""
    try:
        tree = parse(corrected(expression))
    except fhirpath.SyntaxFault:
        run.error("invalid", "definition-expression", "The expression must be FHIRPath.", place)
        return False
    except (fhirpath.FhirPathError, RecursionError):
        return True
    wrong = next((told for node in _nodes(tree) if (told := _wrong(engine, node)) is not None), None)
    if wrong is not None:
        run.error("invalid", "definition-expression", wrong, place)
    return wrong is None


def check_names(engine: Engine, run: Run, expression: str, place: Place, *, types: Sequence[str] = ()) -> None:
    """Report a name that none of the types that the focus may have knows; without types, one below a type it names."""
    if "repeat" in expression:  # what is repeated is of several types
        return
    lost: set[str] | None = None
    for kind in types or (None,):
        try:
            found = fhirpath.compile(expression, model=engine.model, type=kind)
        except (fhirpath.FhirPathError, RecursionError):
            return
        names = {one.rpartition(".")[2] for one in found.unknown}
        lost = names if lost is None else lost & names
    if lost:
        run.error("invalid", "definition-path", "The expression names an element that its type does not have.", place)


def focus_types(engine: Engine, path: str) -> tuple[str, ...]:
    """The FHIR types that the element of a path (`Patient.contact`, `Observation.value[x]`) may have; none where that
    cannot be told."""
    root, *names = path.split(".")
    types: tuple[str, ...] = (root,)
    for name in names:
        info = engine.model.info(types[0]) if len(types) == 1 else None
        if info is None:
            return ()
        written = info.by_key.get(name)
        fields = info.by_name.get(name.removesuffix("[x]")) or (() if written is None else (written,))
        types = tuple(field.type for field in fields)
    return types if all(engine.model.info(kind) is not None for kind in types) else ()


def _wrong(engine: Engine, node: Syntax) -> str | None:
    """What is wrong with one step of an expression."""
    if isinstance(node, Call):
        known = FUNCTIONS.get(node.name)
        if known is None:
            return None if node.name in _LATER else "The expression calls a function that FHIRPath does not have."
        if not known[0] <= len(node.arguments) <= known[1]:
            return "The expression calls a function with too few or too many arguments."
        if node.name in ("ofType", "is", "as"):
            return _no_type(engine, type_name(node.arguments[0]))
    if isinstance(node, TypeTest):
        return _no_type(engine, node.type)
    if isinstance(node, External) and node.name not in _AROUND and node.name[:3] not in ("vs-", "ext", "cs-"):
        return "The expression uses a variable that FHIRPath does not have."
    return None


def _no_type(engine: Engine, name: str | None) -> str | None:
    if name is None or name in _LATER_TYPES or engine.model.resolve(name) is not None:
        return None
    return "The expression asks for a type that R4 does not have."


def _nodes(tree: Syntax) -> Iterator[Syntax]:
    """Every step of an expression, but for the names of types."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        match node:
            case Member(target, _):
                stack += [] if target is None else [target]
            case Call(target, name, arguments):
                stack += [] if target is None else [target]
                stack += [] if name in ("ofType", "is", "as") else arguments
            case Item(target, index):
                stack += [target, index]
            case Unary():
                stack.append(node.operand)
            case Binary():
                stack += [node.left, node.right]
            case TypeTest():
                stack.append(node.operand)
