"""Routed: one bus that leads to whoever owns each stream, while that changes under load."""

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.placed import Placed
from tests.doubles.wired import SECRET
from tests.integration.test_following import two
from tests.integration.world import World, acceptance, agrees, passes, play, refusal, wager

from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.bus.reach import connect, listen
from runline.bus.routed import RoutedBus
from runline.client.frames import Follower, Parser, Reset
from runline.domain.messages import HOUSE, Rejected
from runline.domain.suspension import Suspend
from runline.engine.bus import Question
from runline.engine.requests import Request, Sink, refused
from runline.engine.subscription import Lagged
from runline.engine.watching import Enter, Leave, TurnedAway
from runline.gateway.fan import Fan
from runline.gateway.screens import parse_resume
from runline.store.memory import MemoryStore
from runline.store.sqlite import SqliteStore

WAIT_S = 60


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nothing waits for long before it is tried again."""
    for name in ("runline.engine.follower.FOLLOW_PAUSE_S", "runline.engine.follower.PROOF_S"):
        monkeypatch.setattr(name, 0.005)
    for module in ("way", "watched"):
        monkeypatch.setattr(f"runline.bus.{module}.AGAIN_PAUSE_S", 0.005)
        monkeypatch.setattr(f"runline.bus.{module}.AGAIN_PAUSE_S_MAX", 0.02)


class Cluster:
    """Two engines, first and second, and buses that lead to both.

    inside: of the first one's process. outside: of a process without streams. places: where everything is. a, b: where the
    engines are reached.
    """

    def __init__(self, both, folder):
        self.both = both
        self.first, self.second = both.first, both.second
        self.a, self.b = f"unix:{folder}/a", f"unix:{folder}/b"
        self.places = Placed({HOUSE: self.a, "b1": self.a, "b2": self.a}, frozenset({self.a, self.b}))
        self.inside = self.routed(self.first.bus, self.places.seen_from(self.a))
        self.outside = self.routed(None, self.places)
        self.listeners = [self.listener(one) for one in (self.first, self.second)]

    def listener(self, world):
        return LinkListener(world.bus, world.clock, os.urandom, SECRET)

    def link_to(self, address):
        return LinkBus(self.first.bus.vocabulary, self.first.clock, os.urandom, SECRET, connect(address, None))

    def routed(self, here, places):
        return RoutedBus(self.first.bus.vocabulary, self.first.clock, os.urandom, here, places, self.link_to)

    def by(self, bus):
        """The words of people who come by a bus."""
        return World(self.first.engine, bus, self.first.clock)

    async def hand_over(self):
        """The first engine hands the book over to the second."""

        async def take(head):
            await self.second.engine.adopt(head.stream, head.epoch)

        self.places.put("b1", None)
        await self.first.engine.hand_over("b1", take)
        self.places.put("b1", self.b)

    async def take_over(self):
        """The first engine claims the book, which the second does not know yet."""
        await self.first.engine.adopt("b1")
        self.places.put("b1", self.a)

    async def let_go(self):
        """The second engine hears that the book is not its own any more."""
        await comes_true(
            lambda: self.second.engine.writers["b1"].stopped or not self.second.engine.queues.turns["wagers"]
        )
        await self.second.engine.release("b1")


@asynccontextmanager
async def cluster(store):
    with tempfile.TemporaryDirectory(prefix="runline-") as folder:
        async with two(store) as both, AsyncExitStack() as stack:
            one = Cluster(both, Path(folder))
            for address, listener in zip((one.a, one.b), one.listeners, strict=True):
                await stack.enter_async_context(listen(address, listener.protocol, None))
                stack.callback(listener.close)
            stack.push_async_callback(one.outside.close)
            stack.push_async_callback(one.inside.close)
            yield one


def ticket_of(outcome):
    """The ticket that was written."""
    return acceptance(outcome).events[0].wager  # type: ignore[attr-defined]


class Order(Sink):
    """Hears of requests that were submitted one after the other."""

    def __init__(self):
        self.outcomes: dict[int, Any] = {}
        self.sent = 0

    def answer(self, index, outcome):
        assert index not in self.outcomes
        self.outcomes[index] = outcome


class Nth(Sink):
    """Hears of one of them."""

    def __init__(self, order, number):
        self.order, self.number = order, number

    def answer(self, index, outcome):
        self.order.answer(self.number, outcome)


async def flood(bus, world, order, over_now):
    """Send wagers of one sender without end, many at a time, none waiting for those before."""
    while not over_now.is_set():
        for _ in range(3):
            request = world.request("b1", wager("P1", 1_00))
            bus.submit((request,), Nth(order, order.sent))
            order.sent += 1
        await comes_true(lambda: len(order.outcomes) + 50 >= order.sent)
        await passes(1)


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_while_a_book_changes_its_owner_everything_is_done_once_and_in_its_order(path, side):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = getattr(nodes, side)
            over_now, order = asyncio.Event(), Order()
            sending = asyncio.create_task(flood(bus, nodes.by(bus), order, over_now))

            async def more():
                count = len(order.outcomes)
                await comes_true(lambda: len(order.outcomes) > count + 100)

            for _ in range(3):
                await more()
                await nodes.hand_over()
                await more()
                await nodes.take_over()
                await more()
                await nodes.let_go()
            over_now.set()
            await sending
            await comes_true(lambda: len(order.outcomes) == order.sent)
            tickets = [ticket_of(order.outcomes[number]) for number in range(order.sent)]
            assert tickets == sorted(set(tickets))
            assert await nodes.first.read("b1", lambda book: book.tickets.open_count) == len(tickets)
            assert not bus.ways["b1"].under_way
            assert not bus.ways["b1"].waiting
            assert not bus.room.held

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


class Viewer:
    """Somebody who looks at a book, and comes back whenever they are told to. wagers: that they were shown, in order; figures: of
    the agents, by name."""

    def __init__(self, fan, caller):
        self.fan, self.caller = fan, caller
        self.client = Follower()
        self.wagers: list[int] = []
        self.figures: dict[str, Any] = {}
        self.kinds: list[str] = []
        self.reasons: list[str] = []
        self.task = asyncio.create_task(self.look())

    async def look(self):
        while True:
            last_id = parse_resume(self.client.last_id)
            screen = await self.fan.join("b1", self.caller.session, ("wagers", "figures"), last_id)
            try:
                while True:
                    self.show((await screen.next()).decode())
            except Reset as reset:
                self.reasons.append(str(reset))
            finally:
                self.fan.leave(screen)

    def show(self, text):
        parser = Parser()
        for line in text.split("\n"):
            event = parser.take(line)
            if event is not None:
                frame = self.client.frame(event)
                self.kinds.append(frame.kind)
                self.wagers += [one["seq"] for one in frame.topics["wagers"]["events"]]
                self.figures |= {row["agent"]: row for row in frame.topics["figures"]["rows"]}


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_who_looks_at_a_book_is_shown_all_of_it_whoever_owns_it(path, side):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = getattr(nodes, side)
            fan = Fan(bus, nodes.first.clock)
            caller = await nodes.by(bus).sign_in("b1", "owner")
            viewer = Viewer(fan, caller)
            await comes_true(lambda: viewer.kinds)
            placed = []

            async def more():
                placed.extend([(await nodes.by(bus).do("b1", wager())).events[0].wager for _ in range(5)])
                await comes_true(lambda: viewer.wagers[-1:] == placed[-1:])

            for _ in range(2):
                await more()
                await nodes.hand_over()
                await more()
                await nodes.take_over()
                await more()
                await nodes.let_go()
            assert viewer.wagers == placed
            assert viewer.figures["root"]["open_wagers"] == len(placed)
            # Who comes back is told what they have missed.
            assert set(viewer.kinds[1:]) == {"delta"}
            assert set(viewer.reasons) == {"unavailable"}
            assert len(viewer.reasons) == 4
            viewer.task.cancel()
            fan.close()
            await comes_true(lambda: not bus.ways["b1"].links)

    play(asyncio.wait_for(main(), WAIT_S))


def test_who_comes_while_nobody_has_a_book_is_let_in_by_whoever_takes_it(path):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            fan = Fan(nodes.outside, nodes.first.clock)
            caller = await nodes.by(nodes.outside).sign_in("b1", "owner")
            nodes.places.put("b1", None)
            await passes()
            viewer = Viewer(fan, caller)
            await passes()
            # Somebody has it by what is known here, and not by what they know.
            nodes.places.put("b1", nodes.b)
            await comes_true(lambda: nodes.b in nodes.outside.links and nodes.outside.links[nodes.b].watched)
            sent = asyncio.create_task(nodes.by(nodes.outside).do("b1", wager()))
            asked = asyncio.create_task(nodes.outside.who("b1", caller.session))
            await comes_true(lambda: nodes.outside.ways["b1"].waiting)
            assert viewer.kinds == []
            await nodes.first.engine.release("b1")
            await nodes.second.engine.adopt("b1")
            assert (await asked).user == "owner"
            await sent
            await comes_true(lambda: viewer.wagers)
            assert viewer.reasons == []
            viewer.task.cancel()
            fan.close()

    play(asyncio.wait_for(main(), WAIT_S))


class Shown:
    """A watcher that notes what it hears."""

    def __init__(self):
        self.news: list[Any] = []

    async def hear(self, news):
        self.news += news


def test_a_stream_that_there_is_not_is_refused_at_once_and_one_that_nobody_takes_after_a_while(path, monkeypatch):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            owner = await bus.sign_in("b1", "owner")
            assert (await bus.refused("b9", wager())).code == "unknown_book"
            for unknown in (nodes.outside.ask(Question("b9", "board")), nodes.outside.who("b9", "nobody")):
                with pytest.raises(Rejected, match="no such book"):
                    await unknown
            with pytest.raises(Rejected, match="no such book"):
                nodes.outside.watch("b9", Shown())
            assert "b9" not in nodes.outside.ways
            for module in ("way", "watched"):
                monkeypatch.setattr(f"runline.bus.{module}.AGAIN_S_MAX", 0.05)
            nodes.places.put("b1", None)
            await passes()
            shown = Shown()
            watch = nodes.outside.watch("b1", shown)
            watch.tell(Enter(1, owner.session, ("wagers",)))
            watch.tell(Enter(2, owner.session, ("wagers",)))
            watch.tell(Leave(2))
            asked = asyncio.create_task(nodes.outside.ask(Question("b1", "board", session=owner.session)))
            assert (await bus.refused("b1", wager())).code == "unavailable"
            with pytest.raises(Rejected, match="recorded now"):
                await asked
            with pytest.raises(Rejected, match="recorded now"):
                await anext(nodes.outside.follow("b1", 10**6))
            await comes_true(lambda: shown.news)
            assert [(type(one), one.seats, one.code) for one in shown.news] == [(TurnedAway, [1], "unavailable")]
            watch.close()
            # Nobody waits for what is given up, and it goes on as soon as somebody takes it.
            assert not nodes.outside.ways["b1"].waiting
            sent: list[Any] = []
            nodes.outside.submit((bus.request("b1", wager()),), Listed(sent))
            assert [one.code for one in sent] == ["unavailable"]
            nodes.places.put("b1", nodes.a)
            await passes(1)
            await bus.do("b1", wager())
            # A book of which it was hoped that there is one is none after all.
            nodes.places.put("b8", None)
            hoping = asyncio.create_task(bus.refused("b8", wager()))
            await comes_true(lambda: "b8" in nodes.outside.ways)
            del nodes.places.at["b8"]
            nodes.places.tell()
            assert (await hoping).code == "unknown_book"
            assert "b8" not in nodes.outside.ways

    play(asyncio.wait_for(main(), WAIT_S))


class Listed(Sink):
    """Notes outcomes as they come."""

    def __init__(self, outcomes):
        self.outcomes = outcomes

    def answer(self, index, outcome):
        self.outcomes.append(outcome)


def test_an_owner_that_can_record_nothing_is_asked_again_and_given_up_after_a_while(path, monkeypatch):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.inside)
            await bus.do("b1", wager())
            writer = nodes.first.engine.writers["b1"]
            nodes.first.engine.owned.stop(writer, "on purpose")
            sent = asyncio.gather(*(bus.ask("b1", wager()) for _ in range(10)))
            await comes_true(lambda: len(nodes.inside.ways["b1"].waiting) == 10)
            nodes.first.engine.start_stopped()
            tickets = [ticket_of(one) for one in await sent]
            assert tickets == sorted(tickets)
            monkeypatch.setattr("runline.bus.way.AGAIN_S_MAX", 0.05)
            nodes.first.engine.owned.stop(nodes.first.engine.writers["b1"], "on purpose")
            assert (await bus.refused("b1", wager())).code == "unavailable"
            # From now on each is sent once, and told what is said.
            assert not nodes.inside.ways["b1"].open
            assert (await bus.refused("b1", wager())).code == "unavailable"
            nodes.first.engine.start_stopped()
            await comes_true(lambda: not nodes.first.engine.writers["b1"].stopped)
            await bus.do("b1", wager())
            assert nodes.inside.ways["b1"].open

    play(asyncio.wait_for(main(), WAIT_S))


class Named(Sink):
    """Notes an outcome by a name."""

    def __init__(self, outcomes, name):
        self.outcomes, self.name = outcomes, name

    def answer(self, index, outcome):
        assert self.name not in self.outcomes
        self.outcomes[self.name] = outcome


class Keeping:
    """A bus that keeps what is sent, until it is told what to do with it."""

    def __init__(self, bus):
        self.bus = bus
        self.kept: list[tuple[list[Request], Sink]] = []
        self.passes = False

    def submit(self, requests, sink):
        if self.passes:
            self.bus.submit(requests, sink)
        else:
            self.kept.append((requests, sink))

    def say(self, number, code):
        """Refuse what was sent."""
        self.kept[number][1].answer(0, refused(0, Rejected(code, "on purpose")))

    def pass_on(self, number):
        """Send on what was sent, and all that comes later."""
        self.passes = True
        self.bus.submit(*self.kept[number])


def test_what_was_overtaken_by_something_of_the_same_sender_is_not_sent_again():
    async def main():
        async with cluster(MemoryStore(os.urandom)) as nodes:
            bus = nodes.by(nodes.inside)
            await bus.do("b1", wager())
            way, here = nodes.inside.ways["b1"], Keeping(nodes.first.bus)
            way.bus = here
            outcomes: dict[str, Any] = {}
            requests = {
                "overtaken": bus.request("b1", wager()),
                "of another": bus.request("b1", wager(), by="nobody"),
                "of another kind": bus.request("b1", Suspend("all", "", "news")),
                "later": bus.request("b1", wager()),
            }
            for name, request in requests.items():
                nodes.inside.submit((request,), Named(outcomes, name))
            for number in range(3):
                here.say(number, "unavailable")
            assert outcomes == {}
            here.pass_on(3)
            await comes_true(lambda: len(outcomes) == 4)
            acceptance(outcomes["later"])
            assert refusal(outcomes["overtaken"]).code == "unavailable"
            acceptance(outcomes["of another kind"])
            assert refusal(outcomes["of another"]).code == "not_permitted"

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_an_owner_says_too_late_is_not_heard(path):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.inside)
            await bus.do("b1", wager())
            way = nodes.inside.ways["b1"]
            here = way.bus = Keeping(nodes.first.bus)
            outcomes: dict[str, Any] = {}
            for name in ("first", "second"):
                nodes.inside.submit((bus.request("b1", wager()),), Named(outcomes, name))
            # The book is nowhere for a moment: what is said of what was sent before still counts.
            nodes.places.put("b1", None)
            await passes()
            nodes.inside.submit((bus.request("b1", wager()),), Named(outcomes, "third"))
            here.say(0, "stake_invalid")
            assert refusal(outcomes["first"]).code == "stake_invalid"
            assert list(way.waiting) == [max(way.under_way) + 1]
            # Who had it stands still, and somebody else takes it.
            await nodes.second.engine.adopt("b1")
            nodes.places.put("b1", nodes.b)
            await passes(1)
            assert len(way.under_way) == 2
            here.say(1, "stake_invalid")
            await comes_true(lambda: len(outcomes) == 3)
            second, third = (ticket_of(outcomes[name]) for name in ("second", "third"))
            assert third == second + 1

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_waits_is_bounded_and_nobody_takes_all_of_it(path, monkeypatch):
    monkeypatch.setattr("runline.bus.routed.ASTRAY_BYTES_MAX", 16 * 1024)
    monkeypatch.setattr("runline.bus.routed.QUESTIONS_BYTES_MAX", 4 * 1024)

    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            for book in ("b1", "b2"):
                nodes.places.put(book, None)
            asked = [asyncio.create_task(bus.ask("b1", wager())) for _ in range(20)]
            await comes_true(lambda: any(one.done() for one in asked))
            await passes()
            busy = [one for one in asked if one.done()]
            assert {refusal(await one).code for one in busy} == {"busy"}
            others = [asyncio.create_task(bus.ask(book, wager(), by="ann")) for book in ("b1", "b2")]
            await comes_true(lambda: len(nodes.outside.ways["b1"].waiting) == 21 - len(busy))
            whose = [asyncio.create_task(nodes.outside.who("b1", "nobody")) for _ in range(3)]
            await comes_true(lambda: any(one.done() for one in whose))
            with pytest.raises(Rejected, match="Too much"):
                await next(one for one in whose if one.done())
            for book in ("b1", "b2"):
                nodes.places.put(book, nodes.a)
            for one in asked:
                if one not in busy:
                    acceptance(await one)
            assert [refusal(await one).code for one in others] == ["not_permitted"] * 2
            ended: Any = await asyncio.gather(*whose, return_exceptions=True)
            assert {one.code for one in ended} == {"busy", "not_signed_in"}
            assert not nodes.outside.asking.held

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_is_asked_and_followed_where_a_book_was_goes_on_where_it_is(path):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            owner = await bus.sign_in("b1", "owner")
            position = (await bus.do("b1", wager())).position
            follows = nodes.outside.follow("b1", position - 1)
            assert [one.seq for one in await anext(follows)] == [position]
            more = asyncio.create_task(anext(follows))
            question = Question("b1", "board", session=owner.session, at_least=position + 1)
            asked = asyncio.create_task(nodes.outside.ask(question))
            await comes_true(lambda: nodes.first.engine.writers["b1"].positions.waiting)
            await nodes.second.engine.adopt("b1")
            nodes.places.put("b1", nodes.b)
            with pytest.raises(Lagged):
                await more
            await bus.do("b1", wager())
            assert (await asked).position > position
            with pytest.raises(Rejected, match="no such book"):
                await anext(nodes.outside.follow("b9", 0))

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_link_is_closed_when_nobody_is_there_any_more(path):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            await bus.do("b1", wager())
            await bus.do("b2", wager())
            assert nodes.outside.links.keys() == {nodes.a}
            await nodes.first.engine.release("b1")
            await nodes.second.engine.adopt("b1")
            nodes.places.put("b1", nodes.b)
            await bus.do("b1", wager())
            assert nodes.outside.links.keys() == {nodes.a, nodes.b}
            link = nodes.outside.links[nodes.b]
            # Who was there is gone, and nobody has the book yet.
            nodes.places.there = frozenset({nodes.a})
            nodes.places.put("b1", None)
            await comes_true(lambda: link.given_up)
            assert nodes.outside.links.keys() == {nodes.a}
            sent = asyncio.create_task(bus.do("b1", wager()))
            await comes_true(lambda: nodes.outside.ways["b1"].waiting)
            await nodes.first.engine.adopt("b1")
            nodes.places.put("b1", nodes.a)
            await sent
            assert await nodes.outside.ask(Question("", "ready"))
            assert await nodes.inside.ask(Question("", "ready"))
            await nodes.outside.close()
            assert (await bus.refused("b1", wager())).code == "unavailable"
            with pytest.raises(Rejected, match="recorded now"):
                await nodes.outside.ask(Question("", "ready"))

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_has_waited_for_a_link_that_stays_away_does_not_wait_again(path, monkeypatch):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            owner = await bus.sign_in("b1", "owner")
            shown = Shown()
            watch = nodes.outside.watch("b1", shown)
            monkeypatch.setattr("runline.bus.link.AGAIN_S_MAX", 0.05)
            # Whoever has the book is not reached, and the book stays there.
            link = nodes.outside.links[nodes.a]
            connects, there = link.connect, asyncio.Event()

            async def connect_later(make):
                await there.wait()
                await connects(make)

            link.connect = connect_later
            nodes.listeners[0].close()
            sent = [asyncio.create_task(bus.refused("b1", wager())) for _ in range(3)]
            assert [(await one).code for one in sent] == ["unavailable"] * 3
            assert link.given_up
            assert (await bus.refused("b1", wager())).code == "unavailable"
            with pytest.raises(Rejected, match="recorded now"):
                await nodes.outside.ask(Question("b1", "board", session=owner.session))
            watch.tell(Enter(1, owner.session, ("wagers",)))
            await comes_true(lambda: shown.news)
            assert [(type(one), one.seats) for one in shown.news] == [(TurnedAway, [1])]
            way = nodes.outside.ways["b1"]
            assert (way.waiting, way.troubled_s) == ({}, 0.0)
            there.set()
            await comes_true(lambda: link.end is not None)
            await bus.do("b1", wager())
            watch.close()

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_is_sent_elsewhere_is_not_sent_again_over_a_link_that_comes_back(path):
    async def main():
        async with cluster(SqliteStore(path)) as nodes:
            bus = nodes.by(nodes.outside)
            await bus.do("b1", wager())
            link = nodes.outside.links[nodes.a]
            connects, there = link.connect, asyncio.Event()

            async def connect_later(make):
                await there.wait()
                await connects(make)

            link.connect = connect_later
            nodes.listeners[0].close()
            await comes_true(lambda: link.end is None)
            sent = asyncio.create_task(bus.refused("b1", wager(amount_minor=1)))
            await comes_true(lambda: link.under_way.sent)
            await nodes.second.engine.adopt("b1")
            nodes.places.put("b1", nodes.b)
            # It is refused there, and whoever had it before gets it back.
            await sent
            assert not link.under_way.sent
            there.set()
            await comes_true(lambda: link.end is not None)

    play(asyncio.wait_for(main(), WAIT_S))
