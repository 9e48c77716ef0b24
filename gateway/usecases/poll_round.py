"""Ask all partners that are to be asked, each on its interval, and once a week for everything there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.ports import Caller, Clock, Polled
from gateway.usecases.partner_health import Health
from gateway.usecases.poll_partner import LEASE_SECONDS, Polling, Recent, poll_partner
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
        """One round, if it is time to look; how many new versions were found. What goes wrong with one partner (the
        database is away) is raised when the others were asked."""
        now = self.clock()
        if not self.partners or (self._look is not None and now < self._look):
            return 0
        often = min(LOOK_SECONDS, *(one.every_seconds / 2 for one in self.partners))
        self._look = now + timedelta(seconds=often)
        new, wrong = 0, []
        for partner, type in [(one, type) for one in self.partners for type in one.types]:
            if self.stopping():
                break
            try:
                new += self._asked(partner, type)
            except Exception as error:
                wrong.append(error)
        if wrong:
            raise wrong[0]
        return new

    def _asked(self, partner: Polled, type: str) -> int:
        services = self.services()
        cursors, name = services.store.cursors, f"{type}:sweep"
        now = self.clock()
        sweep = cursors.claim(self.caller, partner=partner.name, name=name, now=now, lease_seconds=LEASE_SECONDS)
        if sweep is not None:
            cursors.due(self.caller, partner=partner.name, name=type, now=now)
        done = None
        try:
            done = poll_partner(
                partner,
                type,
                self.caller,
                services=services,
                health=self.health,
                recent=self._recent,
                sweep=sweep is not None,
                stopping=self.stopping,
                renew=[sweep] if sweep else [],
            )
        finally:
            if sweep is not None:
                swept = done is not None and done.error is None
                again = timedelta(seconds=SWEEP_SECONDS if swept else partner.every_seconds)
                cursors.settle(sweep, through=None, due=now + again)
        if done is None:
            return 0
        self.tell(partner.name, type, done)
        return done.new
