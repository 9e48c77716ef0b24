"""What every document of ours begins and ends with: the member and their plan; who passed it on; what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.domain.member import Coverage, Member
from gateway.domain.referral import Key
from gateway.errors import Issue, Unmappable
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.mapping import coverage, patient, provenance
from gateway.mapping.context import Context
from gateway.mapping.reading import reading

Record = TypeVar("Record")


class Document(Protocol):
    """A record that a sender's key names, about one member."""

    @property
    def key(self) -> Key: ...

    @property
    def member(self) -> Member: ...

    @property
    def coverage(self) -> Coverage | None: ...


def begun(record: Document, *, context: Context, collected: Collected) -> tuple[Json, Json | None]:
    """Add the member and their coverage to what is collected; References to both."""
    subject = patient.to_fhir(
        record.member, key=record.key, coverage=record.coverage, context=context, collected=collected
    )
    insurance = coverage.to_fhir(
        record.coverage,
        key=record.key,
        member=record.member,
        beneficiary=subject,
        context=context,
        collected=collected,
    )
    return subject, insurance


def ended(written: Json, *, author: Json | None, context: Context, collected: Collected) -> Json:
    """The transaction Bundle, with where `written` (a Reference: it comes first) came from."""
    operator = collected.add(provenance.operator(context))
    collected.add(provenance.to_fhir(written, author=author, operator=operator, context=context), once=True)
    return collected.transaction(base=context.base, first=(written["reference"].partition("/")[0],))


def read(bundle: Json, type: str, what: str, *, reader: Callable[[Json, Resolver], Record]) -> Record:
    """What `reader` makes of the one resource of a type; Unmappable where it is not `what` as we write it."""
    resolver = Resolver(bundle)
    resource = resolver.only(type)
    if resource is None:
        message = f"The Bundle must hold exactly one {type}."
        raise Unmappable(issues=[Issue("error", "processing", message, expression="Bundle.entry")])
    with reading(type, what):
        return reader(resource, resolver)


def member_of(resource: Json, resolver: Resolver) -> Member:
    """The member whom a resource is about; LookupError where the Patient is not in the Bundle."""
    found = resolver.find(resource["subject"])
    if found is None:
        raise LookupError("subject")
    return patient.from_fhir(found, resolver=resolver)
