"""Live: everyone sees a change the moment it is durable. All hubs of the process, one for each stream that somebody follows.

Rule: a hub lives from its first screen to its last one, and there is one for each stream: nothing waits between looking it up
and entering it.
"""

import asyncio
from typing import Any

import msgspec

from runline.domain.messages import HOUSE, Rejected
from runline.domain.watch import NoteHealth
from runline.engine.engine import Engine
from runline.engine.probes import Histogram
from runline.engine.requests import Sink, not_signed_in
from runline.gateway.door import Caller, Door
from runline.gateway.drafts import Group
from runline.gateway.hub import SCREENS_AT_ONCE, Delivery, Hub
from runline.gateway.limits import HEARTBEAT_S
from runline.gateway.ring import Rings
from runline.gateway.screens import Asker, Resume, Screen, chunk_of
from runline.gateway.shares import Streams
from runline.monitor.health import HealthMonitor
from runline.reads.conditions import conditions_told
from runline.reads.shares import Spending, Turns, User, user_of

DELIVERY_WAIT_S = 2.0

HEALTH_S = 1.0
KEEP_BEATS = 30

JOINS_AT_ONCE = 16
"""Screens that are let in before the loop has its turn."""

encode = msgspec.json.Encoder().encode


class Live:
    """All live streams of the process."""

    def __init__(self, engine: Engine, door: Door, turns: Turns, spending: Spending) -> None:
        self.engine = engine
        self.door = door
        self.hubs: dict[str, Hub] = {}
        self.rings = Rings(engine)
        self.turns = turns
        self.spending = spending
        self.streams = Streams()
        self.entering = asyncio.Semaphore(JOINS_AT_ONCE)
        self.delivery = Histogram()
        self.places: dict[Screen, tuple[User, bool]] = {}
        """Every screen, whose place it has, and whether that is a player's."""
        probes = engine.probes
        self.monitor = HealthMonitor(probes.commit, probes.answer, self.delivery, self.report)
        self.beating = asyncio.create_task(self.beat())
        self.tasks = [asyncio.create_task(self.monitor.run()), self.beating]

    @property
    def count(self) -> int:
        """Live streams."""
        return self.streams.count

    def report(self, command: NoteHealth, sink: Sink) -> None:
        """Send the house what the monitor has found."""
        self.door.report(HOUSE, command, sink)

    async def join(self, caller: Caller, topics: tuple[str, ...], resume: Resume | None, node: str = "") -> Screen:
        """Let a screen follow its stream, or what concerns one node; it gets its first frame as soon as that is durable.

        Raises Rejected `busy`.
        """
        held = self.engine.require(caller.stream).state.sessions.get(caller.session)
        if held is None:
            # That it has ended may not be durable yet.
            await self.engine.query(caller.stream, lambda state: None)
            raise not_signed_in()
        asker = Asker(caller.stream, caller.session, held.user)
        user = user_of(self.engine.require(asker.stream).state, asker.user)
        async with self.entering:
            # When a thousand come back at once, everyone else has their turns between them.
            await asyncio.sleep(0)
        await self.spending.wait(user)
        known = self.engine.require(asker.stream).state.users.get(asker.user)
        player = known is not None and bool(known.player)
        crowded = self.streams.enter(user, player)
        screen = Screen(asker, topics, resume, node)
        self.places[screen] = user, player
        hub = self.hubs.get(asker.stream)
        if hub is None:
            hub = self.hubs[asker.stream] = Hub(
                self.engine,
                asker.stream,
                f"{self.engine.store.log_id} {asker.stream}".encode(),
                self.rings,
                self.turns,
                self.spending,
                self.delivery,
            )
        hub.enter(screen)
        if crowded is not None:
            self.give_way(crowded)
        return screen

    def give_way(self, user: User) -> None:
        """End the stream of a user that began last: their place is somebody else's now."""
        screens = self.hubs[user[0]].of_user[user[2]]
        last = next(reversed(screens))
        last.reset("busy")
        self.leave(last)

    async def delivery_of(self, stream: str, position: int) -> Delivery:
        """When a position of a stream was on its screens; waits for it for a moment.

        Raises Rejected `unknown_delivery` if it was too long ago, or nobody follows the stream.
        """
        hub = self.hubs.get(stream)
        try:
            async with asyncio.timeout(DELIVERY_WAIT_S):
                while hub is not None and hub.screens:
                    if hub.deliveries and hub.deliveries[-1].position >= position:
                        found = next(one for one in hub.deliveries if one.position >= position)
                        if found.after < position:
                            return found
                        break
                    await hub.delivered.wait()
        except TimeoutError:
            pass
        raise Rejected("unknown_delivery", "It is not known when this was on screens.", position=position)

    def leave(self, screen: Screen) -> None:
        """A screen has gone. With its last screen a hub goes too."""
        place = self.places.pop(screen, None)
        if place is None:
            return
        screen.close()
        stream = screen.asker.stream
        self.streams.leave(*place)
        hub = self.hubs[stream]
        hub.leave(screen)
        if not hub.screens:
            del self.hubs[stream]
            hub.close()

    async def close(self) -> None:
        """End all streams."""
        for hub in list(self.hubs.values()):
            hub.close("stopping")
        tasks = [*self.tasks, *(hub.task for hub in self.hubs.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self.rings.ending, return_exceptions=True)

    # Time

    async def beat(self) -> None:
        """Say now and then that the streams are alive, and each second how the engine is."""
        beats = 0
        while True:
            await asyncio.sleep(HEALTH_S)
            beats += 1
            for hub in list(self.hubs.values()):
                if beats % KEEP_BEATS == 0:
                    for asker in {screen.asker for screen in hub.screens}:
                        self.keep(asker)
                following = hub.following.get("health")
                if following:
                    await self.write(health_frame(self.health(hub.stream)), list(following))
            if beats % max(int(HEARTBEAT_S / HEALTH_S), 1) == 0:
                for hub in list(self.hubs.values()):
                    for group in list(hub.groups.values()):
                        await self.heart(hub, group)

    def keep(self, asker: Asker) -> None:
        """A screen that looks on keeps a program's session."""
        state = self.engine.peek(asker.stream)
        held = state.sessions.get(asker.session) if state is not None else None
        if held is not None:
            self.engine.presence.used(asker.stream, held, acts=False)

    async def write(self, frame: bytes, groups: list[Group]) -> None:
        """Write a frame without an id to all of some groups that have had their first frame."""
        chunk = chunk_of(frame)
        for number, screen in enumerate([screen for group in groups for screen in group.screens], 1):
            if screen.begun is not None:
                screen.push(frame, chunk)
            if number % SCREENS_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def heart(self, hub: Hub, group: Group) -> None:
        """Write a heartbeat to a group. It has an id for those who have everything up to there: what comes between two
        frames must not be skipped by who resumes there."""
        now_ns = self.engine.clock.host_ns()
        house, position = place = hub.position
        head = b'{"from":%d,"position":%d,"house_from":%d,"house":%d,"server_ns":%d}' % (
            group.position[1], position, group.position[0], house, now_ns,
        )  # fmt: skip
        bare = b"event: heartbeat\ndata: %b\n\n" % (b'{"server_ns":%d}' % now_ns)
        whole = b"id: %b:%d:%d\nevent: heartbeat\ndata: %b\n\n" % (group.log.encode(), house, position, head)
        settled = group.draft is None and group.composed == group.position
        for number, screen in enumerate(list(group.screens), 1):
            if screen.begun is None:
                continue
            has_it = settled and max(screen.begun[1], group.position[1]) <= position
            has_it = has_it and max(screen.begun[0], group.position[0]) <= place[0]
            frame = whole if has_it else bare
            screen.push(frame, chunk_of(frame))
            if number % SCREENS_AT_ONCE == 0:
                await asyncio.sleep(0)

    def health(self, stream: str) -> dict[str, Any]:
        """How fast Runline is just now. Volumes, which are of the whole platform, are for the house's staff."""
        engine, recent = self.engine, self.monitor.percentile_ms
        values: dict[str, Any] = {
            "recoveries": engine.probes.recoveries,
            "commit_ms_p50": recent("commit", 50),
            "commit_ms_p99": recent("commit", 99),
            "answer_ms_p99": recent("answer", 99),
            "delivery_ms_p99": recent("delivery", 99),
            "loop_ms_p99": recent("loop", 99),
            "slow": list(engine.view.slownesses),
            "conditions": conditions_told(engine.conditions.standing.values(), stream, whole=False),
            "server_ns": engine.clock.host_ns(),
        }
        if stream == HOUSE:
            probes = engine.probes
            return values | {
                "accepted": probes.accepted,
                "refused": sum(probes.refused.values()),
                "logged": probes.events,
                "screens": self.count,
            }
        return values


def health_frame(values: dict[str, Any]) -> bytes:
    """The frame of the topic `health`. It has no id: it moves no position."""
    return b'event: delta\ndata: {"topics":{"health":%b}}\n\n' % encode(values)
