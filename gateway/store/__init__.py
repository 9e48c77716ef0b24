"""Resources, versions, search index, audit and outbox, on SQLite and PostgreSQL."""
