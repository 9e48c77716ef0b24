"""FHIRPath, compiled once to closures and run many times. https://hl7.org/fhirpath/N1/

model = Model(definitions)
expression = compile("name.where(use = 'official').given", model=model, type="Patient")
expression(patient)                      # ['...']
expression.typed(patient)                # [('string', '...')]
compile("start <= end", model=model, type="Period").test(period, Env(resource=patient))
"""

from gateway.fhirpath.environment import Env, Terminology
from gateway.fhirpath.errors import Failed, FhirPathError, SyntaxFault, TooCostly, Undecided, Unsupported
from gateway.fhirpath.expression import Expression, compile
from gateway.fhirpath.model import Model
from gateway.fhirpath.values import Node

__all__ = [
    "Env",
    "Expression",
    "Failed",
    "FhirPathError",
    "Model",
    "Node",
    "SyntaxFault",
    "Terminology",
    "TooCostly",
    "Undecided",
    "Unsupported",
    "compile",
]
