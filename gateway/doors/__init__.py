"""One wire format per file: bytes to records.

    readers = Readers.load(folder)                                    # mappings/, once, at start-up
    reading = readers.json("referral").read(body, today=today)        # a Reading; or care-plan, care-team
    reading = readers.json("care-plan").read_value(value, source=body, today=today)   # JSON that was read already
    file = readers.table("kaiser", "referral").read(body, today=today)
    file.rows                                                         # a Reading per row, in order
    file.issues                                                       # what was found about the file as a whole

A `Reading` (gateway.doors.reading) has `number`, `value` (None when refused), `issues`, `not_carried`, `source_hash`,
`mapping`, and `require()`. A body that cannot be read at all is Malformed (400); a file whose columns do not fit is
Unmappable (422); a bad JSON record or row is a Reading with errors. `Readers.load` raises BadTable.
"""
