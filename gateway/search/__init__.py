"""Search parameters compiled once: resources to index entries, requests to queries."""
