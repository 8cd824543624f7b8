"""Operating: what is done by hand leaves nothing behind that nobody has asked for."""

import asyncio

import pytest

from runline.cluster.memory import Kept, MemoryRegistry
from runline.cluster.operating import Operating
from runline.cluster.registry import Node, RegistryError, lease_of
from runline.simulate.loop import VirtualLoop


class Ending(MemoryRegistry):
    """One that answers no more once something was pinned by hand. ends: with what."""

    ends: BaseException | None = None

    async def streams(self):
        if self.ends is not None and self.kept.streams["b1"].pinned == "n2":
            raise self.ends
        return await super().streams()


def tell(story):
    """A stream that is pinned to n1, which is away; n2 is there and takes nothing."""

    async def main():
        registry = Ending(Kept())
        lease = await registry.take(lease_of("n2"), "n2", None)
        assert lease is not None
        await registry.describe(Node("n1", 1, "", ""))
        await registry.describe(Node("n2", lease.number, "", ""))
        await registry.enroll(["b1"])
        await registry.pin("b1", "n1")
        said: list[str] = []
        await story(registry, Operating(registry, said.append))
        return registry.kept.streams["b1"].pinned, said

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


def test_what_does_not_come_where_it_is_moved_to_stays_pinned_as_it_was():
    async def story(registry, by_hand):
        assert not await by_hand.move("b1", "n2")

    pinned, said = tell(story)
    assert pinned == "n1"
    assert "is wanted there no more" in said[-1]


@pytest.mark.parametrize("error", [RegistryError("it is away"), asyncio.CancelledError()])
def test_a_move_for_which_nobody_waits_any_more_pins_nothing(error):
    async def story(registry, by_hand):
        registry.ends = error
        with pytest.raises(type(error)):
            await by_hand.move("b1", "n2")

    assert tell(story)[0] == "n1"
