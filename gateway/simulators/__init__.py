"""Partners to try the gateway against: small HTTP servers on loopback that behave, or misbehave by script."""
