"""Tickets of several games in a file: placed, found, graded leg by leg, taken back and voided, over restarts; log = tables."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from tests.integration.stores import STORES
from tests.integration.world import (
    AWAY_WINS,
    HOME_WINS,
    MONEYLINE,
    SetClock,
    agrees,
    play,
    running,
    running_until_the_power_goes,
    wager,
)

from runline.domain.leg_voiding import VoidLeg
from runline.domain.messages import Rejected
from runline.domain.state import ByKey
from runline.domain.tickets import Ticket, VoidWager
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.engine.bus import Question
from runline.evaluate.trace import trace
from runline.simulate import pair
from runline.simulate.pair import PlacePair
from runline.store.sqlite import SqliteStore

PAIR = PlacePair("P1", ((MONEYLINE, "home"), ("G2:game:total", "under")), 10_00)
WIN_MINOR = 27_77
"""10.00 at +102 and -115."""


KNOWN = Vocabulary(*NOUNS, pair)
"""Runline knows one noun more."""


def test_tickets_that_are_read_whole_have_a_bound_where_risk_and_results_are_worked_out(tmp_path, monkeypatch):
    async def main():
        async with running(STORES["memory"](tmp_path), vocabulary=KNOWN) as world:
            await world.open_house(fixtures=2)
            await world.open_book()
            for _ in range(2):
                await world.do("b1", PAIR)
            await world.do("b1", wager())
            questions: tuple[tuple[str, dict[str, Any]], ...] = (
                ("risk", {}),
                ("what_if", {"fixture": "G1", "away": 3, "home": 1}),
            )

            async def answers():
                for name, asked in questions:
                    yield await world.bus.ask(Question("b1", name, msgspec.json.encode(asked), actor="owner"))

            for place in ("standings", "what_if"):
                monkeypatch.setattr(f"runline.reads.{place}.WHOLE_TICKETS_MAX", 2)
            assert [len(msgspec.json.decode(answer.body)["items"]) async for answer in answers()] == [2, 1]
            for place in ("standings", "what_if"):
                monkeypatch.setattr(f"runline.reads.{place}.WHOLE_TICKETS_MAX", 1)
            for name, asked in questions:
                with pytest.raises(Rejected) as refused:
                    await world.bus.ask(Question("b1", name, msgspec.json.encode(asked), actor="owner"))
                assert (refused.value.code, refused.value.details) == ("too_many", {"most": 1})

    play(main())


async def set_up(world):
    """Two games, a straight on each, and a pair on both, whose number is returned."""
    await world.open_house(fixtures=2)
    await world.open_book()
    await world.do("b1", wager())
    await world.do("b1", wager(market="G2:game:moneyline"))
    return (await world.do("b1", PAIR)).position


async def stands(world, number):
    """How a ticket stands, as it is stored."""
    ((ticket,),) = await world.engine.store.fetch("b1", [ByKey(Ticket, number)])
    return ticket.status, [(leg.fixture, leg.status, leg.ended and leg.ended.result) for leg in ticket.legs]


async def balance(world):
    return await world.read("b1", lambda book: book.tree.players["P1"].balance_minor)


async def is_over(world, fixture, score):
    await world.play_off(fixture, score)
    await world.settled(fixture=fixture)


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_a_pair_goes_its_way_leg_by_leg_whenever_the_process_ends(path, life):
    clock = SetClock()
    made: dict[str, int] = {}

    async def placed(world):
        made["pair"] = await set_up(world)
        assert await stands(world, made["pair"]) == ("open", [("G1", "open", None), ("G2", "open", None)])

    async def first_game(world):
        await is_over(world, "G1", HOME_WINS)
        assert await stands(world, made["pair"]) == ("open", [("G1", "graded", "won"), ("G2", "open", None)])
        made["straight"] = await balance(world)

    async def second_game(world):
        assert await balance(world) == made["straight"]
        await is_over(world, "G2", HOME_WINS)
        assert await stands(world, made["pair"]) == ("settled", [("G1", "graded", "won"), ("G2", "graded", "won")])
        assert await balance(world) == 2 * made["straight"] + WIN_MINOR

    async def first_game_again(world):
        await is_over(world, "G1", AWAY_WINS)
        assert await stands(world, made["pair"]) == ("settled", [("G1", "graded", "lost"), ("G2", "graded", "won")])
        assert await balance(world) == made["straight"] - 50_00 - 10_00

    async def one_leg_void(world):
        await world.do("b1", VoidLeg(made["pair"], 1, "wrong price"))
        assert await stands(world, made["pair"]) == ("settled", [("G1", "void", "void"), ("G2", "graded", "won")])
        assert await balance(world) == made["straight"] - 50_00 + 8_70

    async def all_void(world):
        await world.do("b1", VoidWager(made["pair"], "slip"))
        assert await stands(world, made["pair"]) == ("void", [("G1", "void", "void"), ("G2", "void", "void")])
        assert await balance(world) == made["straight"] - 50_00

    async def one(step):
        # (Only a process that ends well begins a file.)
        begins = running if step is placed else life
        async with begins(SqliteStore(path), clock, KNOWN) as world:
            await step(world)

    for step in (placed, first_game, second_game, first_game_again, one_leg_void, all_void):
        play(one(step))
        assert agrees(path, KNOWN).rows["ticket_games"] == 1


@pytest.mark.parametrize("played", [(), ("G1",), ("G1", "G2")], ids=["open", "one leg graded", "settled"])
def test_a_pair_is_shown_with_its_legs_to_who_asks_for_either_game(path, played):
    async def main():
        async with running(SqliteStore(path), vocabulary=KNOWN) as world:
            number = await set_up(world)
            for fixture in played:
                await is_over(world, fixture, HOME_WINS)
            for fixture, straight in (("G1", number - 2), ("G2", number - 1)):
                fields = msgspec.json.encode({"fixture": fixture})
                answer = await world.bus.ask(Question("b1", "wagers", fields, actor="owner"))
                rows = msgspec.json.decode(answer.body)["items"]
                assert [row["number"] for row in rows] == [number, straight]
                assert [leg["fixture"] for leg in rows[0]["legs"]] == ["G1", "G2"]
                statuses = ["graded" if game in played else "open" for game in ("G1", "G2")]
                assert [leg["status"] for leg in rows[0]["legs"]] == statuses

    play(main())


def test_the_way_of_a_pair_is_traced_and_it_writes_one_row_more_than_a_straight(path):
    ids: list[str] = []

    async def main():
        async with running(SqliteStore(path), vocabulary=KNOWN) as world:
            await set_up(world)
            rows = [world.engine.process.probes.rows]
            for command in (wager(), PAIR):
                request = world.request("b1", command)
                await world.bus.send_one(request)
                ids.append(request.id)
                rows.append(world.engine.process.probes.rows)
            assert [after - before for before, after in pairwise(rows)] == [2, 3]

    play(main())
    found = trace(path, ids[1])
    assert found is not None
    assert [kind for _, kind in found.events] == ["PairPlaced"]
