"""What a desk asks for: to find what somebody types, an object's history, a ticket's life, accounts and markets in an order. In
every store the same."""

from typing import Any

import msgspec
import pytest
from tests.integration.stores import STORES
from tests.integration.world import HOUR_NS, LINES, NOON_NS, World, play, running, start_ns, wager

from runline.domain.accounts import AdjustCredit, EnterTransaction, SetPlayerLimits
from runline.domain.board import PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.held import ConfirmLine, DropLine
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.lines import MoveLine
from runline.domain.messages import HOUSE, Rejected
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted
from runline.domain.prices import Prices
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.sessions import EndSession
from runline.domain.suspension import AddReason, Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser
from runline.engine.bus import Question

SEES = (
    Permission.TICKER_VIEW,
    Permission.FIGURES_VIEW,
    Permission.LOG_VIEW,
    Permission.BOARD_VIEW,
    Permission.ROLES_MANAGE,
)


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    """A store of each kind."""
    return STORES[request.param](tmp_path / "book.db")


async def open_world(world: World) -> None:
    """Two games of baseball and one of football; players at A1, below it, and at A2; ann, who stands at A1."""
    await world.open_house(fixtures=2)
    await world.do(HOUSE, CreateLeague("NFL", "football"))
    await world.do(HOUSE, CreateFixture("N1", "NFL", 451, "New York Jets", "Buffalo Bills", start_ns("G2") + HOUR_NS))
    await world.do(HOUSE, PostLines("N1", NOON_NS, LINES))
    await world.open_book(players=2)
    for agent, parent in (("A2", "root"), ("A1-1", "A1")):
        await world.do("b1", CreateAgent(agent, parent))
    await world.do("b1", CreatePlayer("P21", "A1-1", 500_00))
    await world.do("b1", CreatePlayer("Q7", "A2", 10_000_00))
    await world.do("b1", SetRole("watch", "A1", SEES, "to look"))
    await world.do("b1", CreateUser("ann", "A1", "watch"))


async def page(world: World, name: str, by: str = "owner", stream: str = "b1", **asked: Any) -> Any:
    """A page, as somebody is answered."""
    fields = msgspec.json.encode(asked)
    return msgspec.json.decode((await world.bus.ask(Question(stream, name, fields, actor=by))).body)


async def rows(world: World, name: str, by: str = "owner", limit: int = 100, **asked: Any) -> list[Any]:
    """The rows of all pages."""
    found: list[Any] = []
    after = ""
    while True:
        answer = await page(world, name, by, limit=limit, after=after, **asked)
        found += answer["items"]
        after = answer["next"]
        if not after:
            return found


async def code(world: World, name: str, by: str = "owner", **asked: Any) -> str:
    """With which code a question is refused."""
    with pytest.raises(Rejected) as refused:
        await page(world, name, by, **asked)
    return refused.value.code


