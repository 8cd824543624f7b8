"""Wishes: what the house's staff wants of the nodes is written into the registry, by the node that owns the house.

Rule: only whoever owns the house tells, which the registry compares as it writes: who has stood still and has it no more tells
nothing. It is told in the order in which it was asked for, and told again if it is not known that it was: each is a state that is
wanted, so that nothing comes of saying it twice. What was told is noted in the house. (Whatever dies between the two, the next
owner of the house finds it there, and tells it.)
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from runline.cluster.limits import TENDED_AGAIN_S_MAX
from runline.cluster.registry import Assigned, Registry, RegistryError
from runline.domain.cluster import Wish
from runline.domain.messages import Rejected

log = logging.getLogger("runline.cluster")


class Wishing(Protocol):
    """The house, where it is owned."""

    def wished(self) -> Sequence[Wish]:
        """What the nodes are to be told, durable, in the order in which it was asked for; nothing where the house is not
        owned."""
        ...

    async def note_told(self, wish: Wish) -> None:
        """They were told. Raises Rejected, RegistryError."""
        ...


class Wishes:
    """Tells them. owned: as which the house is owned here, None where it is not."""

    def __init__(self, house: Wishing, registry: Registry, owned: Callable[[], Assigned | None]) -> None:
        self.house = house
        self.registry = registry
        self.owned = owned
        self.telling: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Something may be wanted, or the house has come here."""
        if self.telling is None and self.owned() is not None and self.house.wished():
            self.telling = asyncio.create_task(self.tell_all())

    async def tell_all(self) -> None:
        """Tell what there is, as often as it takes."""
        try:
            while (owned := self.owned()) is not None and (wishes := self.house.wished()):
                try:
                    await self.tell(wishes[0], owned)
                    await self.house.note_told(wishes[0])
                except (RegistryError, Rejected) as error:
                    log.warning("what is wanted of the nodes cannot be told, which is tried again: %s", error)
                    await asyncio.sleep(TENDED_AGAIN_S_MAX)
        finally:
            self.telling = None

    async def tell(self, wish: Wish, house: Assigned) -> None:
        """Tell one thing, as who owns the house. (Of a stream or a node that is not there any more, nothing is wanted.)

        Raises RegistryError.
        """
        if wish.wanted == "move":
            await self.registry.move(wish.name, wish.cluster_node, house)
        elif wish.wanted == "pin":
            await self.registry.pin(wish.name, wish.cluster_node, house)
        else:
            await self.registry.drain(wish.name, wish.wanted == "drain", house)

    async def close(self) -> None:
        """Tell nothing more."""
        if self.telling is not None:
            self.telling.cancel()
            await asyncio.gather(self.telling, return_exceptions=True)
