"""Bench `catalogue`: what a suspension costs the loop for each audience that looks at the board, when most of the games that the
house knows are over.

Floor: the same with the open games alone.
"""

import time
from pathlib import Path
from statistics import median

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Command
from runline.domain.prices import Prices
from runline.domain.results import CancelFixture
from runline.domain.suspension import Reopen, Suspend
from runline.engine.requests import Accepted, Request
from runline.engine.watching import Enter
from runline.evaluate.bench.load import BOOK, CREDIT_MINOR, HOUR_NS, OWNER, fixture_name, player_number, send_all
from runline.evaluate.bench.watched import Counting, begin_session

LINES = tuple(
    MarketLine(kind, period, line, prices)  # type: ignore[arg-type]
    for period in ("game", "1h")
    for kind, line, prices in (
        ("spread", -6, Prices(away="-110", home="-110")),
        ("total", 34, Prices(over="-105", under="-115")),
        ("moneyline", None, Prices(away="+120", home="-140")),
    )
)
"""The markets of a game."""


async def measure(folder: Path, *, games: int, open_games: int, audiences: int, suspensions: int) -> float:
    """Milliseconds of the process's time a suspension of all open games (the median), with so many audiences that look at the
    board."""
    path = folder / f"{games}-{audiences}.db"
    async with running_engine(open_store(StoreSettings(path, "inline"))) as (_, bus):
        start_ns = time.time_ns() + 12 * HOUR_NS
        house: list[Command] = [OpenBook(BOOK, OWNER), CreateLeague("NFL", "football")]
        for number in range(games + open_games):
            name = fixture_name(number)
            house.append(CreateFixture(name, "NFL", 101 + 2 * number, "Visitors", "Home", start_ns))
            house.append(PostLines(name, 1, LINES))
            if number < games:
                house.append(CancelFixture(name, "over"))
        await send_all(bus, HOUSE, "platform", house)
        numbers = [player_number(number) for number in range(audiences)]
        await send_all(bus, BOOK, OWNER, [CreatePlayer(number, "root", CREDIT_MINOR) for number in numbers])
        watcher = Counting()
        link = bus.watch(BOOK, watcher)
        for seat, player in enumerate(numbers):
            await begin_session(bus, BOOK, player, f"session of {player}")
            link.tell(Enter(seat, f"session of {player}", ("lines",)))
        await watcher.reached(audiences, 0)
        spent_s: list[float] = []
        for number in range(suspensions):
            command: Command = Reopen("all", "", "bench") if number % 2 else Suspend("all", "", "bench")
            before_s = time.process_time()
            outcome = await bus.send_one(Request(BOOK, bus.new_id(), OWNER, command))
            if not isinstance(outcome, Accepted):
                raise RuntimeError(f"a suspension was refused: {outcome}")
            await watcher.reached(audiences, outcome.position)
            spent_s.append(time.process_time() - before_s)
        link.close()
    return median(spent_s) * 1e3


async def bench_catalogue(
    folder: Path, *, games: int, open_games: int, audiences: int, suspensions: int
) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor). games: that are over. suspension_ms: what the first audience adds to a suspension that nobody sees.
    next_audience_ms: what each further one adds that sees the same rows."""

    async def cost_ms(games: int, audiences: int) -> float:
        return await measure(folder, games=games, open_games=open_games, audiences=audiences, suspensions=suspensions)

    unseen, one, many = [await cost_ms(games, number) for number in (0, 1, audiences)]
    floor = await cost_ms(0, 1) - await cost_ms(0, 0)
    figures = {
        "suspension_ms": one - unseen,
        "next_audience_ms": (many - one) / (audiences - 1),
        "unseen_ms": unseen,
        "games": float(games),
        "open_games": float(open_games),
        "audiences": float(audiences),
    }
    return figures, {"suspension_ms": floor}