def test_what_is_typed_is_found_of_what_its_asker_may_see(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            number = (await world.do("b1", wager("P21"))).position
            foreign = (await world.do("b1", wager("Q7"))).position

            async def found(text: str, by: str = "owner", stream: str = "b1", **asked: Any) -> list[tuple[str, str]]:
                answer = await page(world, "find", by, stream, text=text, **asked)
                assert answer["next"] == ""
                return [(row["kind"], row["name"]) for row in answer["items"]]

            assert await found("p2") == await found(" P2 ") == [("player", "P2"), ("player", "P21")]
            assert await found("P", limit=2) == [("player", "P1"), ("player", "P2")]
            assert await found("a1", "ann") == [("agent", "A1"), ("agent", "A1-1")]
            assert await found("a") == [("agent", one) for one in ("A1", "A1-1", "A2")] + [
                ("user", "ann"), ("game", "G1"), ("game", "G2"),
            ]  # fmt: skip
            assert await found("Q", "ann") == await found("A2", "ann") == await found("own", "ann") == []
            assert await found("90", "P1") == [("game", "G1"), ("game", "G2")]
            assert await found("903") == [("game", "G1")]
            assert await found("452") == await found("bil") == await found("new york j") == [("game", "N1")]
            assert await found("ork") == await found("") == await found("  ") == await found("x" * 65) == []
            assert await found(str(number)) == await found(str(number), "ann") == [("ticket", str(number))]
            assert await found(str(number), "P21") == [("ticket", str(number))]
            assert await found(str(number), "P1") == await found(str(foreign), "ann") == []
            assert await found("9" * 19) == await found("9" * 30) == []
            assert await found("plat", "platform", HOUSE) == [("user", "platform")]
            await world.do("b1", VoidWager(number, "keyed wrong"))
            await world.do("b1", SetPlayerLimits("P2", None, None, False, "owes"))
            (ticket,) = (await page(world, "find", "ann", text=str(number)))["items"]
            assert (ticket["node"], ticket["player"], ticket["status"]) == ("A1-1", "P21", "void")
            assert ticket["title"] == "903 Home +102, moneyline"
            players = (await page(world, "find", text="P2"))["items"]
            assert [(row["node"], row["status"]) for row in players] == [("A1", "revoked"), ("A1-1", "active")]
            await world.play_off("G1")
            (jets,) = (await page(world, "find", text="jets"))["items"]
            assert (jets["title"], jets["status"]) == ("451 New York Jets at Buffalo Bills", "scheduled")
            assert await found("home") == [("game", "G2"), ("game", "G1")]

    play(main())


def test_the_log_tells_the_history_of_an_object_and_of_a_part_of_the_tree(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            number = (await world.do("b1", wager("P21"))).position
            await world.do("b1", VoidWager(number, "keyed wrong"))
            await world.do("b1", Suspend("market", "G1:game:total", "rain"))
            await world.do("b1", Suspend("player", "P21", "owes"))
            await world.do("b1", wager("Q7"))

            async def types(by: str = "owner", **asked: Any) -> list[str]:
                return [row["event"]["type"] for row in await rows(world, "log", by, limit=2, **asked)]

            assert await types(object=f"wager:{number}") == ["WagerVoided", "WagerPlaced"]
            assert await types(object="player:P21") == ["Suspended", "WagerVoided", "WagerPlaced", "PlayerCreated"]
            assert await types(object="user:ann") == ["UserCreated"]
            assert await types(object="role:watch") == ["UserCreated", "RoleSet"]
            assert await types(object="market:G1:game:total") == ["Suspended"]
            assert await types(object="fixture:G1") == ["WagerPlaced", "WagerPlaced"]
            assert await types("ann", object="fixture:G1") == ["WagerPlaced"]
            assert await types(object="agent:A1-1", type="AgentCreated") == ["AgentCreated"]
            assert await types(agent="A2") == ["WagerPlaced", "PlayerCreated", "AgentCreated"]
            assert await types("ann", agent="A1-1") == [
                "Suspended", "WagerVoided", "WagerPlaced", "PlayerCreated", "AgentCreated",
            ]  # fmt: skip
            assert await types("platform", stream=HOUSE, object="league:NFL") == ["FixtureCreated", "LeagueCreated"]
            assert await code(world, "log", "ann", agent="A2") == "not_permitted"
            assert await code(world, "log", agent="A9") == "unknown_agent"
            for garbage in ("x", "x:y", ":", "players:P1"):
                assert await code(world, "log", object=garbage) == "malformed_request"

    play(main())


def test_a_tickets_life_is_told_and_explained(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            total = wager("P21", 110_00, "over", "G1:game:total", 34, "-105")
            spread = wager("P1", 60_00, "away", "G1:game:spread", 6, "+120")
            over, away = [(await world.do("b1", one)).position for one in (total, spread)]
            await world.play_off("G1", Score(5, 3))
            await world.settled()

            async def life(number: int, by: str = "owner", **asked: Any) -> list[tuple[str, list[str]]]:
                found = await rows(world, "wager_life", by, limit=1, number=number, **asked)
                return [(row["event"]["type"], row["explain"]) for row in found]

            placed = (
                "WagerPlaced",
                [
                    "Taken: 902 Away at Home over 8½ −105, total.",
                    "At −105 each 1 that is risked wins 20/21: 110.00 × 20/21 = 104.76, to the smallest unit.",
                ],
            )
            lost = (
                "WagerSettled",
                [
                    "Away 3, Home 5. Total: 3 + 5 = 8, −½ to 8½; over is lost.",
                    "Lost: nothing comes back, the balance moves by −110.00.",
                ],
            )
            assert await life(over) == await life(over, "ann") == [lost, placed]
            assert (await life(away))[0] == (
                "WagerSettled",
                [
                    "Away 3, Home 5. 3 − 5 with +1½ makes −½; away is lost.",
                    "Lost: nothing comes back, the balance moves by −60.00.",
                ],
            )
            await world.do(HOUSE, EnterResult("G1", Score(5, 4)))
            await world.do(HOUSE, ConfirmResult("G1", 2))
            await world.settled()
            again = await life(over)
            assert [kind for kind, _ in again] == ["WagerSettled", "WagerReversed", "WagerSettled", "WagerPlaced"]
            assert again[0][1] == [
                "Away 4, Home 5. Total: 4 + 5 = 9, +½ to 8½; over is won.",
                "Won: 110.00 + 104.76 = 214.76 comes back, the balance moves by 104.76.",
            ]
            assert again[1][1] == [
                "The settlement is taken back: regraded. The ticket is open again. The balance moves by 110.00."
            ]
            await world.do("b1", VoidWager(over, "keyed wrong"))
            assert (await life(over))[0] == (
                "WagerVoided",
                ["The ticket is void: keyed wrong. Its risk of 110.00 is free again."],
            )
            own = await rows(world, "wager_life", "P21", number=over)
            assert [row["actor"] for row in own] == [""] * len(own)
            assert await life(over, "P1") == await life(9_999) == await life(0) == []
            # Who did what is told to who may see the log, and to everybody of themselves.
            await world.do("b1", SetRole("looks", "A1", (Permission.TICKER_VIEW, Permission.WAGER_VOID), "to look"))
            await world.do("b1", CreateUser("tom", "A1", "looks"))
            mine = (await world.do("b1", wager("P21", 5_00, market="N1:game:moneyline"))).position
            await world.do("b1", VoidWager(mine, "keyed wrong"), by="tom")
            for by, actors in (("owner", ["tom", "owner"]), ("ann", ["tom", "owner"]), ("tom", ["tom", ""])):
                found = await rows(world, "wager_life", by, number=mine)
                assert [row["actor"] for row in found] == actors
            foreign = (await world.do("b1", wager("Q7", market="N1:game:moneyline"))).position
            assert await life(foreign, "ann") == []

    play(main())


def test_accounts_are_sorted_over_all_of_them_page_by_page(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            for player, minor in (("P1", 30_00), ("P21", -20_00), ("Q7", 30_00)):
                await world.do("b1", EnterTransaction(player, "adjustment", minor, "given"))
            for player, minor in (("P2", 5_00), ("P2", 7_00), ("Q7", 100_00)):
                await world.do("b1", wager(player, minor))
            await world.do("b1", SetPlayerLimits("P21", None, None, False, "owes"))

            async def names(by: str = "owner", **asked: Any) -> list[str]:
                found = await rows(world, "accounts", by, limit=1, **asked)
                assert found == await rows(world, "accounts", by, limit=1_000, **asked)
                return [row["player"] for row in found]

            assert await names() == ["P1", "Q7", "P2", "P21"]
            assert await names(order="ascending") == ["P21", "P2", "P1", "Q7"]
            assert await names(sort="pending") == ["Q7", "P2", "P1", "P21"]
            assert await names(sort="available", order="ascending") == ["P21", "Q7", "P2", "P1"]
            assert await names(sort="credit") == ["P1", "P2", "Q7", "P21"]
            assert await names(sort="player", order="ascending") == ["P1", "P2", "P21", "Q7"]
            assert await names(sort="player", order="descending") == ["Q7", "P21", "P2", "P1"]
            assert await names("ann") == await names(agent="A1") == ["P1", "P2", "P21"]
            assert await names(active="no") == ["P21"]
            assert await names(active="yes", agent="A1") == ["P1", "P2"]
            (row,) = (await page(world, "accounts", agent="A1", sort="pending", limit=1))["items"]
            (same,) = (await page(world, "players", player="P2"))["items"]
            assert row == same | {"open_wagers": 2}
            assert (row["pending_minor"], row["available_minor"]) == (12_00, 9_988_00)
            assert await code(world, "accounts", "ann", agent="A2") == "not_permitted"
            assert await code(world, "accounts", agent="A9") == "unknown_agent"
            for garbage in ("x", "1", "--1:P1", "9" * 30):
                assert (await page(world, "accounts", after=garbage))["items"] == [] or garbage == "1"

    play(main())


def test_markets_are_sorted_by_what_they_can_cost_over_all_of_them(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            for player, minor, market in (
                ("P21", 10_00, "G1:game:moneyline"),
                ("P1", 50_00, "G2:game:moneyline"),
                ("P1", 1_00, "G2:game:moneyline"),
                ("Q7", 80_00, "N1:game:moneyline"),
            ):
                await world.do("b1", wager(player, minor, market=market))
            await world.do("b1", wager("P1", 30_00, "over", "N1:game:total", 34, "-105"))

            async def names(by: str = "owner", **asked: Any) -> list[str]:
                found = await rows(world, "risk", by, limit=1, **asked)
                assert found == await rows(world, "risk", by, limit=1_000, **asked)
                for row in found if "player" not in asked else ():
                    node = asked.get("node", "root" if by == "owner" else "A1")
                    about = {"fixture": row["fixture"], "node": node}
                    (same,) = [
                        one for one in await rows(world, "exposure", by, **about) if one["market"] == row["market"]
                    ]
                    assert {name: row[name] for name in same} == same
                return [row["market"].replace(":game", "") for row in found]

            everything = ["N1:moneyline", "G2:moneyline", "N1:total", "G1:moneyline"]
            assert await names() == everything
            assert await names(order="ascending") == everything[::-1]
            assert await names(sort="wagers") == ["G2:moneyline", "G1:moneyline", "N1:moneyline", "N1:total"]
            assert await names(sort="start") == ["N1:moneyline", "N1:total", "G2:moneyline", "G1:moneyline"]
            assert await names(sort="risk", league="MLB") == ["G2:moneyline", "G1:moneyline"]
            assert await names(sport="football") == ["N1:moneyline", "N1:total"]
            assert await names(fixture="N1") == ["N1:moneyline", "N1:total"]
            assert await names("ann") == await names(node="A1") == ["G2:moneyline", "N1:total", "G1:moneyline"]
            assert await names(node="A1-1") == ["G1:moneyline"]
            assert (
                await names(player="P1") == await names("ann", player="P1", node="A1") == ["G2:moneyline", "N1:total"]
            )
            assert await names(player="P1", node="A2") == await names(player="P2") == await names(player="none") == []
            (alone, _) = await rows(world, "risk", player="P1")
            assert (alone["wagers"], alone["risk_minor"], alone["worst"]) == (
                2, {"home": 51_00}, {"exposure_minor": 52_02, "outcome": "home wins", "low": None, "high": None},
            )  # fmt: skip
            assert await code(world, "risk", "ann", player="Q7") == "not_permitted"
            assert await code(world, "risk", "ann", player="none") == "not_permitted"
            (row,) = (await page(world, "risk", fixture="N1", limit=1))["items"]
            about = {name: row[name] for name in ("league", "sport", "rotation", "away", "home", "status")}
            assert about == {
                "league": "NFL", "sport": "football", "rotation": 451, "away": "New York Jets", "home": "Buffalo Bills",
                "status": "scheduled",
            }  # fmt: skip
            assert await code(world, "risk", "ann", node="A2") == "not_permitted"
            await world.play_off("G2")
            await world.settled(fixture="G2")
            assert await names("ann") == ["N1:total", "G1:moneyline"]

    play(main())


def test_settled_tickets_tell_the_score(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            await world.do("b1", wager("P1"))
            await world.do("b1", wager("P1", market="G2:game:moneyline"))
            await world.play_off("G1", Score(5, 3))
            await world.settled()
            later, first = await rows(world, "wagers", "P1")
            assert (first["score"]["home"], first["score"]["away"], first["legs"][0]["score"]) == (5, 3, first["score"])
            assert later["score"] is None
            assert [row["number"] for row in await rows(world, "wagers", league="MLB", number=first["number"])] == [
                first["number"]
            ]
            assert await rows(world, "wagers", league="NFL") == await rows(world, "wagers", number=1) == []

    play(main())


def test_what_has_become_of_a_line_is_told_of_the_house_and_of_the_book(store, monkeypatch):
    async def main():
        async with running(store) as world:
            await open_world(world)
            moved = (LINES[0], msgspec.structs.replace(LINES[1], line_quarters=-2), LINES[2])
            market = "G1:game:spread"
            await world.do("b1", wager("P1", 60_00, "away", market, 6, "+120"))
            await world.do("b1", MoveLine(market, "offset", offset_quarters=2, reason="sharp"))
            world.set_clock(NOON_NS + 1)
            await world.do(HOUSE, PostLines("G1", NOON_NS + 1, moved))
            world.set_clock(NOON_NS + 2)
            await world.do("b1", Suspend("market", market, "quick"))
            world.set_clock(NOON_NS + 3)
            await world.do(HOUSE, PostLines("G1", NOON_NS + 3, moved[:1]))
            # The house's guard is the house's own: that a line waits, why, and that it is dropped. The market is off the board.
            world.set_clock(NOON_NS + 4)
            mistake = msgspec.structs.replace(moved[1], prices=Prices(away="+250", home="+250"))
            held = await world.do(HOUSE, PostLines("G1", NOON_NS + 4, (moved[0], mistake)))
            dropped = await world.do(HOUSE, DropLine(market, held.position, "a mistake"))
            assert [type(event).__name__ for event in held.events] == ["LineHeld"]
            assert [type(event).__name__ for event in dropped.events] == ["LineDropped"]
            # So is by whom and why: a line that was let stand, and a market that was closed and opened again.
            world.set_clock(NOON_NS + 5)
            held = await world.do(HOUSE, PostLines("G1", NOON_NS + 5, (moved[0], mistake)))
            stands = await world.do(HOUSE, ConfirmLine(market, held.position))
            (posted,) = stands.events
            assert isinstance(posted, LinePosted)
            assert posted.tripped
            assert posted.source
            world.set_clock(NOON_NS + 6)
            closed = await world.do(HOUSE, Suspend("market", market, "quick"))
            await world.do(HOUSE, AddReason("market", market, closed.position, "a bad source"))
            await world.do(HOUSE, Reopen("market", market, "a good source"))
            # And that what was posted was no line.
            world.set_clock(NOON_NS + 7)
            nonsense = msgspec.structs.replace(moved[1], prices=Prices(away="-11", home="+250"))
            refused = await world.do(HOUSE, PostLines("G1", NOON_NS + 7, (moved[0], nonsense)))
            assert [type(event).__name__ for event in refused.events] == ["LineRefused"]
            await world.do("b1", SetRole("moves", "root", (Permission.LINE_MOVE, Permission.BOARD_VIEW), "to move"))
            await world.do("b1", CreateUser("tom", "root", "moves"))

            async def told(limit: int = 1, **asked: Any) -> list[tuple[str, str, str]]:
                found = await rows(world, "line_history", limit=limit, market=market, **asked)
                return [(row["stream"], row["actor"], row["event"]["type"]) for row in found]

            everything = [
                ("house", "", "LineWithdrawn"),
                ("house", "", "Reopened"),
                ("house", "", "Suspended"),
                ("house", "", "LinePosted"),
                ("house", "", "LineWithdrawn"),
                ("house", "", "LineWithdrawn"),
                ("house", "", "LineWithdrawn"),
                ("b1", "owner", "Suspended"),
                ("house", "", "LinePosted"),
                ("house", "", "LinePosted"),
                ("b1", "owner", "LineMoved"),
            ]
            assert await told() == await told(2) == await told(100) == everything
            first, reopened, suspended, posted, *off = [
                row["event"] for row in await rows(world, "line_history", market=market) if row["stream"] == HOUSE
            ][:7]
            about = {"scope": "market", "subject": market, "reason": ""}
            assert (reopened, suspended) == (
                {"type": "Reopened", **about},
                {"type": "Suspended", **about, "node": ""},
            )
            assert (posted["prices"], posted["tripped"], posted["source"]) == (["+250", "+250"], [], "")
            fields = {"type", "market", "entered_ns", "entered_at"}
            off = [first, *off]
            assert [(set(event), event["entered_ns"]) for event in off] == [
                (fields, NOON_NS + at) for at in (7, 5, 4, 3)
            ]
            # Whoever may move lines and not look at the board is told of none.
            await world.do("b1", SetRole("mover", "root", (Permission.LINE_MOVE,), "to move"))
            await world.do("b1", CreateUser("ben", "root", "mover"))
            assert (await page(world, "line_history", "ben", market=market))["items"] == []
            found = await rows(world, "line_history", "tom", market=market)
            assert [row["actor"] for row in found] == [""] * len(everything)
            monkeypatch.setattr("runline.reads.line_history.LINE_EVENTS_MAX", 2)
            if world.engine.store.__class__.__name__ in ("MemoryStore", "DiskStore"):
                assert await told() == await told(100) == everything
            assert (await page(world, "line_history"))["items"] == []
            for garbage in ("x", "1", "1:2:3", ":"):
                assert (await page(world, "line_history", market=market, after=garbage))["items"] == []
            assert await code(world, "line_history", "ann", market=market) == "not_permitted"

    play(main())


def test_what_a_score_would_make_of_the_wagers_is_what_it_makes_of_them(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            await world.do(HOUSE, OpenBook("b2", "owner"))
            for one in (
                wager("P1", 10_00),
                wager("P21", 20_00, "away", price="-110"),
                wager("P1", 30_00, "over", "G1:game:total", 34, "-105"),
                wager("Q7", 40_00, "away", "G1:game:spread", 6, "+120"),
                wager("P1", 5_00, market="G2:game:moneyline"),
            ):
                await world.do("b1", one)
            void = (await world.do("b1", wager("P1", 7_00))).position
            await world.do("b1", VoidWager(void, "keyed wrong"))

            async def supposed(by: str = "owner", **asked: Any) -> dict[str, list[int]]:
                found = await rows(world, "what_if", by, limit=1, fixture="G1", **asked)
                return {row.pop("market").removeprefix("G1:game:"): [*row.values()] for row in found}

            assert await supposed(away=3, home=5) == {
                "moneyline": [2, 0, 30_00, 20_20, 9_80],
                "spread": [1, 0, 40_00, 0, 40_00],
                "total": [1, 0, 30_00, 0, 30_00],
            }
            assert (
                await supposed("ann", away=4, home=5)
                == await supposed(node="A1", away=4, home=5)
                == {
                    "moneyline": [2, 0, 30_00, 20_20, 9_80],
                    "total": [1, 0, 30_00, 58_57, -28_57],
                }
            )
            assert await supposed(node="A1-1", away=5, home=5) == {"moneyline": [1, 0, 20_00, 20_00, 0]}
            assert await supposed(player="P21", away=5, home=4) == {"moneyline": [1, 0, 20_00, 38_18, -18_18]}
            assert await supposed("ann", player="P1", node="A1-1", away=5, home=4) == {}
            assert await code(world, "what_if", "ann", fixture="G1", player="Q7") == "not_permitted"
            assert await supposed(away=-1, home=5) == {
                "moneyline": [0, 2, 0, 0, 0], "spread": [0, 1, 0, 0, 0], "total": [0, 1, 0, 0, 0],
            }  # fmt: skip
            assert (await page(world, "what_if", fixture="G9"))["items"] == []
            assert await code(world, "what_if", "ann", fixture="G1", node="A2") == "not_permitted"

            async def money() -> list[Any]:
                return [
                    [*row.values()]
                    for row in await rows(world, "result_money", "platform", 1, stream=HOUSE, fixture="G1")
                ]

            async def kept() -> int:
                book = await world.read("b1", lambda book: book.ledger.accounts["grading"].balance_minor)
                return int(book)

            assert await money() == []
            world.set_clock(start_ns("G1") + 3 * HOUR_NS)
            await world.do(HOUSE, EnterResult("G1", Score(5, 3)))
            assert await money() == [["b1", 4, 0, 100_00, 20_20, 79_80], ["b2", 0, 0, 0, 0, 0]]
            for role, may in (("watch", "figures_view"), ("feed", "result_confirm")):
                await world.do(HOUSE, SetRole(role, "root", (Permission(may),), "the half of it"))
                await world.do(HOUSE, CreateUser(f"{role}.one", "root", role))
                assert await code(world, "result_money", f"{role}.one", stream=HOUSE, fixture="G1") == "not_permitted"
            await world.do(HOUSE, ConfirmResult("G1", 1))
            await world.settled()
            assert await kept() == 79_80
            assert (await money())[0] == ["b1", 0, 0, 0, 0, 0]
            await world.do(HOUSE, EnterResult("G1", Score(5, 4)))
            regraded = (await money())[0]
            await world.do(HOUSE, ConfirmResult("G1", 2))
            await world.settled()
            assert regraded[5] == await kept() - 79_80 == -58_57 - 88_00

    play(main())


def test_a_page_of_what_a_result_would_make_of_books_ends_where_enough_tickets_were_looked_at(tmp_path, monkeypatch):
    async def main():
        async with running(STORES["memory"](tmp_path)) as world:
            await open_world(world)
            await world.do(HOUSE, OpenBook("b2", "owner"))
            await world.do(HOUSE, OpenBook("b3", "owner"))
            for _ in range(3):
                await world.do("b1", wager("P1"))
            world.set_clock(start_ns("G1") + 3 * HOUR_NS)
            await world.do(HOUSE, EnterResult("G1", Score(5, 3)))

            async def books(after: str = "") -> tuple[list[str], str]:
                asked = {"fixture": "G1", "limit": 20, "after": after}
                found = await page(world, "result_money", "platform", HOUSE, **asked)
                return [row["book"] for row in found["items"]], found["next"]

            assert await books() == (["b1", "b2", "b3"], "")
            monkeypatch.setattr("runline.reads.what_if.OPEN_TICKETS_MAX", 3)
            assert await books() == (["b1"], "b1")
            assert await books("b1") == (["b2", "b3"], "")
            # A book alone that has more of them is not looked through.
            monkeypatch.setattr("runline.reads.what_if.OPEN_TICKETS_MAX", 2)
            asked = {"stream": HOUSE, "fixture": "G1"}
            assert await code(world, "result_money", "platform", **asked) == "too_many"

    play(main())


def test_the_log_tells_which_role_somebody_held_at_that_moment(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            await world.do("b1", SetRole("clerk", "A1", (*SEES, Permission.WAGER_VOID), "to void"))
            first, second = [(await world.do("b1", wager("P1"))).position for _ in range(2)]
            await world.do("b1", AssignRole("ann", "clerk", "trained"))
            await world.do("b1", VoidWager(first, "keyed wrong"), by="ann")
            await world.do("b1", SetRole("chief", "A1", (*SEES, Permission.WAGER_VOID, Permission.SUSPEND), "to close"))
            await world.do("b1", AssignRole("ann", "chief", "promoted"))
            await world.do("b1", VoidWager(second, "keyed wrong"), by="ann")
            await world.do("b1", wager("P1"), by="P1")

            async def told(**asked: Any) -> list[tuple[str, str, str]]:
                found = await rows(world, "log", limit=3, **asked)
                return [(row["actor"], row["role"], row["event"]["type"]) for row in found]

            assert (await told())[:2] == [("P1", "player", "WagerPlaced"), ("ann", "chief", "WagerVoided")]
            assert await told(actor="ann") == [("ann", "chief", "WagerVoided"), ("ann", "clerk", "WagerVoided")]
            assert await told(role="clerk") == [("ann", "clerk", "WagerVoided")]
            assert {actor for actor, _, _ in await told(role="owner")} == {"owner"}
            assert {role for actor, role, _ in await told() if actor == "engine"} == {""}
            assert await told(role="watch") == await told(role="nobody") == []
            assert {row["role"] for row in await rows(world, "log", "platform", stream=HOUSE)} == {"", "owner"}

    play(main())


def test_the_log_tells_whoever_loses_somebody_that_they_are_gone_and_nothing_after(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            await world.do("b1", SetRole("beside", "A2", SEES, "to look"))
            await world.do("b1", CreateUser("bea", "A2", "beside"))
            await world.do("b1", MovePlayer("P2", "A2", "sold"))
            await world.do("b1", MoveAgent("A1-1", "A2", "sold"))
            await world.do("b1", AdjustCredit("P2", 700_00, "paid"))
            await world.do("b1", CreatePlayer("P22", "A1-1", 500_00))
            after = ["PlayerCreated", "CreditAdjusted"]
            moved = ["AgentMoved", "PlayerMoved"]

            async def told(user: str, **asked: Any) -> list[str]:
                return [row["event"]["type"] for row in await rows(world, "log", user, **asked)]

            assert (await told("ann"))[:2] == moved
            assert (await told("bea"))[:4] == [*after, *moved]
            assert await told("ann", object="player:P2") == ["PlayerMoved"]
            assert (await told("ann", object="agent:A1-1")) == ["AgentMoved"]
            assert (await told("owner", agent="A1"))[:2] == moved
            assert (await told("owner", agent="A2"))[:4] == [*after, *moved]
            assert await code(world, "log", "ann", player="P2") == "not_permitted"
            assert await code(world, "log", "ann", agent="A1-1") == "not_permitted"
            # What has happened below somebody who goes, goes along.
            await world.do("b1", MovePlayer("P22", "A1", "bought"))
            assert (await told("ann"))[0] == (await told("bea"))[0] == "PlayerMoved"
            await world.do("b1", MoveAgent("A1-1", "root", "sold"))
            assert (await told("bea"))[0] == "AgentMoved"
            assert "PlayerMoved" not in await told("bea", object="player:P22")

    play(main())


def test_the_log_tells_by_which_permission_somebody_did_something_and_what_runline_did_needs_none(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            first, _ = [(await world.do("b1", wager("P1"))).position for _ in range(2)]
            await world.play_off("G1")
            await world.settled("b1", "G1")
            await world.do("b1", VoidWager(first, "keyed wrong"))
            signed_in = await world.sign_in("b1", "owner")
            await world.do("b1", EndSession(signed_in.session, "left open"))
            await world.do("b1", Suspend("fixture", "G1", "injury"))

            async def told(user: str = "owner", **asked: Any) -> list[tuple[str, str, str]]:
                found = await rows(world, "log", user, **asked)
                return [(row["actor"], row["permission"], row["event"]["type"]) for row in found]

            void = [("owner", "wager_void", "WagerVoided"), ("owner", "wager_void", "WagerReversed")]
            assert await told(permission="wager_void") == void
            # What settles is settled by nobody's hand.
            assert await told(type="WagerSettled") == [("engine", "", "WagerSettled")] * 2
            assert await told(permission="roles_manage", type="SessionEnded") == [
                ("owner", "roles_manage", "SessionEnded")
            ]
            assert {permission for _, permission, _ in await told(actor="gateway")} == {""}
            assert {permission for _, permission, _ in await told(actor="owner")} >= {"player_create", "wager_place"}
            assert await told("ann", permission="suspend") == [("owner", "suspend", "Suspended")]
            assert await told("platform", stream=HOUSE, permission="result_enter") == [
                ("platform", "result_enter", "ResultEntered")
            ]
            # By these nothing happens: one is of the house, the other to look.
            assert await told(permission="result_enter") == await told(permission="log_view") == []
            for garbage in ("WAGER_VOID", "voiding", "engine"):
                assert await code(world, "log", permission=garbage) == "malformed_request"

    play(main())


def test_the_log_tells_nobody_the_roles_and_sessions_of_those_above_them_or_beside_them(store):
    async def main():
        async with running(store) as world:
            await open_world(world)
            owner = (await world.sign_in("b1", "owner")).session
            await world.do("b1", wager("P1"), by="P1")
            await world.do("b1", Suspend("fixture", "G1", "injury"), session=owner)
            suspended = await rows(world, "log", type="Suspended")
            assert [(row["actor"], row["role"], row["session"]) for row in suspended] == [("owner", "owner", owner)]
            seen = await rows(world, "log", "ann", type="Suspended")
            assert [(row["actor"], row["role"], row["session"]) for row in seen] == [("owner", "", "")]
            assert [row["seq"] for row in seen] == [row["seq"] for row in suspended]
            assert await rows(world, "log", "ann", role="owner") == []
            assert {row["actor"] for row in await rows(world, "log", "ann", role="player")} == {"P1"}
            assert len(await rows(world, "log", "ann", role="")) > 1

    play(main())
