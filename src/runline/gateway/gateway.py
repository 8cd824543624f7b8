"""Gateway: everything that the routes need, put together."""

from collections.abc import Mapping

from runline.domain.sessions import SessionLimits
from runline.engine.ports import Outside
from runline.gateway.door import Door
from runline.gateway.fan import Fan
from runline.gateway.health import Health
from runline.gateway.passwords import Passwords
from runline.gateway.pulse import Pulse
from runline.gateway.signing import Signing
from runline.gateway.site import Site


class Gateway:
    """Everything that the routes need. outside: what it has from outside. lasting: how long sessions last."""

    def __init__(
        self,
        door: Door,
        outside: Outside,
        fan: Fan,
        health: Health,
        site: Site,
        lasting: Mapping[str, SessionLimits] | None = None,
    ) -> None:
        self.door = door
        self.clock = outside.clock
        self.passwords = Passwords(outside.workers, outside.entropy)
        self.signing = Signing(door, self.passwords, outside.entropy, lasting)
        self.fan = fan
        self.health = health
        self.pulse = Pulse(fan, outside.clock, health.told)
        self.site = site

    async def close(self) -> None:
        """End the live streams, and whatever goes on."""
        await self.pulse.close()
        await self.health.close()
        self.fan.close()
        self.passwords.close()
