"""Ids from the sources' own keys: the same thing named twice gets the same id, on any machine, without looking it up.

An id appears in URLs and logs, so nobody may compute a member's number from it: it is a keyed hash (BLAKE2b) of tenant,
kind and key. The salt is a secret of the installation; whoever holds it could try all Client Index Numbers.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from hashlib import blake2b

from gateway.domain.member import Coverage, Member
from gateway.domain.referral import Key
from gateway.fhir import codec
from gateway.fhir.codec import Json

_BETWEEN = "\x1f"


@dataclass(frozen=True, slots=True)
class Ids:
    """Makes ids for one tenant. `salt` is 16 to 64 secret bytes."""

    tenant: str
    salt: bytes
    _seed: blake2b = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 16 <= len(self.salt) <= 64:
            raise ValueError("the salt of ids must have 16 to 64 bytes")
        seed = blake2b(f"{self.tenant}{_BETWEEN}".encode(), key=self.salt, digest_size=16)
        object.__setattr__(self, "_seed", seed)

    def of(self, kind: str, *parts: str) -> str:
        """The id of what `parts` name among things of one kind. Shaped like a UUID (version 8, RFC 9562)."""
        return self._of(_BETWEEN.join((kind, *parts)).encode())

    def keyed(self, kind: str, key: Key, *parts: str) -> str:
        """The id of what a sender's key names."""
        return self.of(kind, key.source, key.id, *parts)

    def as_stated(self, resource: Json) -> Json:
        """The resource with an id of its content: a person or organization as one document states it.

        Two documents that say different things about one organization make two resources; none overwrites the other.
        """
        type = resource["resourceType"]
        made = self._of(f"{type}{_BETWEEN}".encode() + codec.write(resource))
        return {"resourceType": type, "id": made, **resource}

    def patient(self, member: Member, *, coverage: Coverage | None, key: Key) -> str:
        """The member by CIN; else by the plan's number; else only as named in this document.

        A number of the plan counts together with the birth date, because such numbers are mistyped and reused. Name and
        birth date alone never make two people one: that would show one person's record to another.
        """
        if member.cin:
            return self.of("Patient", "cin", member.cin)
        born = member.birth_date.isoformat()
        if member.member_id and coverage and coverage.plan:
            return self.of("Patient", "member-id", coverage.plan, member.member_id, born)
        name = unicodedata.normalize("NFKC", f"{member.name.last}\x1e{member.name.first}").casefold()
        return self.of("Patient", "stated", key.source, key.id, name, born)

    def coverage(self, patient: str, *, plan: str | None, key: Key) -> str:
        """The coverage of a Patient (by reference) by a plan, one for all documents; without a plan the document's."""
        return self.of("Coverage", "plan", patient, plan) if plan else self.keyed("Coverage", key)

    def _of(self, named: bytes) -> str:
        hashing = self._seed.copy()
        hashing.update(named)
        digest = hashing.hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"
