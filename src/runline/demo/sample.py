"""Sample: a house with a game tomorrow, a book, an agent and a player, to try the API on. Its passwords are no secret."""

from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE, Command
from runline.engine.bus import Bus
from runline.engine.requests import Request
from runline.gateway.signing import Signing, accepted

BOOK = "sample"
PASSWORD = "only-a-sample"
DAY_NS = 24 * 3_600 * 10**9

LINES = (
    MarketLine("spread", "game", -6, ("-165", "+145")),
    MarketLine("total", "game", 34, ("-110", "-110")),
    MarketLine("moneyline", "game", None, ("+120", "-130")),
)


async def add_sample(bus: Bus, signing: Signing, platform: str, now_ns: int) -> None:
    """Add the sample to a new house. platform: the house's owner.

    Raises Rejected `already_exists` if it is there.
    """
    house: tuple[Command, ...] = (
        CreateLeague("MLB", "baseball"),
        CreateFixture("sample-game", "MLB", 901, "Mets", "Cubs", now_ns + DAY_NS),
        PostLines("sample-game", now_ns, LINES),
        OpenBook(BOOK, "owner"),
    )
    book: tuple[Command, ...] = (CreateAgent("A1", "root"), CreatePlayer("P1", "A1", 1_000_00))
    for stream, actor, commands in ((HOUSE, platform, house), (BOOK, "owner", book)):
        for command in commands:
            accepted(await bus.send_one(Request(stream, bus.new_id(), actor, command)))
    for user in ("owner", "P1"):
        await signing.set_first_password(BOOK, user, PASSWORD)
