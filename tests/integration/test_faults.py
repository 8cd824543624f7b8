"""Faults from outside: whoever floods, does not read, or owns too much, and a disk that is slow. The others go on."""

import asyncio
from contextlib import suppress

import msgspec
from tests.doubles.coming import comes_true
from tests.integration.served import served, small_buffer
from tests.integration.stores import Around
from tests.integration.world import HOME_WINS, MONEYLINE, NOON_NS, play, running, start_ns, wager

from runline.bus.gathering import Gather
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.messages import HOUSE
from runline.domain.official import PERIODS
from runline.domain.prices import Prices
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import RevokeUser
from runline.engine.limits import ACTOR_WAITING_MAX, WAGERS_WAITING_MAX
from runline.engine.requests import Accepted, Refused
from runline.store.sqlite import SqliteStore

WAIT_S = 30
RICH = 10**12
GAMES = 120
FLOOD_MAX = 10_000
BET = {"player": "P1", "market": MONEYLINE, "side": "home", "line_quarters": None, "price": "+102", "amount_minor": 100}


def queue(world, requests):
    gather = Gather(len(requests))
    world.engine.submit(requests, gather)
    return gather


async def answers(gather):
    async with asyncio.timeout(WAIT_S):
        await gather.done
    return gather.outcomes


async def place_wager(place, client, fields):
    """A wager over HTTP, at the time at which the clock stands."""
    return await client.send_as(place.world.bus.new_id(), "PlaceWager", fields)


class SlowDisk(Around):
    """Every sync of the disk takes this long."""

    def __init__(self, store):
        super().__init__(store)
        self.sync_s = 0.0

    async def commit(self, sealed):
        await asyncio.sleep(self.sync_s)  # waits: the disk does
        return await self.store.commit(sealed)


def test_a_disk_that_syncs_in_200_ms_bounds_what_waits_and_everyone_is_answered(path):
    async def main():
        store = SlowDisk(SqliteStore(path))
        async with running(store) as world:
            await world.open_house()
            await world.open_book(credit_minor=RICH)
            store.sync_s = 0.2
            gathers, forbidden, suspended = [], [], 0
            for turn in range(8):
                gathers.append(queue(world, [world.request("b1", wager(amount_minor=1_00)) for _ in range(1_000)]))
                assert world.engine.queues.wagers_waiting <= WAGERS_WAITING_MAX
                if turn == 3:
                    suspended = (await world.do("b1", Suspend("market", MONEYLINE, "slow disk"))).position
                    forbidden = gathers[:]
                    await world.do("b1", Reopen("market", MONEYLINE, "go on"))
            for gather in gathers:
                outcomes = await answers(gather)
                codes = {outcome.code for outcome in outcomes if isinstance(outcome, Refused)}
                assert codes <= {"busy", "market_suspended"}
            assert forbidden
            for gather in forbidden:
                placed = [outcome.position for outcome in gather.outcomes if isinstance(outcome, Accepted)]
                assert all(position < suspended for position in placed)
            # It recovers by itself: nobody is turned away any more, and memory was never dropped.
            store.sync_s = 0.0
            after = await answers(queue(world, [world.request("b1", wager(amount_minor=1_00)) for _ in range(500)]))
            assert {type(outcome) for outcome in after} == {Accepted}
            assert (world.engine.probes.recoveries, world.engine.queues.wagers_waiting) == (0, 0)

    play(main())


