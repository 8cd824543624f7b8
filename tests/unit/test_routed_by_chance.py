"""Routed by chance: a stream changes its owner at any time, what is known of that comes late, and nothing is done twice, lost or
out of its order."""

import asyncio
import os
import random
from collections import deque
from typing import Any

import pytest
from tests.doubles.placed import Placed
from tests.integration.world import passes, wager

from runline.bus.routed import RoutedBus
from runline.domain.messages import Rejected
from runline.engine.requests import Accepted, Request, Sink, refused

SENDERS = ("ann", "bea")


class Log:
    """What is stored of the book. owners: who could make something durable of it, one after the other; the last one can.
    done: the requests that were executed, in their order."""

    def __init__(self):
        self.owners = ["a"]
        self.done: list[str] = []


class Owner:
    """Somebody who may own the book. coming: what is on its way. queue: what waits to be judged, first come, first served."""

    given_up = False

    def __init__(self, name, log, chance):
        self.name, self.log, self.chance = name, log, chance
        self.coming: deque[tuple[str, Sink, int]] = deque()
        self.queue: deque[tuple[str, Sink, int]] = deque()
        self.sharers: dict[str, Any] = {}

    def submit(self, requests, sink):
        self.coming += [(request.id, sink, index) for index, request in enumerate(requests)]

    def hear(self, most):
        """What was on its way comes."""
        for _ in range(min(most, len(self.coming))):
            self.queue.append(self.coming.popleft())

    def judge(self, batch):
        """Judge what came first, if it is to be judged here. What is executed already is said again. A batch that is lost
        takes all with it that waits."""
        fails = self.chance.random() < 0.1
        for _ in range(len(self.queue) if fails else min(batch, len(self.queue))):
            name, sink, index = self.queue.popleft()
            if self.log.owners[-1] != self.name:
                code = self.chance.choice(("not_here", "unavailable", "unknown_book"))
                sink.answer(index, refused(0, Rejected(code, "elsewhere")))
            elif name in self.log.done:
                sink.answer(index, Accepted(1, [], repeated=True))
            elif fails:
                sink.answer(index, refused(0, Rejected("unavailable", "a batch is lost")))
            elif self.chance.random() < 0.2:
                sink.answer(index, refused(0, Rejected("price_changed", "judged")))
            else:
                self.log.done.append(name)
                sink.answer(index, Accepted(1, []))

    def take(self):
        """Own the book from now on. What came before is not judged by whoever owns it anew."""
        self.log.owners.append("")
        self.hear(len(self.coming))
        self.judge(len(self.queue))
        self.log.owners[-1] = self.name


class Told(Sink):
    """Notes what a sender is told of a request."""

    def __init__(self, name, told):
        self.name, self.told = name, told

    def answer(self, index, outcome):
        assert self.name not in self.told
        self.told[self.name] = outcome


@pytest.mark.parametrize("seed", range(150))
def test_whoever_owns_a_book_and_whatever_is_known_of_it_each_command_is_done_once_and_in_its_order(seed, monkeypatch):
    monkeypatch.setattr("runline.bus.routed.RoutedBus.close_link", lambda self, link: None)
    monkeypatch.setattr("runline.bus.way.AGAIN_S_MAX", 3_600.0)
    monkeypatch.setattr("runline.bus.way.AGAIN_PAUSE_S", 3_600.0)

    async def main():
        chance, log = random.Random(seed), Log()
        owners = {name: Owner(name, log, chance) for name in "abc"}
        places = Placed({"b1": "a"}, frozenset(owners))
        none: Any = None
        links: Any = owners.__getitem__
        bus = RoutedBus(none, none, os.urandom, none, places, links)
        told: dict[str, Any] = {}
        sent: list[str] = []
        names = iter(range(10**6))

        def send():
            sender = chance.choice(SENDERS)
            several = [f"{sender} {next(names)}" for _ in range(chance.choice((1, 1, 1, 3)))]
            for name in several:
                sent.append(name)
                bus.submit((Request("b1", name, sender, wager()),), Told(name, told))

        known = 0

        async def know():
            nonlocal known
            known = len(log.owners)
            places.put("b1", log.owners[-1])
            await passes(1)

        await know()
        for _ in range(400):
            step = chance.random()
            if step < 0.4:
                send()
            elif step < 0.75:
                owner = owners[chance.choice("abc")]
                owner.hear(chance.choice((0, 1, 2, 5)))
                owner.judge(chance.choice((1, 2, 5)))
            elif step < 0.82:
                # An owner does not change twice before anybody has heard of it.
                if known == len(log.owners):
                    owners[chance.choice("abc")].take()
            elif step < 0.93:
                if chance.random() < 0.4:
                    places.put("b1", None)
                    await passes(1)
                else:
                    await know()
            elif "b1" in bus.ways:
                bus.ways["b1"].again()
        # In the end everybody knows who has it.
        await know()
        while len(told) < len(sent):
            for owner in owners.values():
                owner.hear(len(owner.coming))
                owner.judge(len(owner.queue))
            bus.ways["b1"].again()
        codes = {name: getattr(outcome, "code", "accepted") for name, outcome in told.items()}
        assert set(codes.values()) <= {"accepted", "price_changed", "unavailable"}
        assert len(log.done) == len(set(log.done))
        for name, code in codes.items():
            # Of what was not available nobody says that it was not done.
            assert code == "unavailable" or (name in log.done) == (code == "accepted"), (name, code)
        for sender in SENDERS:
            done = [int(name.split()[1]) for name in log.done if name.startswith(sender)]
            assert done == sorted(done)
        assert (bus.room.held, bus.ways["b1"].under_way, bus.ways["b1"].waiting) == ({}, {}, {})
        assert list(codes.values()).count("unavailable") < len(codes) / 4
        await bus.close()

    asyncio.run(main())
