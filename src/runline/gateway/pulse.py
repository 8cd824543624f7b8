"""Pulse: what is told at regular times: that the streams are alive, and how Runline is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from runline.domain.messages import Rejected
from runline.domain.times import with_times
from runline.engine.ports import Clock
from runline.gateway.fan import Fan, Followed, ScreenGroup
from runline.gateway.limits import HEALTH_S, HEARTBEAT_S, SCREENS_AT_ONCE
from runline.gateway.screens import chunk_of, push_to

encode = msgspec.json.Encoder().encode


class Pulse:
    """Tells the screens of a fan. health: how Runline is, as the people of a stream are told."""

    def __init__(self, fan: Fan, clock: Clock, health: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        self.fan = fan
        self.clock = clock
        self.health = health
        self.task = asyncio.create_task(self.beat())

    async def close(self) -> None:
        """End."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def beat(self) -> None:
        """Say now and then that the streams are alive, and each second how the engine is."""
        beats = 0
        while True:
            await asyncio.sleep(HEALTH_S)
            beats += 1
            for followed in list(self.fan.followed.values()):
                await self.tell_health(followed)
            if beats % max(int(HEARTBEAT_S / HEALTH_S), 1) == 0:
                for followed in list(self.fan.followed.values()):
                    for number, group in list(followed.groups.items()):
                        await self.heart(followed, group, number in followed.due)

    async def tell_health(self, followed: Followed) -> None:
        """Write how Runline is to all screens of a stream that follow that. It moves no position, and so has no id."""
        screens = [screen for group in followed.groups.values() if "health" in group.topics for screen in group.screens]
        if not screens:
            return
        try:
            health = await self.health(followed.stream)
        except Rejected:
            # Whoever owns the stream cannot be asked now: its screens hear nothing new until that is over.
            return
        await push_to(screens, b'event: delta\ndata: {"topics":{"health":%b}}\n\n' % with_times(encode(health)))

    async def heart(self, followed: Followed, group: ScreenGroup, due: bool) -> None:
        """Write a heartbeat to a group. It has an id for those who have everything up to there: what comes between two
        frames must not be skipped by who resumes there."""
        now_ns = self.clock.host_ns()
        house, position = followed.position
        head = b'{"from":%d,"position":%d,"house_from":%d,"house":%d,"server_ns":%d}' % (
            group.position[1], position, group.position[0], house, now_ns,
        )  # fmt: skip
        head = with_times(head)
        bare = b"event: heartbeat\ndata: %b\n\n" % with_times(b'{"server_ns":%d}' % now_ns)
        whole = b"id: %b:%d:%d\nevent: heartbeat\ndata: %b\n\n" % (group.log.encode(), house, position, head)
        bare_chunk, whole_chunk = chunk_of(bare), chunk_of(whole)
        for number, screen in enumerate(list(group.screens), 1):
            has_it = not due and max(screen.begun[1], group.position[1]) <= position
            has_it = has_it and max(screen.begun[0], group.position[0]) <= house
            if has_it:
                screen.push(whole, whole_chunk)
            else:
                screen.push(bare, bare_chunk)
            if number % SCREENS_AT_ONCE == 0:
                await asyncio.sleep(0)
