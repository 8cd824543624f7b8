"""Routed: in what order things go from one place to the next."""

import asyncio
import os
from typing import Any

from tests.doubles.coming import comes_true
from tests.doubles.placed import Placed
from tests.integration.world import passes, wager

from runline.bus.routed import RoutedBus
from runline.domain.messages import Rejected
from runline.domain.suspension import Suspend
from runline.engine.requests import Accepted, Request, Sink, refused
from runline.engine.watching import Began, Cut, Enter, Frame, Leave, Moved, TurnedAway

AWAY = refused(0, Rejected("not_here", "elsewhere"))


class Place:
    """Somebody who may have streams: a bus that notes what comes, and is told by a test what to say."""

    def __init__(self):
        self.came: list[tuple[str, Sink, int]] = []
        self.watchers: list[Any] = []
        self.told: list[Any] = []
        self.open = 0
        self.given_up = False
        self.sharers: dict[str, Any] = {}

    def submit(self, requests, sink):
        self.came += [(request.id, sink, index) for index, request in enumerate(requests)]

    def say(self, name, outcome):
        """Answer a request."""
        (_, sink, index) = next(one for one in self.came if one[0] == name)
        sink.answer(index, outcome)

    @property
    def names(self):
        return [name for name, _, _ in self.came]

    def watch(self, stream, watcher):
        self.watchers.append(watcher)
        self.open += 1
        return self

    def tell(self, seating):
        self.told.append(seating)

    def close(self):
        self.open -= 1


class Outcomes(Sink):
    """Notes what became of requests, by their ids."""

    def __init__(self, name, found):
        self.name, self.found = name, found

    def answer(self, index, outcome):
        assert self.name not in self.found
        self.found[self.name] = outcome


