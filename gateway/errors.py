"""Every error the gateway raises, and the Issue that every checker reports.

A checker returns or yields Issues; only a `require` raises, once, with all of them. Each class says its HTTP status
and its FHIR issue code (https://hl7.org/fhir/R4/valueset-issue-type.html), so the web room has nothing to decide.

GatewayError                500 exception
+ BadRequest                400 invalid
  + Malformed               400 structure
  + UnsupportedMedia        415 not-supported
  + NotOffered              405 not-supported
  + NotAcceptable           406 not-supported
  + LengthRequired          411 incomplete
  + TooLarge                413 too-long
  + Misdirected             421 security
+ Refused                   403 forbidden
  + Unauthenticated         401 login
  + Forbidden               403 forbidden
+ Absent                    404 not-found
  + NotFound                404 not-found
  + Gone                    410 deleted
+ Conflict                  409 conflict
  + StaleVersion            412 conflict
+ Unprocessable             422 processing
  + Unmappable              422 processing
  + Invalid                 422 invariant
  + IllegalMove             422 business-rule
+ Trouble                   500 exception
  + StoreUnavailable        503 transient
  + PartnerUnavailable      502 transient
  + PartnerRefused          502 processing
+ Misconfigured             500 exception
  + BadTable                500 exception
  + BadPackage              500 exception
  + BadProfile              500 exception
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, Self

import msgspec

Severity = Literal["fatal", "error", "warning", "information"]


class Issue(msgspec.Struct, frozen=True, gc=False):
    """One thing found: how bad, which rule, where, and a sentence that says what was expected and what to do.

    `message` never quotes the data: it names places and rules only.
    `expression` is a FHIRPath with indexes (`Patient.name[0].given[1]`), or row and column for a file.
    `rule` is a stable id (`card-min`, `us-core-6`); `profile` is `url|version#element` where a profile rules.
    `line` and `column` count from 1 and are set when the source bytes are at hand.
    """

    severity: Severity
    code: str
    message: str
    expression: str | None = None
    rule: str | None = None
    profile: str | None = None
    line: int | None = None
    column: int | None = None

    @property
    def is_error(self) -> bool:
        return self.severity in ("error", "fatal")

    def but(self, **changes: Any) -> Self:
        """The same issue with some of it changed."""
        return msgspec.structs.replace(self, **changes)


class GatewayError(Exception):
    """Something the gateway could not do; `issues` lists every reason."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, message: str = "", *, issues: Iterable[Issue] = ()) -> None:
        self.issues: tuple[Issue, ...] = tuple(issues) or (
            Issue("error", self.code, message or (self.__doc__ or "").split("\n")[0]),
        )
        super().__init__(message or self.issues[0].message)


class BadRequest(GatewayError):
    """The request itself is wrong."""

    status, code = 400, "invalid"


class Malformed(BadRequest):
    """The body cannot be read as what it says it is."""

    status, code = 400, "structure"


class UnsupportedMedia(BadRequest):
    """The body's media type is not one this address reads."""

    status, code = 415, "not-supported"


class NotOffered(BadRequest):
    """What is at this address is the gateway's own: it is read, and never written."""

    status, code = 405, "not-supported"


class NotAcceptable(BadRequest):
    """None of the media types asked for can be written."""

    status, code = 406, "not-supported"


class LengthRequired(BadRequest):
    """The body has no end of its own and does not say its length: whether it was cut cannot be seen."""

    status, code = 411, "incomplete"


class TooLarge(BadRequest):
    """The body is over the size limit."""

    status, code = 413, "too-long"


class Misdirected(BadRequest):
    """The request names a host that is not this gateway."""

    status, code = 421, "security"


class Refused(GatewayError):
    """The caller may not do this."""

    status, code = 403, "forbidden"


class Unauthenticated(Refused):
    """The caller has not shown who it is."""

    status, code = 401, "login"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    status, code = 403, "forbidden"


class Absent(GatewayError):
    """There is nothing here."""

    status, code = 404, "not-found"


class NotFound(Absent):
    """No such resource."""

    status, code = 404, "not-found"


class Gone(Absent):
    """The resource was deleted."""

    status, code = 410, "deleted"


class Conflict(GatewayError):
    """The request does not fit the present state."""

    status, code = 409, "conflict"


class StaleVersion(Conflict):
    """The resource has changed since the version named in If-Match: read it again and repeat."""

    status, code = 412, "conflict"


class Unprocessable(GatewayError):
    """The content was read and cannot be accepted."""

    status, code = 422, "processing"


class Unmappable(Unprocessable):
    """The record cannot be mapped; each issue names its place."""

    status, code = 422, "processing"


class Invalid(Unprocessable):
    """The resource breaks a rule of its profiles."""

    status, code = 422, "invariant"


class IllegalMove(Unprocessable):
    """This change of state is not allowed from here."""

    status, code = 422, "business-rule"


class Trouble(GatewayError):
    """Something outside the gateway failed."""


class StoreUnavailable(Trouble):
    """The database cannot be reached or written: nothing was kept, repeat later."""

    status, code = 503, "transient"


class PartnerUnavailable(Trouble):
    """The partner did not answer as it should: it will be tried again."""

    status, code = 502, "transient"
    retry_after: float | None = None
    """Seconds the partner asked us to wait."""


class PartnerRefused(Trouble):
    """The partner understood and refused: a person has to look."""

    retry_after: float | None = None

    status, code = 502, "processing"


class Misconfigured(GatewayError):
    """A setting, table or definition is wrong: the process does not start."""


class BadTable(Misconfigured):
    """A mapping or concept table has an error; the message names file and row."""


class BadPackage(Misconfigured):
    """A FHIR package cannot be read."""


class BadProfile(Misconfigured):
    """A profile uses a construct that cannot be compiled; the message names profile and element."""
