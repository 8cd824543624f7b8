"""Lines over HTTP: what is none, or looks like a mistake, is off every board at once; a person or a new line brings it back."""

import asyncio

import msgspec
import pytest
from tests.doubles.coming import WAIT_S
from tests.doubles.ids import uuid7
from tests.integration.served import served
from tests.integration.test_gateway_stream import Follower
from tests.integration.world import LINES, MONEYLINE, NOON_NS, wager

from runline.client import RefusedError
from runline.domain.accounts import SetPlayerLimits
from runline.domain.lines import MoveLine
from runline.domain.messages import HOUSE
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture
from runline.domain.settings import SetLocks
from runline.evaluate.verify import verify

SPREAD, TOTAL = "G1:game:spread", "G1:game:total"
WRONG = {"total": {"over": "-105", "under": "-11"}, "moneyline": {"away": "+150", "home": "+150"}}


async def post(place, client, entered_ns, *, confirm=False, **prices):
    """Post the board of the game, with some markets' prices changed."""
    lines = [msgspec.to_builtins(line) for line in LINES]
    for line in lines:
        line["prices"] = prices.get(line["kind"], line["prices"])
    fields = {"fixture": "G1", "entered_ns": entered_ns, "lines": lines, "confirm": confirm}
    return await client.send_as(uuid7(place.world.clock.at_ns), "PostLines", fields)


def kinds(follower):
    """Of which kinds somebody has had notifications."""
    return {event["kind"] for event in follower.events["notifications"]}


def open_markets(follower):
    """The markets that are open on somebody's board."""
    return {row["market"] for row in follower.rows["lines"]["G1"]["markets"] if row["open"]}


def test_a_bad_price_and_a_mistake_leave_every_board_and_come_back_over_http_alone(tmp_path):
    path = tmp_path / "book.db"

    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            platform = await place.platform()
            player = Follower(await place.sign_in("b1", "P1"), "lines")
            house = Follower(platform, "notifications")
            await player.take()
            await house.take()
            assert open_markets(player) == {MONEYLINE, SPREAD, TOTAL}
            said = await post(
                place,
                platform,
                NOON_NS + 1,
                total={"over": "-105", "under": "-11"},
                moneyline={"away": "+150", "home": "+150"},
            )
            assert {event["type"]: event["market"] for event in said.events} == {
                "LineHeld": MONEYLINE,
                "LineRefused": TOTAL,
            }
            while open_markets(player) != {SPREAD}:
                await player.take()
            while not {"line_held", "line_refused"} <= kinds(house):
                await house.take()
            with pytest.raises(RefusedError) as refused:
                await platform.send_as(uuid7(world.clock.at_ns), "ConfirmLine", {"market": MONEYLINE, "held_seq": 1})
            assert refused.value.code == "line_not_held"
            (held,) = (await platform.ask("held")).items
            assert (held["market"], held["prices"], held["reasons"]) == (
                MONEYLINE,
                {"away": "+150", "home": "+150"},
                ["no_hold"],
            )
            with pytest.raises(RefusedError) as refused:
                await post(
                    place,
                    platform,
                    NOON_NS + 2,
                    total={"over": "-105", "under": "-11"},
                    moneyline={"away": "+150", "home": "+150"},
                )
            assert refused.value.code == "price_invalid"
        async with served(path, world.clock) as place:
            platform = await place.platform()
            (held,) = (await platform.ask("held")).items
            confirm = {"market": MONEYLINE, "held_seq": held["held_seq"]}
            await platform.send_as(uuid7(world.clock.at_ns), "ConfirmLine", confirm)
            assert (await platform.ask("held")).items == []
            await place.world.do("b1", wager(price="+150", side="away"))
            assert len((await platform.ask("guard")).items) > 5
            fields = {"check": "no_hold", "action": "off", "reason": "a promotion", "scope": "league", "subject": "MLB"}
            await platform.send_as(uuid7(world.clock.at_ns), "SetGuard", fields)
            await post(place, platform, NOON_NS + 3, moneyline={"away": "+155", "home": "+150"})
            await place.world.do("b1", wager(price="+155", side="away"))

    asyncio.run(main())
    assert verify(path).differences == []


def test_prices_by_their_places_and_of_sides_that_there_are_not_are_malformed(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            await place.world.open_house()
            platform = await place.platform()
            for prices in (["+120", "-140"], {"visitor": "+120", "home": "-140"}, {"away": 120, "home": "-140"}):
                with pytest.raises(RefusedError) as refused:
                    await post(place, platform, NOON_NS + 1, moneyline=prices)
                assert refused.value.code == "malformed_command"

    asyncio.run(main())


def test_a_game_that_is_reopened_waits_for_lines_on_every_board_and_its_tickets_are_open(tmp_path):
    path = tmp_path / "book.db"

    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            placed = await world.do("b1", wager())
            number = placed.position
            await world.do(HOUSE, CancelFixture("G1", "flood"))
            await world.settled()
            await world.do(HOUSE, ReopenFixture("G1", "that was another game"))
            await world.settled()
            owner = await place.sign_in("b1", "owner")
            (ticket,) = [row for row in (await owner.ask("wagers")).items if row["number"] == number]
            assert ticket["status"] == "open"
            player = Follower(await place.sign_in("b1", "P1"), "lines")
            await player.take()
            assert player.rows["lines"]["G1"]["markets"] == []
            await post(place, await place.platform(), NOON_NS)
            while not player.rows["lines"]["G1"]["markets"]:
                await player.take()
            assert open_markets(player) == {MONEYLINE, SPREAD, TOTAL}

    asyncio.run(main())
    assert verify(path).differences == []


def test_who_moves_lines_is_told_where_the_house_takes_a_locked_market_off(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            own = Prices(away="-105", home="-105")
            await world.do(
                "b1",
                MoveLine(MONEYLINE, "lock", prices=own),
            )
            await world.do("b1", SetLocks(True, "our own lines"))
            owner = Follower(await place.sign_in("b1", "owner"), "notifications")
            player = Follower(await place.sign_in("b1", "P1"), "lines")
            await owner.take()
            await player.take()
            said = await post(place, await place.platform(), NOON_NS + 1, moneyline={"away": "+150", "home": "+150"})
            assert [event["type"] for event in said.events] == ["LineHeld"]
            while "locked_line" not in kinds(owner):
                await owner.take()
            await world.do("b1", wager(price="-105", side="away"))
            await world.do("b1", SetPlayerLimits("P1", None, None, False, "owes"))
            while open_markets(player):
                await player.take()
            assert {row["closed_by"] for row in player.rows["lines"]["G1"]["markets"]} == {"account P1"}

    asyncio.run(main())


def test_the_board_that_is_followed_changes_as_the_book_lets_locked_lines_stay_or_go(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place, asyncio.timeout(WAIT_S):
            world = place.world
            await world.open_house()
            await world.open_book()
            await world.do("b1", MoveLine(MONEYLINE, "lock", prices=Prices(away="-105", home="-105")))
            player = Follower(await place.sign_in("b1", "P1"), "lines")
            await player.take()
            await post(place, await place.platform(), NOON_NS + 1, moneyline={"away": "+150", "home": "+150"})
            while MONEYLINE in open_markets(player):
                await player.take()
            await world.do("b1", SetLocks(True, "our own lines"))
            while MONEYLINE not in open_markets(player):
                await player.take()
            await world.do("b1", SetLocks(False, "not any more"))
            while MONEYLINE in open_markets(player):
                await player.take()

    asyncio.run(main())
