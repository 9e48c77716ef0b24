"""Ask all partners that are to be asked, each on its interval, and once a week for everything there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.ports import Caller, Clock, Polled
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import Polling, Recent, poll_partner
from gateway.usecases.services import Services

LOOK_SECONDS = 30.0
"""How often it is looked whether asking is due."""
SWEEP_SECONDS = 7 * 86_400.0


@dataclass(slots=True)
class Rounds:
    """Rounds over `partners`; `tell` hears of each poll (partner, type). `services` is made for the first round."""

    partners: Sequence[Polled]
    caller: Caller
    services: Callable[[], Services]
    health: Health
    tell: Callable[[str, str, Polling], None]
    clock: Clock
    stopping: Callable[[], bool] = lambda: False
    _recent: Recent = field(default_factory=Recent)
    _look: datetime | None = None

    def step(self) -> int:
        """One round, if it is time to look; how many new versions were found."""
        now = self.clock()
        if not self.partners or (self._look is not None and now < self._look):
            return 0
        often = min(LOOK_SECONDS, *(one.every_seconds / 2 for one in self.partners))
        self._look = now + timedelta(seconds=often)
        return sum(self._asked(one, type) for one in self.partners for type in one.types if not self.stopping())

    def _asked(self, partner: Polled, type: str) -> int:
        services = self.services()
        cursors, name = services.store.cursors, f"{type}:sweep"
        sweep = cursors.claim(
            self.caller, partner=partner.name, name=name, now=self.clock(), lease_seconds=SWEEP_SECONDS
        )
        if sweep is not None:
            cursors.due(self.caller, partner=partner.name, name=type, now=self.clock())
        done = poll_partner(
            partner,
            type,
            self.caller,
            services=services,
            health=self.health,
            recent=self._recent,
            sweep=sweep is not None,
            stopping=self.stopping,
        )
        if sweep is not None and (done is None or done.error is not None):
            again = self.clock() + timedelta(seconds=partner.every_seconds)
            cursors.settle(sweep, through=None, due=again)
        if done is None:
            return 0
        self.tell(partner.name, type, done)
        return done.new
