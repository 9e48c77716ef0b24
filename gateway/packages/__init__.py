"""FHIR packages: condensed to facts, loaded, looked up by canonical."""
