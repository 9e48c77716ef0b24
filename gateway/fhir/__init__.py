"""FHIR R4 as plain data: reading, writing, building. Knows not one word of ECM."""
