"""Days in the life of a house, kept in a store: what tampering, tearing and verifying begin from."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.doubles.plain import VOCABULARY
from tests.integration.world import AWAY_WINS, HOUR_NS, NOON_NS, START_NS, SetClock, World, running, start_ns, wager

from runline.domain.accounts import EnterTransaction, GrantTemporaryCredit
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, RescheduleFixture
from runline.domain.guard import SetGuard
from runline.domain.hierarchy import CreateAgent
from runline.domain.large_wagers import SetLargeWager
from runline.domain.lines import MoveLine
from runline.domain.messages import HOUSE
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.permissions import Permission
from runline.domain.postponement import LetWagersStand, PostponeFixture
from runline.domain.prices import Prices
from runline.domain.roles import SetRole
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.suspension import Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import CreateUser, RevokeUser
from runline.domain.zones import SetZone
from runline.engine.ports import Store
from runline.evaluate.anchor import make_anchor, signing_key
from runline.store.where import Place


def a_day(open_store: Callable[[], Store]) -> None:
    """A day after which every table has rows: one game is settled, the next one is being settled."""

    async def main() -> None:
        async with running(open_store()) as world:
            await world.open_house(fixtures=3)
            await world.open_book("b1", players=4)
            await world.open_book("b2")
            await everything_once(world)
            await a_game_goes_wrong(world)
            for amount_minor in range(200, 1_100, 50):
                await world.do("b1", wager("P1", amount_minor))
                await world.do("b1", wager("P2", amount_minor, "away", "G1:game:spread", 6, "+120"))
                await world.do("b1", wager("P2", amount_minor, "home", "G2:game:moneyline"))
                await world.do("b2", wager("P1", amount_minor, "over", "G1:game:total", 34, "-105"))
            await world.refused("b1", wager("P4", 10**9))
            last = await world.do("b1", wager("P4", 25_00))
            await world.do("b1", VoidWager(last.position, "keyed wrong"))
            await world.do("b1", wager("P4", 25_00, market="G3:game:moneyline"))
            await world.play_off("G1")
            for book in ("b1", "b2"):
                await world.settled(book, "G1")
            await world.play_off("G2", AWAY_WINS)
            # Stopping does not wait for the settlement that begins now.

    asyncio.run(main())


async def everything_once(world: World) -> None:
    """One of each kind of thing that changes rows."""
    await world.do(HOUSE, Suspend("kind", "draw_no_bet", "never offered"))
    await world.do("b1", Suspend("player", "P3", "asked to"))
    await world.do("b1", MoveLine("G3:game:spread", "offset", offset_quarters=2, offset_cents=5, reason="shaded"))
    await world.do("b1", MoveLine("G3:game:total", "hide", reason="hidden"))
    await world.do("b1", MoveLine("G3:game:total", "follow", reason="shown again"))
    await world.do("b1", CreateAgent("A2", "A1"))
    await world.do("b1", MoveAgent("A2", "root", "promoted"))
    await world.do("b1", MovePlayer("P2", "A2", "asked for it"))
    await world.do("b1", MovePlayer("P2", "A1", "wanted back"))
    await world.do("b1", SetRole("clerk", "root", (Permission.TICKER_VIEW, Permission.WAGER_PLACE), "for the phones"))
    await world.do("b1", CreateUser("carla", "A1", "clerk"))
    await world.do("b1", RevokeUser("carla", "left"))
    await world.do("b1", SetLargeWager("A1", 100_00, "small players"))
    await world.do("b1", EnterTransaction("P1", "receipt", 100_00, "paid in cash"))
    await world.do("b1", EnterTransaction("P2", "disbursement", 50_00, "paid out"))
    await world.do("b1", EnterTransaction("P2", "adjustment", -5_00, "a phone bill"))
    await world.do("b1", GrantTemporaryCredit("P2", 500_00, NOON_NS + 100 * HOUR_NS, "a birthday"))
    await world.do("b1", GrantTemporaryCredit("P1", 500_00, START_NS, "until the game"))


async def a_game_goes_wrong(world: World) -> None:
    """What befalls games before their day, and their lines."""
    await world.do(HOUSE, CreateFixture("L1", "MLB", 981, "Early", "Late", start_ns("G3")))
    await world.do(
        HOUSE, PostLines("L1", NOON_NS, (MarketLine("moneyline", "game", None, Prices(away="+110", home="-120")),))
    )
    await world.do(HOUSE, SetZone("fixture", "L1", "America/Chicago", "it is played there"))
    await world.do(HOUSE, SetLeagueRule("MLB", LeagueRule(True, 9), "as the league says", "total"))
    await world.do(HOUSE, SetGuard("swap", "alert", "too many alarms"))
    await world.do(HOUSE, RescheduleFixture("L1", start_ns("G3") + HOUR_NS, "rain"))
    await world.do(HOUSE, CreateFixture("L2", "MLB", 983, "Visitors", "Hosts", start_ns("G3")))
    doubtful = MarketLine("moneyline", "game", None, Prices(away="+150", home="+150"))
    await world.do(HOUSE, PostLines("L2", NOON_NS, (doubtful,)))
    await world.do(HOUSE, PostponeFixture("L1", "more rain"))
    await world.do(HOUSE, LetWagersStand("L1", "it is played tomorrow"))


def a_settled_day(open_store: Callable[[], Store], place: Place, folder: Path) -> None:
    """A game is settled, an anchor is taken into `anchor` of a folder, and play goes on. place: where the store has it."""

    async def main() -> None:
        async with running(open_store()) as world:
            await world.open_house(fixtures=2)
            await world.open_book("b1", players=2)
            for amount_minor in range(100, 500, 50):
                await world.do("b1", wager("P1", amount_minor))
                await world.do("b1", wager("P2", amount_minor, market="G2:game:moneyline"))
            await world.play_off("G1")
            await world.settled("b1", "G1")

    async def afterwards() -> None:
        async with running(open_store(), SetClock(start_ns("G2") + 3 * HOUR_NS)) as world:
            await world.open_book("b2")
            await world.play_off("G1", AWAY_WINS)
            await world.settled("b1", "G1")
            await world.play_off("G2")
            await world.settled("b1", "G2")

    asyncio.run(main())
    make_anchor(place, folder / "anchor", signing_key(folder / "book.db.key"), NOON_NS, VOCABULARY)
    asyncio.run(afterwards())


def public_key(folder: Path) -> str:
    """The public half of the key that has signed such a folder's anchor, in hexadecimal."""
    return signing_key(folder / "book.db.key").public_key().public_bytes_raw().hex()
