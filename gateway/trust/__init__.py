"""Who may do what, and the one exit: `decide` (policy), `disclose` (the only way stored content leaves), audit rows.

    permit(caller, action=, type=, store=)                             raises Forbidden, and audits it
    disclose(kept | Collected | dict, caller=..., note=..., event=...)     -> Disclosed(body)

`note` is `tx.note` inside a transaction or `partial(store.note, caller)` for a read: the audit row is durable before
the bytes are handed on. No other module may turn stored content into outgoing bytes (tests/guards/test_one_exit.py).
"""
