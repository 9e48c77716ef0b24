"""Referral -> transaction Bundle of about eight resources, and back. Always possible: a Referral is always mappable.

| resource                              | is written                | id from                            |
| ServiceRequest, QuestionnaireResponse | again (a new version)     | the sender's key of the referral   |
| Task, Provenance                      | once                      | that key; target and document hash |
| Patient                               | again                     | CIN, plan's number or document     |
| Coverage                              | again                     | the Patient and the plan           |
| people and organizations              | again, always the same    | what the document states of them   |
"""

from __future__ import annotations

from gateway.domain.referral import Referral
from gateway.fhir.bundle import Collected, Resolver
from gateway.fhir.codec import Json
from gateway.mapping import coverage, document, provenance, questionnaire_response, referrer, service_request, task
from gateway.mapping.context import Context
from gateway.mapping.service_request import Around


def to_fhir(referral: Referral, *, context: Context) -> Json:
    """The transaction Bundle of one referral: ServiceRequest and Task first.

    The same facts by two doors give equal resources, but for the Provenance and Task.authoredOn.
    """
    collected = Collected()
    subject, insurance = document.begun(referral, context=context, collected=collected)
    requester = referrer.to_fhir(referral.referrer, patient=subject, context=context, collected=collected)
    request = {"reference": f"ServiceRequest/{service_request.id_of(referral, context=context)}"}
    answers = questionnaire_response.to_fhir(
        referral, request=request, subject=subject, author=requester.reference, context=context
    )
    around = Around(subject, requester, insurance, collected.add(answers) if answers else None)
    collected.add(service_request.to_fhir(referral, around=around, context=context, collected=collected))
    operator = collected.add(provenance.operator(context))
    collected.add(
        task.to_fhir(
            referral,
            request=request,
            subject=subject,
            requester=requester.organization or operator,
            owner=_plan(referral, context),
            context=context,
        ),
        once=True,
    )
    author = requester.organization or _private(requester.reference)
    collected.add(provenance.to_fhir(request, author=author, operator=operator, context=context), once=True)
    return collected.transaction(base=context.base, first=("ServiceRequest", "Task"))


def from_fhir(bundle: Json) -> Referral:
    """The referral in a Bundle of one ServiceRequest and what it refers to; Unmappable where it is not one of ours."""
    return document.read(bundle, "ServiceRequest", "an ECM referral", reader=_referral)


def _referral(request: Json, resolver: Resolver) -> Referral:
    supporting = (resolver.find(ref) for ref in request.get("supportingInfo", ()))
    answers = next((one for one in supporting if one and one["resourceType"] == "QuestionnaireResponse"), None)
    return Referral(
        member=document.member_of(request, resolver),
        referrer=referrer.from_fhir(request, resolver=resolver),
        coverage=coverage.from_fhir(next(iter(request.get("insurance", ())), None), resolver=resolver),
        criteria=questionnaire_response.from_fhir(answers),
        received=task.received_from(resolver.only("Task")),
        **service_request.from_fhir(request, resolver=resolver),
    )


def _plan(referral: Referral, context: Context) -> Json | None:
    code = referral.coverage.plan if referral.coverage else None
    return {"reference": f"Organization/{context.ids.of('Organization', 'plan', code)}"} if code else None


def _private(requester: Json) -> Json | None:
    """A private person may be an author alone; a Practitioner only on behalf of an organization (US Core)."""
    return requester if requester["reference"].startswith(("Patient/", "RelatedPerson/")) else None
