"""Flask and nothing else: `create_app(web)`, one file per FHIR interaction, one per door of the gateway's own schemas.

A view reads the request, calls one use case, and answers through `gateway.web.answers`; it writes no failure's status
(`gateway.web.problems` alone turns exceptions into responses).
"""
