"""A stream that stops: only a fault of ours stops it, everybody can see that, and it is started again without a restart."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.declared import declare_otherwise
from tests.doubles.plain import VOCABULARY
from tests.integration.served import served
from tests.integration.stores import Around, HeldStore
from tests.integration.world import (
    HOME_WINS,
    NOON_NS,
    SECOND_NS,
    START_NS,
    agrees,
    passes,
    play,
    refusal,
    running,
    wager,
)

from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, RenumberFixture, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.guard import SetGuard
from runline.domain.held import ConfirmLine, DropLine
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import StartStream
from runline.domain.invariants import BrokenInvariant
from runline.domain.large_wagers import SetLargeWager
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import MoveLine
from runline.domain.messages import HOUSE, Rejected
from runline.domain.permissions import Permission
from runline.domain.placing import PlaceWager
from runline.domain.prices import Prices
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.rows import row_encoder
from runline.domain.setbacks import TryAgain
from runline.domain.settings import SetLimits
from runline.domain.suspension import AddReason, Reopen, Suspend, Suspended
from runline.domain.tickets import VoidWager, WagerPlaced
from runline.domain.users import CreateUser
from runline.domain.watch import WatchFeed
from runline.engine.requests import Accepted, Refused
from runline.gateway.door import public_commands
from runline.store.sqlite import SqliteStore

WAIT_S = 30


def broken(world, kind):
    """Make what applies a type of event fail; returns what mends it."""

    def fails(state, event):
        raise BrokenInvariant("the sums do not hold")

    return declare_otherwise(world.engine.vocabulary, "evolvers", kind, fails)


async def open_stage(world, books=("b1", "b2")):
    await world.open_house()
    for book in books:
        await world.open_book(book, credit_minor=10**12)


def test_a_stopped_book_is_not_ready_and_goes_on_when_the_house_says_so(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            engine = world.engine
            assert engine.ready
            placed = await world.do("b1", wager())
            listener = world.listen("b1", placed.position)
            mend = broken(world, WagerPlaced)
            assert (await world.refused("b1", wager())).code == "unavailable"
            (condition,) = engine.conditions.failing
            assert (condition.part, condition.subject) == ("stream", "b1")
            assert condition.reason == "BrokenInvariant: the sums do not hold"
            assert not engine.ready
            # What made it stop is still there: it is started, and stops again with its reason.
            await world.do(HOUSE, StartStream("b1", "try"))
            await comes_true(lambda: not engine.writers["b1"].stopped)
            assert engine.ready
            assert (await world.refused("b1", wager())).code == "unavailable"
            assert not engine.ready
            mend()
            await world.do(HOUSE, StartStream("b1", "mended"))
            await comes_true(lambda: engine.ready)
            again = await world.do("b1", wager())
            assert again.position == placed.position + 1
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 2
            await listener.reach(again.position)
            assert listener.positions == [again.position]
            listener.leave()
            assert (await world.refused(HOUSE, StartStream("b9", "none"))).code == "unknown_book"
            assert (await world.refused("b1", StartStream("b1", "not here"))).code == "wrong_stream"

    play(main())
    agrees(committed.path)


def test_starting_a_stream_that_goes_on_changes_nothing(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            before = world.engine.writers["b1"]
            await world.do(HOUSE, StartStream("b1", "to be sure"))
            world.engine.start_stopped()
            await passes()
            await world.do("b1", wager())
            assert world.engine.writers["b1"] is before

    play(main())


def test_a_stopped_house_stops_every_wager_and_is_started_again_on_the_host(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            mend = broken(world, Suspended)
            assert (await world.refused(HOUSE, Suspend("all", "", "news"))).code == "unavailable"
            assert (await world.refused(HOUSE, StartStream("b1", "no way"))).code == "unavailable"
            for book in ("b1", "b2"):
                assert (await world.refused(book, wager())).code == "house_stale"
            mend()
            world.engine.start_stopped()
            await comes_true(lambda: world.engine.ready)
            for book in ("b1", "b2"):
                await world.do(book, wager())
            await world.do(HOUSE, Suspend("all", "", "news"))
            assert (await world.refused("b1", wager())).code == "market_suspended"
            await world.do(HOUSE, StartStream("b1", "the house listens again"))

    play(main())
    agrees(committed.path)


def test_what_a_stopped_book_has_missed_of_the_house_it_takes_when_it_starts(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            for _ in range(3):
                await world.do("b1", wager(amount_minor=100_00))
            mend = broken(world, WagerPlaced)
            await world.refused("b1", wager())
            mend()
            await world.play_off("G1", HOME_WINS)
            await world.settled("b2")
            await world.do(HOUSE, StartStream("b1", "mended"))
            await comes_true(lambda: world.engine.ready)
            await world.settled("b1")
            assert await world.read("b1", lambda book: book.tree.players["P1"].balance_minor) == 3 * 102_00

    play(main())
    agrees(committed.path)


def test_a_stream_that_stops_while_its_last_stretch_is_written_keeps_it(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await open_stage(world)
            store.hold()
            first = asyncio.create_task(world.ask("b1", wager()))
            await store.held.wait()
            mend = broken(world, WagerPlaced)
            second = asyncio.create_task(world.ask("b1", wager()))
            await comes_true(lambda: world.engine.writers["b1"].stopped)
            mend()
            world.engine.start_stopped()
            await passes()
            assert world.engine.writers["b1"].stopped
            store.let_go()
            assert isinstance(await first, Accepted)
            assert refusal(await second).code == "unavailable"
            await comes_true(lambda: world.engine.ready)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 1
            await world.do("b1", wager())

    play(main())
    agrees(path)


def test_who_waits_for_a_position_of_a_stream_that_stops_is_told(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            waiting = asyncio.create_task(world.engine.query("b1", lambda book: None, at_least=10**6, wait_s=WAIT_S))
            await passes()
            broken(world, WagerPlaced)
            await world.refused("b1", wager())
            with pytest.raises(Rejected) as told:
                await waiting
            assert told.value.code == "unavailable"

    play(main())


def test_who_waits_in_a_stream_that_stops_is_told_though_its_lanes_cannot_be_left_at_first(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            queues, leave = world.engine.queues, world.engine.queues.leave

            def fails(writer):
                monkeypatch.setattr(queues, "leave", leave)
                raise BrokenInvariant("a lane is not what it should be")

            monkeypatch.setattr(queues, "leave", fails)
            broken(world, WagerPlaced)
            async with asyncio.timeout(WAIT_S):
                outcomes = await world.bus.send([world.request("b1", wager()) for _ in range(5)])
            assert {refusal(outcome).code for outcome in outcomes} == {"unavailable"}

    play(main())


# A part that cannot be sealed


def test_a_stretch_that_cannot_be_sealed_stops_its_stream_and_everybody_is_answered(committed, monkeypatch):
    encoder = row_encoder

    def broken_encoder(kind):
        def encode(stream, row):
            if stream == "b2" and kind.table == "tickets":
                raise TypeError("this row cannot be written")
            return encoder(kind)(stream, row)

        return encode

    async def main():
        async with running(committed()) as world:
            await open_stage(world, ("b1", "b2", "b3"))
            monkeypatch.setattr("runline.engine.writer.row_encoder", broken_encoder)
            requests = [world.request(book, wager()) for book in ("b1", "b2", "b3", "b2", "b1")]
            async with asyncio.timeout(WAIT_S):
                outcomes = await world.bus.send(requests)
            assert [getattr(outcome, "code", "accepted") for outcome in outcomes] == [
                "accepted", "unavailable", "accepted", "unavailable", "accepted",
            ]  # fmt: skip
            assert world.engine.probes.recoveries == 0
            monkeypatch.undo()
            world.engine.start_stopped()
            await comes_true(lambda: world.engine.ready)
            assert await world.read("b2", lambda book: len(book.tickets.by_number)) == 0
            await world.do("b2", wager())

    play(main())
    agrees(committed.path)


# What cannot stop a stream


class Odd:
    """Something that no door lets in."""


ODD: Any = Odd()


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        (wager(), {"if_position": "x"}),
        (PlaceWager("P1", "G1:game:moneyline", "home", None, "+102", ODD), {}),
        (PlaceWager("P1", ODD, "home", None, "+102", 1_00), {"preview": True}),
        (wager(amount_minor=2**64), {}),
        (wager("\ud800"), {}),
        (StartStream("b1", "x"), {}),
    ],
)
def test_no_request_stops_a_stream_whatever_is_in_it(path, command, fields):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            try:
                await world.refused("b1", command, **fields)
            except TypeError:
                pass
            assert world.engine.ready
            await world.do("b1", wager())

    play(main())


def test_what_a_command_needs_and_cannot_say_costs_that_command_only(path):
    from runline.domain.tickets import VoidWager

    def fails(book, command):
        raise RuntimeError("no idea")

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            number = (await world.do("b1", wager())).position
            declare_otherwise(world.engine.vocabulary, "wanted", VoidWager, fails)
            await world.ask("b1", VoidWager(number + 10**6, "none"))
            assert world.engine.ready
            await world.do("b1", wager())

    play(main())


def test_a_preview_whose_figures_cannot_be_made_costs_that_preview_only(path, monkeypatch):
    def fails(actor, book, events):
        raise KeyError("P1")

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            monkeypatch.setattr("runline.engine.writer.moves_shown_to", fails)
            assert (await world.refused("b1", wager(), preview=True)).code == "internal_error"
            assert world.engine.ready
            await world.do("b1", wager())

    play(main())


# How old the house is


class OneAtATime(Around):
    """Lets commits of the house through one at a time, as they are allowed."""

    def __init__(self, store):
        super().__init__(store)
        self.allowed = asyncio.Semaphore(10**6)

    async def commit(self, sealed):
        if any(stretch.before.stream == HOUSE for stretch in sealed.stretches):
            await self.allowed.acquire()
        return await self.store.commit(sealed)


def test_the_house_is_as_old_as_its_oldest_change_that_is_not_durable(path):
    async def main():
        store = OneAtATime(SqliteStore(path))
        async with running(store) as world:
            await open_stage(world)
            gate = store.allowed = asyncio.Semaphore(0)
            first = asyncio.create_task(world.do(HOUSE, Suspend("kind", "total", "given")))
            await comes_true(lambda: world.engine.batches.committing is not None)
            second = asyncio.create_task(world.do(HOUSE, Suspend("kind", "spread", "given")))
            await comes_true(lambda: len(world.engine.writers[HOUSE].filling.logged) == 1)
            world.clock.host_ahead_ns += 1_500_000_000
            store.allowed.release()
            await first
            assert (await world.ask("b1", wager(), preview=True)).position
            world.clock.host_ahead_ns += SECOND_NS
            late = await world.ask("b1", wager(), preview=True)
            for _ in range(100):
                gate.release()
            await second
            assert isinstance(late, Refused)
            assert late.code == "house_stale"
            assert late.details["lag_ms"] >= 2_500
            await world.do("b1", wager())

    play(main())


# Over HTTP


def test_whoever_may_sees_which_stream_is_stopped_and_why_and_starts_it_again(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await open_stage(world)
            await world.do("b1", SetRole("clerks", "root", (Permission.FIGURES_VIEW,), "given"))
            await world.do("b1", CreateUser("ann", "A1", "clerks"))
            await world.do("b1", CreateUser("bob", "root", "clerks"))
            platform = await place.platform()
            owner, other = await place.sign_in("b1", "owner"), await place.sign_in("b2", "owner")
            ann, bob, player = [await place.sign_in("b1", name) for name in ("ann", "bob", "P1")]
            outsider = place.client()
            assert (await outsider.http.get("/v1/ready")).json() == {"ready": True}
            assert (await platform.ask("conditions")).items == []
            mend = broken(world, WagerPlaced)
            await world.refused("b1", wager())
            ready = await outsider.http.get("/v1/ready")
            assert (ready.status_code, ready.json()) == (503, {"ready": False, "failing": ["stream"]})
            assert (await outsider.http.get("/v1/conditions")).status_code == 401
            # The book's own reads say that it is not available, but not this one.
            assert (await owner.http.get("/v1/board", headers=bearer(owner))).status_code == 503
            for client in (platform, owner, bob):
                (row,) = (await client.ask("conditions")).items
                assert (row["part"], row["subject"], row["level"]) == ("stream", "b1", "failing")
                assert "the sums do not hold" in row["reason"]
                assert row["since_ns"] > 0
            assert (await other.ask("conditions")).items == []
            (row,) = (await ann.ask("conditions")).items
            assert (row["subject"], row["level"]) == ("b1", "failing")
            assert "sums" not in row["reason"]
            assert (await player.http.get("/v1/conditions", headers=bearer(player))).status_code == 403
            mend()
            await platform.send_as(world.bus.new_id(), "StartStream", {"book": "b1", "reason": "mended"})
            await comes_true(lambda: world.engine.ready)
            assert (await outsider.http.get("/v1/ready")).status_code == 200
            assert (await owner.ask("conditions")).items == []

    play(main())


def bearer(client):
    return {"authorization": f"Bearer {client.token}"}


def test_a_book_hears_of_the_rest_of_the_process_in_words(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await open_stage(world)
            owner, platform = await place.sign_in("b1", "owner"), await place.platform()
            world.engine.conditions.note("committer", "", "degraded", "pid 4711 has not answered for 3 s", 5)
            world.engine.conditions.note("work", "b2", "degraded", "job 7 cannot be done", 6)
            world.engine.conditions.note("store", "wal", "degraded", "/the/path-wal is long", 7)
            world.engine.conditions.note("store", "check", "degraded", "/the/path is damaged", 8)
            row, *others = (await owner.ask("conditions")).items
            assert (row["part"], row["level"], row["since_ns"]) == ("committer", "degraded", 5)
            assert [(one["part"], one["subject"]) for one in others] == [("store", "check"), ("store", "wal")]
            assert not any(word in str([row, *others]) for word in ("4711", "path"))
            assert [row, *others] == [
                one
                for after in ("", "committer:", "store:check")
                for one in (await owner.ask("conditions", after=after, limit=1)).items
            ]
            whole = (await platform.ask("conditions")).items
            assert [(one["part"], one["subject"]) for one in whole] == [
                ("committer", ""),
                ("store", "check"),
                ("store", "wal"),
                ("work", "b2"),
            ]
            assert "4711" in whole[0]["reason"]
            # Something is not as it should be, and still commands are taken.
            assert (await owner.http.get("/v1/ready")).json() == {"ready": True}

    play(main())


WHOLE = 2**63
BEYOND = (WHOLE, 2**64 + 1, 10**30, -WHOLE - 1)
SAMPLES = {
    HOUSE: (
        CreateFixture("G9", "MLB", 951, "Away", "Home", START_NS),
        PostLines("G1", NOON_NS + 1, (MarketLine("spread", "game", -6, Prices(away="-110", home="-110")),)),
        RescheduleFixture("G2", START_NS, "rain"),
        RenumberFixture("G1", 961, "as printed"),
        SetGuard("swap", "hold", "trial", 500),
        ConfirmLine("G1:game:total", 1),
        DropLine("G1:game:total", 1, "a slip"),
        EnterResult("G1", Score(5, 3, ((5, 3),))),
        ConfirmResult("G1", 1),
        Suspend("fixture", "G1", "quick"),
        AddReason("fixture", "G1", 5, "rain"),
        Reopen("fixture", "G1", "dry", layer_seq=5),
        TryAgain(5, "mended"),
        WatchFeed("platform", 60_000, "lines"),
    ),
    "b1": (
        AdjustCredit("P1", 1_00, "asked"),
        CreatePlayer("P7", "A1", 1_00),
        EnterTransaction("P1", "receipt", 1_00, "cash"),
        GrantTemporaryCredit("P1", 1_00, NOON_NS + 10, "asked"),
        MoveLine("G1:game:spread", "offset", offset_quarters=2, offset_cents=5, reason="ours"),
        MoveLine("G1:game:spread", "lock", line_quarters=-6, prices=Prices(away="-105", home="-115"), reason="ours"),
        PlaceWager("P1", "G1:game:spread", "home", -6, "-140", 1_00),
        SetLimits(1_00, 5_000_00, 5_000_00, "season"),
        SetLargeWager("A1", 500_00, "small players"),
        SetPlayerLimits("P1", 1_00, 1_00, True, "sharp"),
        Suspend("fixture", "G2", "quick"),
        AddReason("fixture", "G2", 5, "rain"),
        Reopen("fixture", "G2", "dry", layer_seq=5),
        TryAgain(5, "mended"),
        VoidLeg(5, 1, "wrong"),
        VoidWager(5, "wrong"),
    ),
}
"""Every command with a number, as it would be taken."""


def with_numbers(value, number):
    """The same with one of its numbers (at any depth) replaced, for each of them."""
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            for part in with_numbers(getattr(value, name), number):
                yield msgspec.structs.replace(value, **{name: part})
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            for part in with_numbers(one, number):
                yield (*value[:index], part, *value[index + 1 :])
    elif type(value) is int:
        yield number


def test_no_number_that_a_table_cannot_hold_stops_a_stream(committed):
    samples = {type(command) for commands in SAMPLES.values() for command in commands}
    numbered = {
        kind
        for kind in public_commands(VOCABULARY)
        if any(re.search(r"\bint\b", str(f.type)) for f in msgspec.structs.fields(kind))
    }
    assert numbered <= samples | {EnterResult, PostLines}

    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            for stream, commands in SAMPLES.items():
                for command in commands:
                    for number in BEYOND:
                        for odd in with_numbers(command, number):
                            world.clock.at_ns = START_NS if type(command) is EnterResult else NOON_NS
                            await world.ask(stream, odd)
                            assert world.engine.ready, odd

    play(main())
    agrees(committed.path)