def test_one_user_who_floods_a_book_leaves_room_for_its_other_players(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book(players=2, credit_minor=RICH)
            flood = [
                world.request("b1", wager(amount_minor=1_00), "P1") for _ in range(ACTOR_WAITING_MAX["wagers"] + 500)
            ]
            flooding = queue(world, flood)
            assert [outcome and outcome.code for outcome in flooding.outcomes[-500:]] == ["busy"] * 500
            others = queue(world, [world.request("b1", wager("P2", amount_minor=1_00), "P2") for _ in range(100)])
            assert others.outcomes == [None] * 100
            assert {type(outcome) for outcome in await answers(others)} == {Accepted}
            taken = (await answers(flooding))[: ACTOR_WAITING_MAX["wagers"]]
            assert {type(outcome) for outcome in taken} == {Accepted}
            again = await answers(queue(world, [world.request("b1", wager(amount_minor=1_00), "P1") for _ in range(9)]))
            assert {type(outcome) for outcome in again} == {Accepted}

    play(main())


def test_a_client_that_floods_and_never_reads_its_answers_is_read_no_more(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book(credit_minor=RICH)
            owner = await place.sign_in("b1", "owner")
            host, port = place.address.removeprefix("http://").split(":")
            deaf = small_buffer(host, int(port))
            body = msgspec.json.encode(BET)
            head = (
                f"POST /v1/wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {owner.token}\r\n"
                f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            ).encode()
            # One after the other, until they are not taken any more.
            probes = world.engine.probes
            before = 0
            while probes.accepted > before:
                before = probes.accepted
                assert before < FLOOD_MAX
                deaf.sendall(head + body)
                with suppress(TimeoutError):
                    await comes_true(lambda now=before: probes.accepted > now, 1.0)
                # What waits for them to be read stays small.
                sizes = [one.transport.get_write_buffer_size() for one in place.server.server_state.connections]
                assert max(sizes) < 200_000
            wagers = await world.read("b1", lambda book: len(book.tickets.by_number))
            assert wagers > 100
            # The others are served, and nothing more is taken of the flood.
            await place_wager(place, owner, BET)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == wagers + 1
            deaf.close()

    asyncio.run(main())


def test_a_board_of_5000_selections_is_posted_shown_and_wagered_on(path):
    def board(price: str) -> tuple[MarketLine, ...]:
        return tuple(
            line
            for period in PERIODS
            for line in (
                MarketLine("moneyline", period, None, Prices(away=price, home="-150")),
                MarketLine("spread", period, -6, Prices(away="+120", home="-140")),
                MarketLine("total", period, 34, Prices(over="-105", under="-115")),
            )
        )

    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book(credit_minor=RICH)
            await world.do(HOUSE, CreateLeague("NFL", "football"))
            for game in range(GAMES):
                await world.do(HOUSE, CreateFixture(f"N{game}", "NFL", 101 + 2 * game, "Away", "Home", start_ns("G9")))
            owner = await place.sign_in("b1", "owner")
            for turn, price in enumerate(("+130", "+135")):
                for game in range(GAMES):
                    await world.do(HOUSE, PostLines(f"N{game}", NOON_NS + turn, board(price)))
            shown, after = [], "0:"
            while after:
                page = await owner.ask("board", league="NFL", limit=PAGE_ROWS_MAX, after=after)
                shown += [market for fixture in page.items for market in fixture["markets"]]
                after = page.next
            assert sum(len(market["sides"]) for market in shown) == GAMES * len(PERIODS) * 6 >= 5_000
            frames = owner.stream("lines")
            async with asyncio.timeout(WAIT_S):
                image = await anext(frames)
                assert sum(len(row["markets"]) for row in image.topics["lines"]["rows"]) == len(shown) + 3
                # A line that moves is on the screen, and only its own game is sent again.
                moved = MarketLine("moneyline", "q4", None, Prices(away="+140", home="-150"))
                await world.do(HOUSE, PostLines("N7", NOON_NS + 9, (moved,)))
                frame = await anext(frames)
                while frame.kind != "delta" or not frame.topics:
                    frame = await anext(frames)
            assert [row["fixture"] for row in frame.topics["lines"]["rows"]] == ["N7"]
            await frames.aclose()
            last = {"market": f"N{GAMES - 1}:q4:spread", "price": "-140", "line_quarters": -6, "amount_minor": 10_00}
            await place_wager(place, owner, BET | last)

    asyncio.run(main())


def test_a_player_with_50000_open_wagers_is_shown_revoked_and_settled_while_others_wager(path):
    wagers = 50_000

    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house(fixtures=2)
            await world.open_book(players=2, credit_minor=RICH)
            for _ in range(wagers // 1_000):
                outcomes = await world.bus.send(
                    [world.request("b1", wager(amount_minor=1_00), bulk=True) for _ in range(1_000)]
                )
                assert {type(outcome) for outcome in outcomes} == {Accepted}
            owner = await place.sign_in("b1", "owner")
            page = await owner.ask("wagers", player="P1", status="open", limit=PAGE_ROWS_MAX)
            assert len(page.items) == PAGE_ROWS_MAX
            figures = {row["agent"]: row for row in (await owner.ask("figures")).items}
            assert figures["root"]["open_wagers"] == wagers
            await world.do("b1", RevokeUser("P1", "too much"))
            refused = await world.refused("b1", wager(amount_minor=1_00), by="P1")
            assert refused.code == "not_permitted"
            world.clock.at_ns += 2 * 3_600 * 10**9
            await world.do(HOUSE, EnterResult("G1", HOME_WINS))
            await world.do(HOUSE, ConfirmResult("G1", 1))
            other = wager("P2", 1_00, market="G2:game:moneyline")
            between = 0
            while await world.read("b1", lambda book: book.risk.sums["root"].open_wagers) > between:
                await world.do("b1", other)
                between += 1
            assert between > 1
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == between
            page = await owner.ask("wagers", player="P1", status="settled", limit=1)
            assert page.items[0]["result"] == "won"

    asyncio.run(main())


def test_clients_that_vanish_in_the_middle_of_everything_leave_nothing_behind(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await world.open_house()
            await world.open_book(credit_minor=RICH)
            owner = await place.sign_in("b1", "owner")
            host, port = place.address.removeprefix("http://").split(":")
            requests = (
                b"GET /v1/stream?topics=wagers,figures HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n",
                b"POST /v1/wagers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-length: 500\r\n\r\n{",
                b"POST /v1/commands HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-length: 500\r\n\r\n{",
                b"GET /v1/wagers?limit=1000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n",
            )
            for request in requests * 25:
                gone = small_buffer(host, int(port))
                gone.sendall(request % owner.token.encode())
                await asyncio.sleep(0)
                gone.close()
            await comes_true(lambda: place.gateway.fan.count == 0)
            await comes_true(lambda: len(place.server.server_state.connections) <= 1)
            await place_wager(place, owner, BET)

    asyncio.run(main())
