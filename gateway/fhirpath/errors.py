"""What can go wrong with an expression, before and while it runs.

FhirPathError
+ SyntaxFault    the text is not FHIRPath, or too long or too deep
+ Unsupported    a function, variable or type that this engine does not have
+ Undecided      the answer needs what is not here: a terminology server, another profile
+ Failed         the data does not fit the expression (two items where one is meant, a wrong type)
+ TooCostly      the step budget is spent
"""

from __future__ import annotations


class FhirPathError(Exception):
    """An expression that could not be compiled or evaluated; the message quotes the expression, never the data."""


class SyntaxFault(FhirPathError):
    """The text is not FHIRPath."""


class Unsupported(FhirPathError):
    """The expression uses what this engine does not have; the message names it."""


class Undecided(FhirPathError):
    """The answer needs what is not at hand; the message names it."""


class Failed(FhirPathError):
    """The data does not fit the expression."""


class TooCostly(FhirPathError):
    """The evaluation took more steps than allowed."""
