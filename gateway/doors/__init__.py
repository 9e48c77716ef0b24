"""One wire format per file: bytes to records."""
