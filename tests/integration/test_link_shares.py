"""A link that is full: whoever fills it waits behind themselves, and what is urgent goes before what is much."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.wired import Linked, linked
from tests.integration.world import MONEYLINE, World, acceptance, play, running, wager

from runline.bus.gathering import Gather
from runline.bus.limits import FRAME_BYTES
from runline.bus.said import Came, Told, encode
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.moving import MoveAgent
from runline.domain.permissions import Permission
from runline.domain.roles import SetRole
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import CreateUser
from runline.engine.bus import Question
from runline.engine.limits import REQUESTS_PER_SEND_MAX
from runline.engine.requests import Request
from runline.engine.watching import Frame
from runline.gateway.door import Caller
from runline.store.sqlite import SqliteStore

FLOOD = 10_000
"""Requests of one user: far more than are on their way at a time."""

QUESTIONS = 512
"""Questions that a link holds here."""


class Stage:
    """A book behind a link that the owner does not read for now. taken: what it takes in, in this order."""

    def __init__(self, world: World, link: Linked, callers: dict[str, Caller]) -> None:
        self.world = world
        self.link = link
        self.callers = callers
        self.taken: list[tuple[str, Any]] = []
        bus: Any = link.listener.bus
        submit, ask = bus.submit, bus.ask

        def submitted(requests: Any, sink: Any) -> None:
            self.taken += [(request.session, request) for request in requests]
            submit(requests, sink)

        async def asked(question: Question) -> Any:
            self.taken.append((question.session, question))
            return await ask(question)

        bus.submit, bus.ask = submitted, asked

    @property
    def end(self) -> Any:
        """The link, as its owner has it."""
        (end,) = self.link.listener.known
        return end

    def request(self, user: str, command: Any) -> Request:
        """A request as it comes through the door."""
        return Request("b1", self.world.bus.new_id(), "", command, self.callers[user].session)

    def question(self, user: str) -> Question:
        return Question("b1", "players", session=self.callers[user].session)

    def submit(self, user: str, commands: list[Any]) -> Gather:
        gather = Gather(len(commands))
        for start in range(0, len(commands), REQUESTS_PER_SEND_MAX):
            part = commands[start : start + REQUESTS_PER_SEND_MAX]
            self.link.bus.submit([self.request(user, command) for command in part], Later(gather, start))
        return gather

    def share_before(self, flooder: str, user: str) -> float:
        """How much of all that was taken in of one user came before anything that another has sent."""
        flood = [whose for whose, _ in self.taken]
        place = flood.index(self.callers[user].session)
        session = self.callers[flooder].session
        return flood[:place].count(session) / flood.count(session)


class Later(Gather):
    """Collects the outcomes of one call of several. first: where its own begin."""

    def __init__(self, gather: Gather, first: int) -> None:
        self.gather = gather
        self.first = first

    def answer(self, index: int, outcome: Any) -> None:
        self.gather.answer(self.first + index, outcome)


@asynccontextmanager
async def stage(path: Path) -> AsyncIterator[Stage]:
    async with running(SqliteStore(path)) as world, asyncio.timeout(120):
        await world.open_house()
        await world.open_book(credit_minor=10**12)
        await world.do("b1", CreateAgent("A2", "root"))
        may = (Permission.BOARD_VIEW, Permission.FIGURES_VIEW, Permission.PLAYER_CREATE)
        await world.do("b1", SetRole("manager", "root", may, "for those below"))
        for user, node in (("ann", "A1"), ("bea", "A2")):
            await world.do("b1", CreateUser(user, node, "manager"))
        async with linked(world.bus) as link:
            callers = {user: await world.sign_in("b1", user) for user in ("owner", "ann", "bea", "P1")}
            for caller in callers.values():
                await link.bus.who("b1", caller.session)
            yield Stage(world, link, callers)


@pytest.fixture
def small(monkeypatch):
    """Links that hold less than they do."""
    monkeypatch.setattr("runline.bus.waiting.REQUESTS_BYTES_MAX", 16 * 2**20)
    monkeypatch.setattr("runline.bus.link.QUESTIONS_BYTES_MAX", QUESTIONS * 1_024)


async def suspend_and_ask(stage: Stage, user: str) -> tuple[Any, Any]:
    """A suspension and a question, on their way."""
    suspended = stage.submit(user, [Suspend("market", MONEYLINE, "news")])
    asked = asyncio.create_task(stage.link.bus.ask(stage.question(user)))
    await asyncio.sleep(0)
    return suspended, asked


@pytest.mark.parametrize(("what", "flooder"), [("wagers", "P1"), ("control", "ann"), ("questions", "ann")])
def test_a_flood_of_one_user_over_a_link_leaves_the_suspension_and_the_question_of_another_answered(
    path, small, what, flooder
):
    async def main():
        async with stage(path) as here:
            bus = here.link.bus
            here.end.transport.pause_reading()
            if what == "questions":
                # So much is on its way that the link is full.
                flood = here.submit("P1", [wager(amount_minor=1_00)] * 3_000)
                asking = [asyncio.create_task(bus.ask(here.question(flooder))) for _ in range(QUESTIONS)]
                await asyncio.sleep(0)
                refused = sum(one.done() for one in asking)
            else:
                asking = []
                commands: dict[str, list[Any]] = {
                    "wagers": [wager(amount_minor=1_00)] * FLOOD,
                    "control": [CreatePlayer(f"X{n}", "A1", 0) for n in range(FLOOD)],
                }
                flood = here.submit(flooder, commands[what])
                refused = sum(one is not None for one in flood.outcomes)
            # Whoever has more than their share hears so at once.
            assert refused
            suspended, asked = await suspend_and_ask(here, "owner")
            here.end.transport.resume_reading()
            await suspended.done
            acceptance(suspended.outcomes[0])
            await asked
            await flood.done
            await asyncio.gather(*asking, return_exceptions=True)
            assert here.share_before(flooder, "owner") < 0.5
            assert (bus.lines.size, bus.under_way.size) == (0, 0)
            assert (bus.under_way.shares.held, bus.questions.held) == ({}, {})

    play(main())


def test_what_one_user_sends_over_a_link_that_is_full_keeps_its_order(path):
    async def main():
        async with stage(path) as here:
            here.end.transport.pause_reading()
            commands = [
                Suspend("market", MONEYLINE, str(n)) if n % 2 else Reopen("market", MONEYLINE) for n in range(999)
            ]
            others = here.submit("P1", [wager(amount_minor=1_00)] * 2_000)
            sent = here.submit("owner", commands)
            here.end.transport.resume_reading()
            await asyncio.gather(sent.done, others.done)
            session = here.callers["owner"].session
            assert [request.command for whose, request in here.taken if whose == session] == commands

    play(main())


def test_a_question_that_nobody_waits_for_gives_its_place_back_once_it_is_under_way_no_more(path):
    async def main():
        async with stage(path) as here:
            bus = here.link.bus
            here.end.transport.pause_reading()
            said = asyncio.create_task(bus.ask(here.question("ann")))
            await asyncio.sleep(0)
            here.submit("P1", [wager(amount_minor=1_00)] * 2_000)
            waiting = asyncio.create_task(bus.ask(here.question("bea")))
            await asyncio.sleep(0)
            assert len(bus.asked) == 2
            held = bus.lines.size
            for task in (said, waiting):
                task.cancel()
            await asyncio.gather(said, waiting, return_exceptions=True)
            assert bus.lines.size == held - 1
            assert len(bus.asked) == 1
            assert len(bus.questions.held) == 3
            here.end.transport.resume_reading()
            await comes_true(lambda: not bus.asked)
            assert bus.questions.held == {}

    play(main())


def test_a_user_who_moves_gives_back_what_they_took_where_they_stood(path, monkeypatch):
    monkeypatch.setattr("runline.bus.waiting.REQUESTS_COUNTED_BYTES", 0)

    async def main():
        async with stage(path) as here:
            bus = here.link.bus
            here.end.transport.pause_reading()
            flood = here.submit("ann", [CreatePlayer(f"X{n}", "A1", 0) for n in range(50)])
            assert ("b1", "A1") in bus.under_way.shares.held
            await here.world.do("b1", MoveAgent("A1", "A2", "tidying"))
            bus.sharers[here.callers["ann"].session] = ("b1", "A2", "ann")
            here.end.transport.resume_reading()
            await flood.done
            assert bus.under_way.shares.held == {}

    play(main())


def test_an_outcome_goes_before_the_screens_news_that_a_gateway_has_not_read(path):
    async def main():
        async with stage(path) as here:
            heard = []
            bus: Any = here.link.bus
            hear = bus.hear

            def hearing(said):
                heard.append(type(said))
                hear(said)

            bus.hear = hearing
            bus.end.transport.pause_reading()
            for _ in range(64):
                here.end.say_later(encode(Told(7, [Frame(1, b"x" * FRAME_BYTES, 1, 1)])))
            sent = here.submit("P1", [wager(amount_minor=1_00)])
            await comes_true(lambda: here.taken)
            await comes_true(lambda: here.end.requests == 0)
            bus.end.transport.resume_reading()
            await sent.done
            await comes_true(lambda: heard.count(Told) == 64)
            told = [one for one in heard if one in (Told, Came)]
            assert told.index(Came) < 32

    play(main())


def test_an_owner_takes_no_more_of_its_links_in_at_once_than_a_round_holds(path):
    async def main():
        async with stage(path) as here:
            here.link.listener.intake.round_ns = 1
            loop, turns, taken = asyncio.get_running_loop(), 0, []
            take = here.end.take

            def turn():
                nonlocal turns
                turns += 1
                turning[0] = loop.call_soon(turn)

            def taking(frame):
                taken.append(turns)
                take(frame)

            turning = [loop.call_soon(turn)]
            here.end.take = taking
            here.end.transport.pause_reading()
            flood = here.submit("P1", [wager(amount_minor=1_00)] * 1_000)
            here.end.transport.resume_reading()
            await flood.done
            turning[0].cancel()
            assert len(taken) > 2
            assert len(set(taken)) == len(taken)

    play(main())
