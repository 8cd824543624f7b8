"""Moving: how streams go from one process to another, and how one follows those of another until then.

Rule: all of it Runline does itself; here it is said who does it, and when. Each part is done in its own process, and may fail
with the store, with time, or with either process.
"""

import asyncio

from runline.bus.link import LinkBus
from runline.domain.messages import Rejected
from runline.engine.ports import Head, StoreError
from runline.simulate.nodes import Node
from runline.simulate.world import World


def follow_house(world: World, node: Node) -> None:
    """A process follows the house, wherever it is."""
    bus = node.context.run(node.link, world.to_engine, world.weather)
    node.context.run(node.engine.follow_house, bus)


async def stands_by(world: World, node: Node, owner: Node, stream: str, for_s: float) -> None:
    """A process follows a stream of another's for a while, so that it can take it."""
    if node.up and stream not in node.engine.writers and stream not in node.engine.owned.standbys:
        bus = node.context.run(node.link, owner.for_engines, world.weather)
        node.context.run(node.engine.stand_by, stream, bus)
        await asyncio.sleep(for_s)


async def adopts(world: World, node: Node, stream: str, seen: int | None = None) -> bool:
    """A process adopts a stream, if it can. Returns whether it has."""
    if not node.up:
        return False
    adopting = world.loop.create_task(node.engine.adopt(stream, seen), context=node.context)
    return await done(world, adopting, f"{stream} cannot be adopted")


async def hands_over(world: World, owner: Node, node: Node, stream: str) -> bool:
    """A process hands a stream over to another, if both can. Returns whether it has."""

    async def take(head: Head) -> LinkBus:
        if not await adopts(world, node, stream, head.epoch):
            raise StoreError("transient", "it was not adopted")
        return owner.link(node.for_engines, world.weather)

    if not owner.up or not node.up:
        return False
    handing = world.loop.create_task(owner.engine.hand_over(stream, take), context=owner.context)
    return await done(world, handing, f"{stream} cannot be handed over")


async def takes_back(world: World, node: Node, stream: str) -> None:
    """A process takes a stream that another had, whether it has it already, or does not know that it has not."""
    world.tell(f"process {node.number} takes {stream} back")
    taking = world.loop.create_task(node.takes_back(stream), context=node.context)
    await done(world, taking, f"{stream} cannot be taken back")


async def done(world: World, task: "asyncio.Task[None]", what: str) -> bool:
    """Whether something comes to be done that may fail with the store, with time, or with whoever does it."""
    # Whoever waits for it may be gone before it is done.
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait((task,))
    error = None if task.cancelled() else task.exception()
    if error is not None:
        world.tell(f"{what}: {error}")
        if not isinstance(error, StoreError | Rejected | TimeoutError) and not world.may_be_planted(error):
            world.wrong(f"{what}: {type(error).__name__}: {error}", error)
    return not task.cancelled() and error is None
