"""Tickets' rows: who plays whom, what it is about, and why it is void, to its player too, also when the game has left memory."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from tests.doubles.ids import uuid7
from tests.integration.served import PASSWORD, served
from tests.integration.world import HOUR_NS, START_NS, wager

from runline.client import RefusedError
from runline.domain.bounds import ARCHIVE_AFTER_NS, WINDOW_NOTICE_NS
from runline.domain.messages import HOUSE
from runline.domain.postponement import PostponeFixture
from runline.domain.results import CancelFixture
from runline.domain.tickets import VoidWager

OVER = "G1:game:total"


def said(row):
    """What a ticket's row says in words."""
    names = ("away", "home", "rotation", "period_name", "market_name", "selection", "void_reason")
    return {name: row[name] for name in names}


def test_a_ticket_says_what_it_is_about_and_why_it_is_void_to_its_player_too(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            world = place.world
            await world.open_house(fixtures=2)
            await world.open_book()
            games = await world.read(HOUSE, lambda house: dict(house.catalog.fixtures))
            away, home, number = games["G1"].away, games["G1"].home, games["G1"].rotation
            await world.do("b1", wager())
            await world.do("b1", wager(market=OVER, side="over", line_quarters=34, price="-105"))
            voided = await world.do("b1", wager(market="G1:game:spread", side="home", line_quarters=-6, price="-140"))
            await world.do("b1", VoidWager(voided.position, "wrong game"))
            await world.do("b1", wager(market="G2:game:moneyline"))
            await world.play_off()
            await world.settled()
            await world.do(HOUSE, CancelFixture("G2", "rain"))
            await world.settled()
            expected = [
                (f"{games['G2'].rotation + 1} {games['G2'].home} +102, moneyline", "the game was cancelled"),
                (f"{number + 1} {home} −1½ −140, run line", "wrong game"),
                (f"{number} {away} at {home} over 8½ −105, total", ""),
                (f"{number + 1} {home} +102, moneyline", ""),
            ]
            for name in ("owner", "P1"):
                rows = (await (await place.sign_in("b1", name)).ask("wagers")).items
                assert [(row["selection"], row["void_reason"]) for row in rows] == expected
                assert said(rows[1]) == {
                    "away": away,
                    "home": home,
                    "rotation": number + 1,
                    "period_name": "game",
                    "market_name": "run line",
                    "selection": expected[1][0],
                    "void_reason": "wrong game",
                }
                (leg,) = rows[1]["legs"]
                of_the_leg_alone = ("status", "result", "counts_at", "share")
                assert {name: rows[1][name] for name in leg if name not in of_the_leg_alone} == {
                    name: leg[name] for name in leg if name not in of_the_leg_alone
                }
            world.set_clock(world.clock.at_ns + 2 * ARCHIVE_AFTER_NS)
            await world.until(HOUSE, lambda house: {"G1", "G2"} <= set(house.catalog.archived))
            rows = (await (await place.sign_in("b1", "P1")).ask("wagers")).items
            assert [(row["selection"], row["void_reason"]) for row in rows] == expected
            assert rows[1]["start_ns"] == START_NS

    asyncio.run(main())


def test_a_ticket_that_is_void_because_its_game_was_not_played_in_time_says_so(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            await world.do("b1", wager())
            await world.do(HOUSE, PostponeFixture("G1", "rain"))
            ends_ns = START_NS + 36 * HOUR_NS
            world.set_clock(ends_ns - WINDOW_NOTICE_NS)
            await world.until(HOUSE, lambda house: bool(house.lateness.windows))
            world.set_clock(ends_ns)
            await world.until(HOUSE, lambda house: next(iter(house.lateness.windows.values())).status == "ended")
            await world.settled()
            (row,) = (await (await place.sign_in("b1", "P1")).ask("wagers")).items
            assert (row["result"], row["void_reason"]) == ("void", "the game was not played in time")

    asyncio.run(main())


def test_the_stream_says_of_every_ticket_what_it_is_about(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            player = await place.sign_in("b1", "P1")
            async with aclosing(player.stream("wagers")) as frames:
                await anext(frames)
                placed = await world.do("b1", wager())
                await world.do("b1", VoidWager(placed.position, "wrong side"))
                told: list[dict[str, Any]] = []
                while len(told) < 2:
                    told += (await anext(frames)).topics.get("wagers", {}).get("events", [])
            (row,) = (await player.ask("wagers")).items
            assert [entry["event"]["type"] for entry in told] == ["WagerPlaced", "WagerVoided"]
            words = {"risk_minor": row["risk_minor"], "win_minor": row["win_minor"], "selection": row["selection"]}
            leg = {name: row[name] for name in ("market", "side", "line_quarters", "price")}
            stood = {"agent": row["agent"], "sport": "baseball", "channel": row["channel"], "legs": [leg]}
            assert [entry["ticket"] for entry in told] == [words, words | stood]
            assert told[1]["event"]["reason"] == row["void_reason"] == "wrong side"

    asyncio.run(main())


def test_a_ticket_comes_in_as_its_session_shows_and_not_as_it_says(tmp_path):
    async def main():
        async with served(tmp_path / "book.db") as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            fields = {name: getattr(wager(), name) for name in wager().__struct_fields__ if name != "channel"}

            async def places(client, **more):
                sent_as = uuid7(world.clock.at_ns)
                return (await client.send_as(sent_as, "PlaceWager", fields | more)).events[0]["channel"]

            async def at_a_screen(user):
                await place.give_password("b1", user)
                client = place.client()
                body = {"stream": "b1", "user": user, "password": PASSWORD, "kind": "screen"}
                assert (await client.http.post("/v1/sign-in", json=body)).status_code == 200
                return client

            player, owner = await at_a_screen("P1"), await at_a_screen("owner")
            for channel in ("clerk", "phone", "api"):
                with pytest.raises(RefusedError) as refused:
                    await places(player, channel=channel)
                assert (refused.value.status, refused.value.code) == (422, "channel_invalid")
                assert refused.value.details == {"channel": "web"}
            assert await places(player) == await places(player, channel="web") == "web"
            assert await places(owner) == "clerk"
            assert await places(owner, channel="phone") == "phone"
            assert await places(await place.sign_in("b1", "owner")) == "api"

    asyncio.run(main())
