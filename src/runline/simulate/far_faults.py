"""Far faults: what goes wrong on the network, with the links between processes, and with gateways.

Rule: as of all faults: everything comes right again, and whoever is killed is replaced.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from runline.simulate.gateways import SILENT_S_MAX, Gateway
from runline.simulate.links import CallerEnd, come_as_stranger
from runline.simulate.network import Pipe

if TYPE_CHECKING:
    from runline.simulate.faults import Faults

AWAY_S = (0.5, 5.0, 60.0)
HOPS_MAX = 40
REPLACED_S = (0.1, 1.0, 30.0)
"""The pause before a gateway that has ended is replaced."""

STILL_S = (0.05, 1.0, 5.0, 30.0)
STOPPING_S_MAX = 60.0
STRANGERS = (1, 3, 20)
"""How many come at once to where gateways connect: more, too, than there is room for."""


class FarFaults:
    """What goes wrong there. network, links, gateways: the kinds of faults."""

    def __init__(self, faults: "Faults") -> None:
        self.faults = faults
        self.world = faults.world
        self.decisions = faults.decisions
        self.gateways: dict[str, Callable[[], None]] = {
            "gateway killed": self.gateway_is_killed,
            "gateway paused": self.gateway_is_paused,
            "gateway stopped and started": self.gateway_is_stopped,
        }
        self.network: dict[str, Callable[[], None]] = {
            "connection cut": self.connection_is_cut,
            "connections half open": self.connection_is_half_open,
            "network slow": self.network_is_slow,
            "network in pieces": self.network_in_pieces,
        }
        self.links: dict[str, Callable[[], None]] = {
            "link cut": self.link_is_cut,
            "link half open": self.link_is_half_open,
            "strangers at the links": self.strangers_come,
        }

    # Gateways

    def gateway(self) -> Gateway:
        """One of them."""
        return self.decisions.one(list(self.world.gateways.kept.values()))

    def gateway_is_killed(self) -> None:
        """One is killed at a moment to come, wherever it is then."""
        self.world.loop.after_hops(self.decisions.draw(HOPS_MAX), 0, self.kill)

    def kill(self) -> None:
        gateway = self.gateway()
        if not gateway.dead and not self.faults.over:
            self.world.tell(f"gateway {gateway.number} is killed")
            gateway.lose_power()
            self.world.beside(self.is_replaced(gateway))

    def power_goes(self) -> None:
        """All die with the machine."""
        for gateway in self.world.gateways.kept.values():
            if not gateway.dead:
                gateway.lose_power()
                self.world.beside(self.is_replaced(gateway))

    async def is_replaced(self, gateway: Gateway) -> None:
        """One has ended: another is started in its place."""
        world = self.world
        if not gateway.dead:
            gateway.lose_power()
        await gateway.bury()
        world.loop.call_later(self.decisions.one(REPLACED_S), self.start_instead, gateway)

    def start_instead(self, gateway: Gateway) -> None:
        world = self.world
        if world.gateways.kept[gateway.place] is gateway and not world.over:
            found = world.gateways.start(gateway.place, world.to_streams)
            world.tell(f"gateway {found.number} is started")

    def gateway_is_paused(self) -> None:
        """One stands still for a while, from a moment to come; whoever does so for too long is killed."""
        self.world.loop.after_hops(self.decisions.draw(HOPS_MAX), 0, self.stands_still)

    def stands_still(self) -> None:
        gateway = self.gateway()
        if gateway.dead or gateway.is_paused or self.faults.over:
            return
        still_s = self.decisions.one(STILL_S)
        self.world.tell(f"gateway {gateway.number} stands still for {still_s} s")
        gateway.pause()
        if still_s < SILENT_S_MAX:
            self.faults.later(still_s, gateway.go_on)
        else:
            self.faults.later(SILENT_S_MAX, lambda: self.ends_as_it_hangs(gateway))

    def ends_as_it_hangs(self, gateway: Gateway) -> None:
        if gateway.is_paused:
            self.world.tell(f"gateway {gateway.number} hangs, and is killed")
            self.world.beside(self.is_replaced(gateway))

    def gateway_is_stopped(self) -> None:
        """One is told to stop, and another is started."""
        gateway = self.gateway()
        if gateway.up:
            self.world.beside(self.stops(gateway))

    async def stops(self, gateway: Gateway) -> None:
        stopping = self.world.loop.create_task(gateway.stop(), context=gateway.context)
        done, _ = await asyncio.wait((stopping,), timeout=STOPPING_S_MAX)
        error = stopping.exception() if done and not stopping.cancelled() else None
        if error is not None:
            self.world.wrong(f"a gateway cannot stop: {type(error).__name__}: {error}", error)
        if not gateway.dead:
            self.world.tell(f"gateway {gateway.number} has stopped")
            await self.is_replaced(gateway)

    # Links

    def link(self) -> Pipe | None:
        """One of those that stand."""
        pipes = [pipe for node in self.world.nodes for pipe in node.pipes if not pipe.ended]
        links = [pipe for pipe in pipes if isinstance(pipe.end, CallerEnd)]
        return self.decisions.one(links) if links else None

    def link_is_cut(self) -> None:
        link = self.link()
        if link is not None:
            link.cut()

    def link_is_half_open(self) -> None:
        """One end is not heard any more by the other. Both find out by their beats."""
        link = self.link()
        if link is not None and self.decisions.draw(2):
            link.mute = True
        elif link is not None:
            link.deaf = True

    def strangers_come(self) -> None:
        """Somebody who has no secret connects where gateways do, and says what no link begins with, or nothing."""
        node = self.world.node
        doors = node.for_gateways() if node is not None and node.up else None
        if node is None or doors is None:
            return
        for _ in range(self.decisions.one(STRANGERS)):
            said = self.decisions.one((b"", b"\xff\xff\xff\xff", b"\x40\0\0\0" + bytes(64), b"GET / HTTP/1.1\r\n\r\n"))
            node.pipes[come_as_stranger(doors[1], said, self.world.weather, node.context)] = None

    # The network

    def connection_is_cut(self) -> None:
        pipes = [pipe for node in self.world.nodes for pipe in node.pipes if not pipe.ended]
        if pipes:
            self.decisions.one(pipes).cut()

    def connection_is_half_open(self) -> None:
        """One side is not heard any more by the other; whoever waits for an answer hangs up after a while."""
        people = [one for one in self.world.people if one.conversation is not None and one.conversation.open]
        if not people:
            return
        person = self.decisions.one(people)
        pipe = person.conversation.pipe if person.conversation is not None else None
        assert pipe is not None
        if self.decisions.draw(2):
            pipe.mute = True
        else:
            pipe.deaf = True
        self.faults.later(10.0, person.hang_up)

    def network_is_slow(self) -> None:
        self.world.weather.delay_s = self.decisions.one((0.003, 0.05, 0.5))
        self.faults.later(self.decisions.one(AWAY_S), self.network_is_well)

    def network_in_pieces(self) -> None:
        self.world.weather.pieces = self.decisions.one((1_000, 100, 7))
        self.faults.later(self.decisions.one(AWAY_S), self.network_is_well)

    def network_is_well(self) -> None:
        self.world.weather.delay_s = 0.0
        self.world.weather.pieces = 0
