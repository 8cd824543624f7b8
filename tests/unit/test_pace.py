"""What clients send is taken in for a little at a time; who sends much waits behind themselves."""

import asyncio

from runline.gateway.limits import ROUND_NS
from runline.gateway.pace import Pace


class Sender:
    """A connection that costs a part of a round, and notes in which round it had its turn."""

    def __init__(self, taken, name, cost_ns=ROUND_NS // 4):
        self.taken = taken
        self.name = name
        self.cost_ns = cost_ns

    def line_up(self, pace, *, signed=True, times=1, owner=()):
        self.pace = pace
        for _ in range(times):
            pace.line_up(self, owner or (self.name,), signed=signed)

    def go_on(self):
        self.taken.append(self.name)
        self.pace.spend(self.cost_ns)


def test_a_round_takes_so_much_and_the_rest_waits_for_the_next_one():
    async def main():
        pace = Pace()
        taken: list[str] = []
        Sender(taken, "hog").line_up(pace, times=10)
        rounds = []
        while pace.waits:
            before = len(taken)
            await asyncio.sleep(0)
            rounds.append(len(taken) - before)
        assert rounds == [4, 4, 2]

    asyncio.run(main())


def test_turns_go_round_the_users_however_many_connections_they_have():
    async def main():
        pace = Pace()
        taken: list[str] = []
        Sender(taken, "hog").line_up(pace, times=20)
        Sender(taken, "other").line_up(pace, times=2)
        await asyncio.sleep(0)
        assert taken == ["hog", "other", "hog", "other"]

    asyncio.run(main())


def test_turns_go_round_the_books_and_their_branches_however_many_users_there_are():
    async def main():
        pace = Pace()
        taken: list[str] = []
        for number in range(20):
            Sender(taken, "crowd").line_up(pace, owner=("b1", "A1", f"P{number}"))
        Sender(taken, "mate").line_up(pace, owner=("b1", "A2", "Q1"))
        Sender(taken, "owner").line_up(pace, owner=("b1", "", "owner"))
        Sender(taken, "other").line_up(pace, owner=("b2", "A1", "P1"))
        for _ in range(2):
            await asyncio.sleep(0)
        assert taken[:5] == ["crowd", "other", "mate", "owner", "crowd"]

    asyncio.run(main())


def test_a_crowd_of_strangers_has_every_second_turn_only():
    async def main():
        pace = Pace()
        taken: list[str] = []
        for number in range(20):
            Sender(taken, f"stranger {number}").line_up(pace, signed=False)
        Sender(taken, "owner").line_up(pace, times=3)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [name for name in taken if name == "owner"] == ["owner"] * 3
        assert taken[0] == taken[2] == taken[4] == "owner"

    asyncio.run(main())


def test_what_has_been_spent_ends_the_round_for_everyone_until_the_loop_has_been_round():
    async def main():
        pace = Pace()
        pace.spend(ROUND_NS - 1)
        assert not pace.over
        pace.spend(1)
        assert pace.over
        await asyncio.sleep(0)
        assert not pace.over

    asyncio.run(main())
