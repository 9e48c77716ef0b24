"""ECM Gateway: Enhanced Care Management referrals, care plans and care teams as FHIR R4."""
