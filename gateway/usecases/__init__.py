"""What the gateway does, one sentence of the trade per file."""
