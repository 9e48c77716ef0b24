"""ECM as frozen dataclasses: member, referral, care plan, care team. Imports nothing of ours but errors.

Unknown is `None` or an empty tuple, never an empty string. Field names are the JSON names of the gateway's own schemas
and the `to` paths of the column tables (`member.name.first`). Codes are StrEnums in `codes`; values that come from
dated tables (plan, county, language, program) are strings whose `Annotated` mark in `values` names the table.
"""
