"""Operating: streams are moved, pinned and drained by hand: `runline cluster move | pin | drain`.

Rule: what is wanted is written into the registry; whoever coordinates has it done, by the owners. It is said what will happen,
and what came of it. Nothing is wanted of a node that is not there, or that gives away what it has.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runline.cluster.limits import DONE_LOOK_S, DONE_S_MAX
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import Assigned, Node, Registry, RegistryError, Seen
from runline.cluster.status import alive_in
from runline.engine.ports import StoreError
from runline.shell import DONE, FAILED, UnusableError, complain, nearest

Say = Callable[[str], None]


class Operating:
    """One thing that is done by hand. say: takes sentences."""

    def __init__(self, registry: Registry, say: Say) -> None:
        self.registry = registry
        self.say = say

    async def stream(self, name: str) -> Assigned:
        """A stream that there is. Raises UnusableError, RegistryError."""
        streams = await self.registry.streams()
        if name not in streams:
            raise UnusableError(
                f"There is no stream {name}. {nearest(name, streams)}`runline cluster status` names them"
            )
        return streams[name]

    async def node(self, name: str) -> Node:
        """A node that is known. Raises UnusableError, RegistryError."""
        nodes = await self.registry.nodes()
        if name not in nodes:
            raise UnusableError(f"There is no node {name}. {nearest(name, nodes)}`runline cluster status` names them")
        return nodes[name]

    async def require_taking(self, name: str) -> None:
        """A node is there, and takes streams. Raises UnusableError, RegistryError."""
        node = await self.node(name)
        if not is_there(await self.registry.look(), node):
            raise UnusableError(f"The node {name} is not there. Remedy: start it")
        if node.draining:
            raise UnusableError(
                f"The node {name} drains, and takes nothing. Remedy: runline cluster drain {name} --off"
            )

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> bool:
        """Wait until something holds; false if it does not come to that."""
        told = asyncio.Event()
        self.registry.listen(told.set)
        with suppress(TimeoutError):
            async with asyncio.timeout(DONE_S_MAX):
                while True:
                    told.clear()
                    if await holds():
                        return True
                    with suppress(TimeoutError):
                        async with asyncio.timeout(DONE_LOOK_S):
                            await told.wait()
        return False

    async def is_at(self, stream: str, node: str) -> bool:
        """Whether a stream is taken by a node."""
        one = (await self.registry.streams()).get(stream)
        return one is not None and one.node == node and one.taken == one.number

    async def move(self, stream: str, node: str) -> bool:
        """Have a stream at a node, now. Raises UnusableError, RegistryError."""
        before = await self.stream(stream)
        await self.require_taking(node)
        if await self.is_at(stream, node):
            self.say(f"{stream} is at {node} already.")
            return True
        self.say(f"{stream} goes from {before.node or 'nobody'} to {node}; what is sent to it meanwhile waits.")
        await self.registry.pin(stream, node)
        moved = False
        try:
            moved = await self.until(lambda: self.is_at(stream, node))
        finally:
            # It was wanted once, and not for ever: whether it has come there, or nobody waits for that any more.
            await self.wanted_no_more(stream, node, "" if moved and before.pinned != node else before.pinned)
        if not moved:
            self.say(
                f"It has not come there within {DONE_S_MAX:g} s, and is wanted there no more: runline cluster status"
            )
            return False
        self.say(f"{stream} is at {node}. (It may go on from there where loads are shared out: `pin` keeps it.)")
        if before.pinned and before.pinned != node:
            self.say(f"It was pinned to {before.pinned}, and is no more.")
        return True

    async def wanted_no_more(self, stream: str, node: str, pinned: str) -> None:
        """Have a stream pinned as it is to be from now on. Raises RegistryError; then it is said how it is."""
        try:
            await self.registry.pin(stream, pinned)
        except RegistryError:
            self.say(f"{stream} may still be pinned to {node}. Remedy: runline cluster pin {stream} --anywhere")
            raise

    async def pin(self, stream: str, node: str) -> bool:
        """Have a stream at a node for as long as that is there; "": anywhere. Raises UnusableError, RegistryError."""
        await self.stream(stream)
        if not node:
            await self.registry.pin(stream, "")
            self.say(f"{stream} may be at any node; it stays where it is until loads are shared out.")
            return True
        await self.require_taking(node)
        await self.registry.pin(stream, node)
        self.say(f"{stream} is pinned to {node}: it goes there, and comes back there whenever {node} has been away.")
        there = await self.until(lambda: self.is_at(stream, node))
        self.say(
            f"{stream} is at {node}." if there else f"It has not come there within {DONE_S_MAX:g} s; it stays pinned."
        )
        return there

    async def drain(self, name: str, *, off: bool) -> bool:
        """Have a node give away all that it has, or take streams again. Raises UnusableError, RegistryError."""
        node = await self.node(name)
        if off:
            await self.registry.drain(name, draining=False)
            self.say(f"{name} takes streams again.")
            return True
        if not is_there(await self.registry.look(), node):
            raise UnusableError(f"The node {name} is not there: it has nothing to give away")
        if not await self.others(name):
            raise UnusableError(f"No other node takes the streams of {name}. Remedy: start one")
        await self.registry.drain(name, draining=True)
        has = await self.streams_of(name)
        self.say(f"{name} gives away {len(has)} streams, and takes none before it is started again, or --off.")

        async def is_empty() -> bool:
            return not await self.streams_of(name)

        empty = await self.until(is_empty)
        left = len(await self.streams_of(name))
        self.say(
            f"{name} has no streams any more." if empty else f"{name} has {left} streams yet, and goes on with it."
        )
        return empty

    async def streams_of(self, name: str) -> list[str]:
        """What is assigned to a node."""
        return [one.stream for one in (await self.registry.streams()).values() if one.node == name]

    async def others(self, name: str) -> list[str]:
        """The nodes beside one that are there and take streams."""
        seen, nodes = await self.registry.look(), await self.registry.nodes()
        return [one for one, node in nodes.items() if one != name and is_there(seen, node) and not node.draining]


def is_there(seen: Seen, node: Node) -> bool:
    """Whether a node holds its lease, as the database says."""
    return alive_in(seen).get(node.name) == node.incarnation


def operate(url: str, work: Callable[[Operating], Awaitable[bool]]) -> int:
    """Do one thing: 0 it was done, 1 it was not, 2 it cannot be."""

    async def done() -> bool:
        registry = PostgresRegistry(url, "operating")
        try:
            return await work(Operating(registry, print))
        finally:
            await registry.close()

    try:
        return DONE if asyncio.run(done()) else FAILED
    except (RegistryError, StoreError, UnusableError) as error:
        return complain(error)
