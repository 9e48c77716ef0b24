"""Typed models of what the gateway serves, for integrators.

    from gateway.client import model
    referral = model(response.content)        # a fhir.resources ServiceRequest
    referral.reasonCode[0].coding[0].code

The models are those of `fhir.resources` in its R4B flavour, which has the shape of R4 for the types that we serve.
They check shapes, not profiles or codes (`gateway.validation` does), and they rewrite some values (decimals, times):
take the bytes as the truth, the model as a view. Nothing on the request path uses them; they are imported when first
asked for, which takes about a second.
"""

from gateway.client.models import model, model_type

__all__ = ["model", "model_type"]
