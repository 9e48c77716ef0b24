"""Topic subscriptions by the R5 backport guide 1.1, for R4: pure. Topics are data, filters are searches.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/. What is kept and sent is the use cases' affair.
"""
