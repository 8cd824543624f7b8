"""Followers: what is proved to them holds for the time at which they have asked, and for what they have been told."""

import asyncio
from typing import Any

import msgspec

from runline.engine.bus import Answer
from runline.engine.follower import Follower
from runline.engine.limits import TOLD_S_MAX
from runline.engine.reads import Proof
from runline.engine.subscription import Committed
from runline.simulate.clocks import VirtualClock
from runline.simulate.loop import VirtualLoop

SECOND_NS = 10**9
HAPPENED: Any = None
"""Nobody looks at what has happened."""


class Copy:
    """A copy of a stream. proofs: the times at which it had all, with how far it was then."""

    wanted = True

    def __init__(self):
        self.position = 0
        self.proofs = []

    async def reach(self):
        return 1

    def take(self, happened):
        self.position = happened[-1].seq

    def proved(self, at_ns):
        self.proofs.append((at_ns, self.position))


class Owner:
    """An owner at a position, who takes some time to answer, and to tell what has happened."""

    def __init__(self, position=1, answers_s=0.0, tells_s=0.0):
        self.position = position
        self.answers_s = answers_s
        self.tells_s = tells_s

    async def ask(self, question):
        proof = Proof(1, self.position, 0)
        await asyncio.sleep(self.answers_s)  # waits: this time is made
        return Answer(self.position, msgspec.json.encode(proof))

    async def follow(self, stream, after):
        await asyncio.sleep(self.tells_s)  # waits: this time is made
        for seq in range(after + 1, self.position + 1):
            yield [Committed(stream, seq, 0, "", "", HAPPENED, epoch=1)]
        await asyncio.get_running_loop().create_future()


def followed(owner, for_s):
    """The copy that somebody has who follows an owner for so long."""
    loop = VirtualLoop()

    async def main():
        copy = Copy()
        follower = Follower("b1", owner, copy, VirtualClock(loop, SECOND_NS), lambda *heard: None)
        await asyncio.sleep(for_s)  # waits: this time is made
        await follower.end()
        return copy

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


def test_a_proof_is_of_the_time_at_which_it_was_asked_for():
    copy = followed(Owner(answers_s=2.0), 3.0)
    assert copy.proofs == [(SECOND_NS, 1)]


def test_nothing_is_proved_that_was_not_told():
    copy = followed(Owner(position=3, tells_s=TOLD_S_MAX / 2), TOLD_S_MAX)
    assert copy.proofs
    assert {position for _, position in copy.proofs} == {3}
    assert followed(Owner(position=3, tells_s=10 * TOLD_S_MAX), 5 * TOLD_S_MAX).proofs == []
