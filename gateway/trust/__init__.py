"""Who may do what: decide, disclose, audit."""
