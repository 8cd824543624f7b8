"""Gateways: processes that speak HTTP to people and reach the streams over links, in some runs. Who kills one starts another.

Rule: a gateway knows nothing but what it is told. What people are told by it is checked as what an engine tells them itself.
"""

import asyncio

from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.clock import FollowedClock
from runline.engine.ports import Outside
from runline.gateway.health import never
from runline.gateway.server import make_server
from runline.simulate.clocks import Machine
from runline.simulate.links import GATEWAYS_SECRET
from runline.simulate.loop import VirtualLoop
from runline.simulate.network import Weather
from runline.simulate.processes import Leads, Process, QuickWorker

LOOKS_S = 1.0
"""The pause before a gateway that begins asks once more whether the owner of the streams is there."""

SILENT_S_MAX = 15.0
"""How long a gateway stands still before it is killed, as `runline serve` does it."""


class GatewayClock(FollowedClock):
    """The gateway's real clock, over a machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.machine = machine

    def host_ns(self) -> int:
        return self.machine.origin_ns + self.machine.passing.passed_ns


class Gateway(Process):
    """A gateway. place: which of those that people come to. told: its clock, by what it is told."""

    secret = GATEWAYS_SECRET

    def __init__(self, number: int, place: int, machine: Machine, vocabulary: Vocabulary, loop: VirtualLoop) -> None:
        self.told = GatewayClock(machine)
        super().__init__(number, "gateway", self.told, machine, vocabulary, loop)
        self.place = place
        self.starting: asyncio.Task[None] | None = None

    def start(self, leads: Leads, weather: Weather) -> None:
        """Begin to start."""
        self.starting = self.loop.create_task(self.run(leads, weather), context=self.context)

    async def run(self, leads: Leads, weather: Weather) -> None:
        """Start, and be up once the owner of the streams has answered: it says what time it is."""
        bus = self.link(leads, weather, self.told.hear)
        self.server = make_server(bus, Outside(self.clock, self.entropy, QuickWorker), reports=never)
        while True:
            try:
                await self.server.gateway.door.readiness()
                break
            except Rejected:
                await asyncio.sleep(LOOKS_S)
        self.up = True

    async def stop(self) -> None:
        """Stop as a gateway does that is told to."""
        self.up = False
        if self.server is not None:
            await self.server.gateway.close()
        for link in self.links:
            await link.close()


class Gateways:
    """All gateways of a run, by their places. started: how many there have been."""

    def __init__(self, machine: Machine, vocabulary: Vocabulary, loop: VirtualLoop, weather: Weather) -> None:
        self.machine = machine
        self.vocabulary = vocabulary
        self.loop = loop
        self.weather = weather
        self.started = 0
        self.kept: dict[int, Gateway] = {}

    def start(self, place: int, leads: Leads) -> Gateway:
        """Start one, in the place of another or for the first time."""
        self.started += 1
        gateway = Gateway(self.started, place, self.machine, self.vocabulary, self.loop)
        self.kept[place] = gateway
        gateway.start(leads, self.weather)
        return gateway

    def at(self, address: str) -> Gateway:
        """The one to which somebody comes from an address."""
        return self.kept[int(address.rpartition(".")[2]) % len(self.kept)]

    @property
    def are_up(self) -> bool:
        """Whether all take connections."""
        return all(one.up and not one.is_paused for one in self.kept.values())

    async def end(self, gateway: Gateway) -> None:
        """One is killed, with whatever it does."""
        if not gateway.dead:
            gateway.lose_power()
            await gateway.bury()
