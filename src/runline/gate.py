"""A gate: how a process that owns no stream reaches the nodes of a cluster, by what their registry says.

Rule: it writes nothing, and what it saw last holds while the registry does not answer.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import msgspec

from runline.bus.link import LinkBus
from runline.bus.reach import connect
from runline.bus.routed import RoutedBus
from runline.cluster.limits import ANSWERED_S
from runline.cluster.member import NotJoined
from runline.cluster.places import Onlooker, Places, behind
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import Whose
from runline.config import Settings
from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import MEASURES, READY, Readiness
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.bus import Answer, Bus, Question
from runline.engine.clock import FollowedClock
from runline.engine.ports import Clock

encode = msgspec.json.Encoder().encode


async def found(places: Places, stream: str) -> None:
    """Wait until somebody has a stream."""
    changed = asyncio.Event()
    places.listen(changed.set)
    while places.where(stream) is None:
        changed.clear()
        await changed.wait()


class GatewayBus(RoutedBus):
    """The streams of all nodes, for a process that owns none. It is ready if somebody has the house, and any node answers: that
    nodes are gone is known from other nodes, and if all are, from nobody."""

    answered: "asyncio.Task[bool] | None" = None
    """Whether any node has answered, or will have, when they were asked last."""
    asked_s = 0.0

    async def ask(self, question: Question) -> Answer:
        if question.name == READY and not question.stream:
            return Answer(0, encode(Readiness(self.places.where(HOUSE) is not None and await self.is_answered(), ())))
        return await super().ask(question)

    async def is_answered(self) -> bool:
        """Whether any node answers, as it was a moment ago: they are asked together for all who ask meanwhile."""
        answered, now_s = self.answered, self.loop.time()
        if answered is None or (answered.done() and now_s - self.asked_s >= ANSWERED_S):
            answered = self.answered = self.loop.create_task(self.ask_nodes())
            self.asked_s = now_s
        return await asyncio.shield(answered)

    async def close(self) -> None:
        if self.answered is not None:
            self.answered.cancel()
            await asyncio.gather(self.answered, return_exceptions=True)
        await super().close()

    async def ask_nodes(self) -> bool:
        """Ask all of them, until one has answered."""
        asked = [asyncio.ensure_future(self.link(one).ask(Question("", MEASURES))) for one in self.places.addresses()]
        try:
            for answered in asyncio.as_completed(asked):
                with suppress(Rejected):
                    await answered
                    return True
            return False
        finally:
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)


class Gate(NamedTuple):
    """What a gateway reaches the nodes by. clock: goes by theirs."""

    bus: Bus
    clock: Clock
    places: Places


@asynccontextmanager
async def looking_on(settings: Settings, whose: Whose = "gateways") -> AsyncIterator[Gate]:
    """The nodes of a cluster, for a gateway. whose: by which secret, and so what the nodes let it do.

    Raises RegistryError, StoreError; NotJoined if it is of a version before theirs.
    """
    registry = PostgresRegistry(settings.store.url, f"{settings.engine.node} gateway")
    try:
        # It writes nothing at all: a user of the database who may only look is enough for it, and not at the nodes' own secret.
        secret = await registry.secret(b"", whose)
        vocabulary, clock, places = plain_vocabulary(), FollowedClock(), Places(registry)
        if (level := (await registry.look()).level) > vocabulary.level:
            raise NotJoined(behind(level, vocabulary.level))

        def link_to(address: str) -> LinkBus:
            def hear(now_ns: int) -> None:
                clock.hear(now_ns, address)

            return LinkBus(vocabulary, clock, os.urandom, secret, connect(address, settings.cluster.tls), hear)

        bus = GatewayBus(vocabulary, clock, os.urandom, None, places, link_to)
        looking = asyncio.create_task(Onlooker(registry, places, vocabulary.level).run())
        try:
            yield Gate(bus, clock, places)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            await places.close()
            await bus.close()
    finally:
        await registry.close()
