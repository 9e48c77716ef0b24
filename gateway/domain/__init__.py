"""ECM as frozen dataclasses: member, referral, care plan, care team. Imports nothing of ours but errors."""
