"""A line in front of what only a few can have at once: turns go round, and nobody takes the places of others."""

import asyncio

import pytest

from runline.domain.messages import Rejected
from runline.sharing.fair import FairQueue


class Door:
    """A queue whose one turn is taken, and who has had a turn since."""

    def __init__(self, waiting_max=100, member_max=100):
        self.queue = FairQueue(1, waiting_max, member_max)
        self.served = []
        self.refused = []
        self.free = asyncio.Event()
        self.tasks = []

    async def begin(self):
        self.ask("nobody", "first")
        await asyncio.sleep(0)

    def ask(self, group, member, times=1, *, within=(), apart=False):
        path = (group, *within, member)
        self.tasks += [asyncio.create_task(self.have(path, apart)) for _ in range(times)]

    async def have(self, path, apart):
        try:
            async with self.queue.turn(path, apart=apart):
                await self.free.wait()
                self.served.append(path)
        except Rejected as rejected:
            self.refused.append((*path, rejected.code))

    async def end(self):
        await asyncio.sleep(0)
        self.free.set()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        assert (self.queue.running, self.queue.line.size, self.queue.line.within) == (0, 0, {})
        return self.served[1:]


def test_turns_go_round_the_groups_and_round_their_members():
    async def main():
        line = Door()
        await line.begin()
        line.ask("b1", "hog", 4)
        line.ask("b1", "other")
        line.ask("b2", "owner", 2)
        assert await line.end() == [
            ("b1", "hog"), ("b2", "owner"), ("b1", "other"), ("b2", "owner"), ("b1", "hog"), ("b1", "hog"), ("b1", "hog"),
        ]  # fmt: skip

    asyncio.run(main())


def test_one_member_has_a_bounded_number_of_places_and_the_others_have_theirs():
    async def main():
        line = Door(member_max=2)
        await line.begin()
        line.ask("b1", "hog", 5)
        line.ask("b1", "other")
        served = await line.end()
        assert line.refused == [("b1", "hog", "busy")] * 3
        assert served == [("b1", "hog"), ("b1", "other"), ("b1", "hog")]

    asyncio.run(main())


def test_a_full_line_takes_a_place_from_the_longest_of_the_largest_group():
    async def main():
        line = Door(waiting_max=6)
        await line.begin()
        line.ask("b1", "hog", 4)
        line.ask("b1", "other", 2)
        line.ask("b2", "owner")
        served = await line.end()
        assert line.refused == [("b1", "hog", "busy")]
        assert ("b2", "owner") in served
        assert served.count(("b1", "other")) == 2

    asyncio.run(main())


@pytest.mark.parametrize("groups", [1, 6])
def test_in_a_full_line_of_equals_the_newcomer_is_refused(groups):
    async def main():
        line = Door(waiting_max=6)
        await line.begin()
        for number in range(6):
            line.ask(number % groups, number)
        line.ask(0 if groups == 1 else 6, 6)
        served = await line.end()
        assert [member for _, member, _ in line.refused] == [6]
        assert len(served) == 6

    asyncio.run(main())


def test_many_groups_together_leave_each_their_share():
    async def main():
        line = Door(waiting_max=8)
        await line.begin()
        for group in ("a", "b", "c", "d"):
            line.ask(group, group, 20)
        served = await line.end()
        assert {group: served.count((group, group)) for group in "abcd"} == {"a": 2, "b": 2, "c": 2, "d": 2}

    asyncio.run(main())


def test_the_many_of_one_node_leave_the_other_nodes_of_their_book_their_turns_and_places():
    async def main():
        line = Door(waiting_max=8)
        await line.begin()
        for number in range(8):
            line.ask("b1", f"P{number}", within=("A1",))
        await asyncio.sleep(0)
        line.ask("b1", "one", 2, within=("A2",))
        served = await line.end()
        assert line.refused == [("b1", "A1", "P7", "busy"), ("b1", "A1", "P6", "busy")]
        assert served[:4] == [("b1", "A1", "P0"), ("b1", "A2", "one"), ("b1", "A1", "P1"), ("b1", "A2", "one")]

    asyncio.run(main())


def test_whoever_gives_up_leaves_no_place_behind_and_no_turn_is_lost():
    async def main():
        line = Door()
        await line.begin()
        line.ask("b1", "one", 3)
        await asyncio.sleep(0)
        line.tasks[2].cancel()
        await asyncio.sleep(0)
        # Just as its turn comes.
        line.tasks[0].cancel()
        await asyncio.sleep(0)
        line.tasks[1].cancel()
        line.ask("b1", "two")
        await asyncio.sleep(0)
        line.free.set()
        await asyncio.gather(*line.tasks, return_exceptions=True)
        assert line.served == [("b1", "one"), ("b1", "two")]
        assert (line.queue.running, line.queue.line.size) == (0, 0)

    asyncio.run(main())


def test_strangers_and_the_known_have_turns_one_after_the_other_however_many_strangers_there_are():
    async def main():
        line = Door(waiting_max=3)
        await line.begin()
        for number in range(5):
            line.ask(f"address {number}", "user")
        line.ask("device", "owner", apart=True)
        assert await line.end() == [
            ("device", "owner"), ("address 0", "user"), ("address 1", "user"), ("address 2", "user"),
        ]  # fmt: skip
        assert [one[0] for one in line.refused] == ["address 3", "address 4"]
        assert line.queue.apart.size == 0

    asyncio.run(main())
