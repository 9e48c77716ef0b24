"""Partner record <-> domain <-> FHIR; pure."""
