"""The bus: sessions are looked up where the stream is, questions are asked by name, and all of it works as bytes, too."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.wired import BUSES, over
from tests.integration.stores import HeldStore
from tests.integration.world import NOON_NS, acceptance, passes, play, running, wager

from runline.domain.messages import GATEWAY, Rejected
from runline.domain.queries.inside import CredentialAsked, Known, Standing
from runline.domain.sessions import LIMITS, SignOut, used_ns
from runline.domain.tickets import WagerPlaced
from runline.engine.bus import Question
from runline.engine.probes import Measures
from runline.engine.requests import Accepted, Refused, Request
from runline.gateway.door import Door
from runline.store.sqlite import SqliteStore


@pytest.fixture(params=BUSES)
def run_over(path, request):
    """Run a test over each bus, on a house with a game and a book with two players."""

    def run(main):
        async def set_up():
            async with running(SqliteStore(path)) as world:
                await world.open_house()
                await world.open_book(players=2)
                async with over(request.param, world.bus) as bus:
                    await main(world, bus)

        play(set_up())

    return run


def in_session(bus, caller, command, **fields):
    """What somebody sends."""
    return Request(caller.stream, bus.new_id(), fields.pop("actor", ""), command, caller.session, **fields)


async def code_of(awaitable):
    """The code of a refusal."""
    with pytest.raises(Rejected) as refused:
        await awaitable
    return refused.value.code


# Requests


def test_a_request_is_whose_the_session_is_whatever_it_says_of_its_actor(run_over):
    async def main(world, bus):
        caller = await world.sign_in("b1", "P1")
        for actor in ("", "owner", "P1", "mallory"):
            outcome = await bus.send_one(in_session(bus, caller, wager("P1"), actor=actor))
            assert isinstance(outcome, Accepted), actor
            assert isinstance(outcome.events[0], WagerPlaced)
            refused = await bus.send_one(in_session(bus, caller, wager("P2"), actor=actor))
            assert isinstance(refused, Refused), actor
            assert refused.code == "not_permitted"
        assert await world.read("b1", lambda book: set(book.risk.pending)) == {"P1"}

    run_over(main)


def test_the_outcomes_of_one_call_keep_their_order_whatever_becomes_of_each(run_over):
    async def main(world, bus):
        caller = await world.sign_in("b1", "P1")
        nobody = msgspec.structs.replace(caller, session="nobody's")
        sent = [
            in_session(bus, nobody, wager()),
            in_session(bus, caller, wager()),
            in_session(bus, caller, wager("\ud800")),
            in_session(bus, caller, wager(), preview=True),
            world.request("b9", wager()),
        ]
        outcomes = await bus.send(sent)
        assert [getattr(one, "code", type(one).__name__) for one in outcomes] == [
            "not_signed_in", "Accepted", "malformed_command", "Previewed", "unknown_book",
        ]  # fmt: skip

    run_over(main)


def test_a_session_that_has_ended_sends_nothing_and_asks_nothing(run_over):
    async def main(world, bus):
        caller = await world.sign_in("b1", "P1")
        assert (await bus.who("b1", caller.session)).user == "P1"
        await world.do("b1", SignOut(caller.session), by=GATEWAY)
        outcome = await bus.send_one(in_session(bus, caller, wager()))
        assert outcome.code == "not_signed_in"
        assert await code_of(bus.ask(Question("b1", "me", session=caller.session))) == "not_signed_in"
        assert await code_of(bus.who("b1", caller.session)) == "not_signed_in"
        assert await code_of(bus.who("b9", caller.session)) == "not_signed_in"

    run_over(main)


def test_a_program_that_sends_keeps_its_session(run_over):
    async def main(world, bus):
        idle_ns = LIMITS["program"].idle_ns
        sender, asker, idle = [await world.sign_in("b1", "P1") for _ in range(3)]
        for hours in range(1, 4):
            world.set_clock(NOON_NS + hours * idle_ns // 2)
            await bus.send_one(in_session(bus, sender, wager()))
            await bus.ask(Question("b1", "me", session=asker.session))
            for name in (sender.session, asker.session):
                await world.until(
                    "b1", lambda book, name=name: used_ns(book.sessions.by_name[name]) == world.clock.at_ns
                )
        await world.until("b1", lambda book: idle.session not in book.sessions.by_name)
        assert await world.read("b1", lambda book: {sender.session, asker.session} <= set(book.sessions.by_name))

    run_over(main)


def test_nobody_hears_that_a_session_has_ended_before_that_is_durable(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await world.open_book()
            caller = await world.sign_in("b1", "owner")
            store.hold()
            ended = asyncio.create_task(world.ask("b1", SignOut(caller.session), by=GATEWAY))
            await store.held.wait()
            bus = world.bus
            told = [
                asyncio.create_task(bus.send_one(in_session(bus, caller, wager()))),
                asyncio.create_task(bus.ask(Question("b1", "me", session=caller.session))),
                asyncio.create_task(bus.ask(Question("b1", "wagers", session=caller.session))),
                asyncio.create_task(bus.who("b1", caller.session)),
            ]
            await passes()
            assert not any(one.done() for one in (ended, *told))
            store.let_go()
            found: list[Any] = await asyncio.gather(*told, return_exceptions=True)
            outcome, *refusals = found
            assert outcome.code == "not_signed_in"
            assert [one.code for one in refusals] == ["not_signed_in"] * 3

    play(main())


# Questions


def test_a_question_is_answered_by_its_name_for_whose_the_session_is(run_over):
    async def main(world, bus):
        placed = await world.do("b1", wager("P2"))
        for user, seen in (("owner", ["P1", "P2"]), ("P2", ["P2"])):
            caller = await world.sign_in("b1", user)
            answer = await bus.ask(Question("b1", "players", session=caller.session, at_least=placed.position))
            page = msgspec.json.decode(answer.body)
            assert answer.position == page["position"] >= placed.position
            assert sorted(row["player"] for row in page["items"]) == seen
            history = await bus.ask(Question("b1", "wagers", session=caller.session))
            assert [row["player"] for row in msgspec.json.decode(history.body)["items"]] == ["P2"]

    run_over(main)


def test_a_program_inside_asks_as_somebody_without_a_session(run_over):
    async def main(world, bus):
        for name, query in VOCABULARY.queries.items():
            if "book" in query.streams:
                assert (await bus.ask(Question("b1", name, actor="owner"))).position, name
                assert await code_of(bus.ask(Question("b1", name, actor="mallory"))) == "not_permitted"
                assert await code_of(bus.ask(Question("b1", name))) == "not_permitted"

    run_over(main)


def test_what_is_no_question_is_refused(run_over, monkeypatch):
    monkeypatch.setattr("runline.reads.questions.AT_LEAST_WAIT_S", 0.01)

    async def main(world, bus):
        caller = await world.sign_in("b1", "owner")
        for name, fields, code in (
            ("secrets", b"{}", "unknown_query"),
            ("players", b"", "malformed_request"),
            ("players", b'{"limit":"all"}', "malformed_request"),
            ("board", b'{"limit":0}', "malformed_request"),
            ("players", b'{"state":1}', "malformed_request"),
            ("players", b"[" * 30_000, "malformed_request"),
            ("books", b"{}", "wrong_stream"),
            ("players", b'{"player":"P9"}', "unknown_player"),
        ):
            assert await code_of(bus.ask(Question("b1", name, fields, caller.session))) == code, (name, fields[:20])
        for name in ("board", "wagers", "conditions"):
            assert (await bus.ask(Question("b1", name, b'{"limit":%d}' % 2**70, caller.session))).position, name
        far = Question("b1", "players", session=caller.session, at_least=10**9)
        assert await code_of(bus.ask(far)) == "position_unknown"

    run_over(main)


def test_how_somebody_stands_is_said_of_their_own_session_only(run_over):
    async def main(world, bus):
        caller = await world.sign_in("b1", "P1")
        answer = await bus.ask(Question("b1", "standing", session=caller.session))
        standing = msgspec.json.decode(answer.body, type=Standing)
        assert (standing.user, standing.node, standing.player, standing.present) == ("P1", "A1", "P1", True)
        assert "wager_place" in standing.permissions
        assert await code_of(bus.ask(Question("b1", "standing"))) == "not_permitted"
        asked = msgspec.json.encode(CredentialAsked("P1"))
        known = msgspec.json.decode((await bus.ask(Question("b1", "credential", asked))).body, type=Known)
        assert known.digest
        assert known.active
        assert await code_of(bus.ask(Question("b9", "credential", asked))) == "unknown_book"

    run_over(main)


# Events


def test_events_are_followed_in_order_and_from_any_position_on(run_over):
    async def main(world, bus):
        for _ in range(5):
            await world.do("b1", wager())
        head = await world.read("b1", lambda book: book.seq)
        seen = []
        async with asyncio.timeout(30):
            async for happened in bus.follow("b1", 0):
                seen += happened
                if seen[-1].seq == head:
                    break
            assert [one.seq for one in seen] == list(range(1, head + 1))
            again = []
            async for happened in bus.follow("b1", head - 3):
                again += happened
                if again[-1].seq == head:
                    break
            assert again == seen[-3:]
        with pytest.raises(Rejected, match="not reached"):
            await anext(bus.follow("b1", head + 1))
        with pytest.raises(Rejected, match="no such book"):
            await anext(bus.follow("b9", 0))

    run_over(main)


@pytest.mark.parametrize("way", BUSES[1:])
def test_a_bus_of_bytes_holds_nothing_of_the_engines_objects(path, way):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            async with over(way, world.bus) as bus:
                request = world.request("b1", wager())
                outcome = acceptance(await bus.send_one(request))
                async for happened in bus.follow("b1", outcome.position - 1):
                    assert happened[0].event == outcome.events[0]
                    assert happened[0].event is not outcome.events[0]
                    break
                assert (await bus.send_one(request)) == Accepted(outcome.position, outcome.events, repeated=True)

    play(main())


def test_how_a_process_is_and_what_it_has_measured_is_told_over_the_bus(run_over):
    async def main(world, bus):
        world.engine.conditions.note("stream", "b2", "failing", "its own secret", 1)
        world.engine.conditions.note("stream", "b1", "failing", "its own secret", 1)
        door, probes = Door(bus, world.clock), world.engine.probes
        vitals = await door.vitals("b1")
        assert (vitals.accepted, vitals.logged, vitals.recoveries) == (probes.accepted, probes.events, 0)
        assert [(one.part, one.subject) for one in vitals.conditions] == [("stream", "b1")]
        assert "secret" not in repr(vitals)
        assert await door.measures() == Measures(probes.commit, probes.answer, probes.loop)
        assert probes.commit.count > 0

    run_over(main)
