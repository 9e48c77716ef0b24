"""The judge of deliveries: their fate in the outbox compared with the partners' own records. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from gateway.ports import Delivery
from gateway.simulators.server import Simulator

SHARED = "Organization/"
"""What is referred to by many members' resources."""


@dataclass
class Findings:
    """What the judge found: every list must be empty."""

    not_accounted: list[str] = field(default_factory=list)
    not_arrived: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    left_older: list[str] = field(default_factory=list)
    """What many members' messages bring along may pass itself; in the end the newest must stand."""

    @property
    def sound(self) -> bool:
        return not (self.not_accounted or self.not_arrived or self.twice or self.backwards or self.left_older)


def judge(owed: int, deliveries: list[Delivery], partners: dict[str, Simulator]) -> Findings:
    """Compare every delivery's fate with the partners' own records."""
    found = Findings()
    if len(deliveries) != owed:
        found.not_accounted.append(f"{owed} owed, {len(deliveries)} in the outbox")
    found.not_accounted += [d.id for d in deliveries if d.state not in ("delivered", "parked", "dropped")]
    for name, partner in partners.items():
        shared = [effect for effect in partner.memory.effects if effect.reference.startswith(SHARED)]
        newest = {
            effect.reference: max(e.version for e in shared if e.reference == effect.reference) for effect in shared
        }
        last = {effect.reference: effect.version for effect in shared}
        found.left_older += [f"{name} {reference}" for reference in newest if last[reference] != newest[reference]]
        own = [effect for effect in partner.memory.effects if not effect.reference.startswith(SHARED)]
        effects = Counter((effect.reference, effect.version) for effect in own)
        found.twice += [f"{name} {reference} {version}" for (reference, version), times in effects.items() if times > 1]
        latest: dict[str, int] = {}
        for effect in own:
            if effect.version < latest.get(effect.reference, 0):
                found.backwards.append(f"{name} {effect.reference} {effect.version}")
            latest[effect.reference] = effect.version
        found.not_arrived += [
            f"{name} {d.owed.type}/{d.owed.id} {d.owed.version}"
            for d in deliveries
            if d.owed.partner == name
            and d.state == "delivered"
            and not effects[f"{d.owed.type}/{d.owed.id}", d.owed.version]
        ]
    return found
