"""Fixture cases driven against a gateway, running elsewhere or in this process, and compared with what they expect."""
