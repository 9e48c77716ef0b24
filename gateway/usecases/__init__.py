"""What the gateway does, one sentence of the trade per file. They know no Flask, no SQL and no HTTP library.

Each takes what came in, the `Caller`, and `services` (see `gateway.usecases.services`), and hands back plain results;
what may leave comes as `Disclosed` from `gateway.trust`.
"""
