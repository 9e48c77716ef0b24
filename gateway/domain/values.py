"""Kinds of text that are read with care: each is a `str` (or `date`) whose mark names how it is read.

The mark is the only thing a reader looks at; the values below are in canonical form once read.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

Text = Annotated[str, "text"]
"""One line: trimmed, runs of white space made one, no control characters."""
LongText = Annotated[str, "long-text"]
"""Free text as written, line ends as \\n."""
Token = Annotated[str, "token"]
"""An identifier of the sender's own: no inner white space is changed."""
Cin = Annotated[str, "cin"]
"""Medi-Cal Client Index Number: 8 digits and a capital letter."""
Npi = Annotated[str, "npi"]
"""National Provider Identifier: 10 digits, Luhn over 80840 + NPI."""
Tin = Annotated[str, "tin"]
"""Tax identifier, 9 digits."""
Zip = Annotated[str, "zip"]
"""`90012` or `90012-1234`."""
State = Annotated[str, "state"]
"""USPS code of two capitals."""
County = Annotated[str, "county"]
"""Name of a Californian county, from concepts/county.csv."""
PlanCode = Annotated[str, "plan"]
"""Our code of a managed care plan, from concepts/plan.csv."""
Language = Annotated[str, "language"]
"""BCP-47 tag, from concepts/language.csv."""
ProgramCode = Annotated[str, "program"]
"""A program that may overlap with ECM, from criteria/overlap.csv."""
CriterionId = Annotated[str, "criterion"]
"""A criterion of a Population of Focus (`2.A1`), from criteria/criteria.csv."""
CommunitySupport = Annotated[str, "community-support"]
"""A Community Support, from concepts/community-support.csv."""
PhoneNumber = Annotated[str, "phone"]
"""E.164 (`+12135550123`)."""
Email = Annotated[str, "email"]
AidCode = Annotated[str, "aid-code"]
"""Medi-Cal aid code, two characters."""
DiagnosisCode = Annotated[str, "icd10"]
"""ICD-10-CM code with its point (`Z59.01`)."""
BirthDate = Annotated[date, "birth-date"]
"""Not in the future."""
EndDate = Annotated[date, "end-date"]
"""12/31/2078 in a source means open and is read as None."""
HcpCode = Annotated[str, "hcp-code"]
"""DHCS health care plan code of plan and county, three digits."""
ReferralStatus = Annotated[str, "referral-status"]
"""Referral Status of the closed-loop guidance, from concepts/referral-status.csv."""
ClosureReason = Annotated[str, "loop-closure-reason"]
"""Reason for Referral Loop Closure, from concepts/loop-closure-reason.csv."""
LifeCycleState = Annotated[str, "life-cycle-state"]
"""State of Enhanced Care Management, from concepts/life-cycle-state.csv."""
DiscontinuationReason = Annotated[str, "discontinuation-reason"]
"""Why Enhanced Care Management ended, from concepts/discontinuation-reason.csv; plans number differently."""