class Sender:
    """Somebody who sends to the book b1, which is at a at first."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr("runline.bus.routed.RoutedBus.close_link", lambda self, link: None)
        self.at: dict[str, Place] = {"a": Place(), "b": Place()}
        self.places = Placed({"b1": "a"}, frozenset({"a", "b"}))
        links: Any = self.at.__getitem__
        vocabulary: Any = None
        clock: Any = None
        self.bus = RoutedBus(vocabulary, clock, os.urandom, None, self.places, links)
        self.found: dict[Any, Any] = {}

    def send(self, *names, by="owner", command=None):
        for name in names:
            request = Request("b1", name, by, command or wager())
            self.bus.submit((request,), Outcomes(name, self.found))

    async def move(self, address):
        self.places.put("b1", address)
        await passes(1)


def test_what_comes_back_out_of_its_order_is_sent_on_in_its_order(monkeypatch):
    async def main():
        sender = Sender(monkeypatch)
        a, b = sender.at["a"], sender.at["b"]
        sender.send("1", "2", "3", "4")
        a.say("3", AWAY)
        a.say("1", AWAY)
        sender.send("5")
        assert a.names == ["1", "2", "3", "4"]
        await sender.move(None)
        a.say("2", Accepted(1, []))
        await sender.move("b")
        # The first is not sent on: something of the same sender went before it.
        assert b.names == ["3", "4", "5"]
        a.say("4", refused(0, Rejected("stake_invalid", "too late")))
        for name in b.names:
            b.say(name, Accepted(2, []))
        codes = {name: getattr(outcome, "code", "accepted") for name, outcome in sender.found.items()}
        assert codes == {"1": "unavailable", "2": "accepted", "3": "accepted", "4": "accepted", "5": "accepted"}
        await sender.bus.close()

    asyncio.run(main())


def test_several_that_are_sent_together_go_to_their_streams(monkeypatch):
    async def main():
        sender = Sender(monkeypatch)
        sender.places.at["b2"] = "b"
        requests = [
            Request(stream, str(number), "owner", wager()) for number, stream in enumerate(("b1", "b2", "b9", "b1"))
        ]

        class Indexes(Sink):
            def answer(self, index, outcome):
                sender.found[index] = outcome

        sender.bus.submit(requests, Indexes())
        assert sender.at["a"].names == ["0", "3"]
        assert sender.at["b"].names == ["1"]
        assert sender.found[2].code == "unknown_book"
        sender.at["a"].say("3", Accepted(7, []))
        sender.at["b"].say("1", Accepted(8, []))
        assert (sender.found[3].position, sender.found[1].position) == (7, 8)
        sender.bus.submit((), Indexes())
        await sender.bus.close()
        # What was under way is answered as this ends.
        assert sender.found[0].code == "unavailable"

    asyncio.run(main())


def test_a_command_goes_before_those_of_another_lane_and_they_still_go(monkeypatch):
    async def main():
        sender = Sender(monkeypatch)
        a = sender.at["a"]
        sender.send("wager")
        sender.send("control", command=Suspend("all", "", "news"))
        a.say("wager", AWAY)
        a.say("control", Accepted(1, []))
        assert a.names == ["wager", "control", "wager"]
        assert sender.found.keys() == {"control"}
        await sender.bus.close()

    asyncio.run(main())


class Slow:
    """A watcher that takes its time. heard: what it has heard to its end."""

    def __init__(self):
        self.heard: list[Any] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def hear(self, news):
        await self.go_on.wait()
        self.heard += news


def began(group, *seats):
    return Began(group, "log", list(seats), b"image", 1, 1)


def test_nothing_of_an_owner_is_shown_after_anything_of_the_next_one(monkeypatch):
    async def main():
        sender = Sender(monkeypatch)
        a, b, shown = sender.at["a"], sender.at["b"], Slow()
        link = sender.bus.watch("b1", shown)
        for seat in (1, 2, 3):
            link.tell(Enter(seat, "", ("wagers",)))
        await a.watchers[0].hear([began(7, 1)])
        # A frame is being written as the book goes on elsewhere.
        shown.go_on.clear()
        writing = asyncio.create_task(a.watchers[0].hear([Frame(7, b"frame", 2, 2)]))
        await passes()
        link.tell(Leave(3))
        # Whoever makes the next one's frames has their turn before anybody else.
        woken = asyncio.Event()

        async def tell_next():
            await woken.wait()
            await b.watchers[0].hear([began(7, 2), Moved(2, 2, [])])

        new = asyncio.create_task(tell_next())
        await passes()
        sender.places.put("b1", "b")
        woken.set()
        sender.bus.look()
        late = asyncio.create_task(a.watchers[0].hear([began(7, 2), Frame(7, b"late", 3, 3)]))
        await passes()
        assert (a.open, b.open) == (0, 1)
        shown.go_on.set()
        await asyncio.gather(writing, late, new)
        assert shown.heard == [
            began(7, 1), Frame(7, b"frame", 2, 2), Cut([1], "unavailable"), began(7, 2), Moved(2, 2, []),
        ]  # fmt: skip
        # Who has had no frame is told of to the next one, by the number that they have.
        assert b.told == [Enter(2, "", ("wagers",))]
        await sender.bus.close()
        await passes()
        assert shown.heard[-1] == Cut([2], "unavailable")
        assert b.open == 0

    asyncio.run(main())


def test_who_is_not_let_in_because_the_stream_is_not_there_is_told_of_again(monkeypatch):
    monkeypatch.setattr("runline.bus.watched.AGAIN_PAUSE_S", 0.001)

    async def main():
        sender = Sender(monkeypatch)
        a, shown = sender.at["a"], Slow()
        link = sender.bus.watch("b1", shown)
        link.tell(Enter(1, "", ("wagers",)))
        await a.watchers[0].hear([TurnedAway([1], "not_here", "elsewhere", {})])
        await comes_true(lambda: len(a.told) == 2)
        # It was the whole link that led nowhere: there is a new one.
        assert (len(a.watchers), a.open) == (2, 1)
        await a.watchers[1].hear([began(1, 1)])
        link.tell(Enter(2, "", ("wagers",)))
        await a.watchers[1].hear([TurnedAway([2], "unavailable", "not now", {})])
        await comes_true(lambda: len(a.told) == 4)
        # Somebody sees it over this one, so it stays.
        assert (len(a.watchers), a.open) == (2, 1)
        await a.watchers[1].hear([TurnedAway([2], "not_permitted", "never", {})])
        assert [type(one) for one in shown.heard] == [Began, TurnedAway]
        link.close()
        assert a.open == 0
        await sender.bus.close()

    asyncio.run(main())
