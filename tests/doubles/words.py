"""Words: short ways to say what is given. Each is a command, or a list of them, with the usual values filled in."""

from tests.doubles.stage import HOUR_NS, NOON_NS

from runline.domain.board import MarketLine, PostLines
from runline.domain.catalog import MarketKind, Sport
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.messages import Command
from runline.domain.nodes import ROOT
from runline.domain.official import Period
from runline.domain.permissions import Permission
from runline.domain.placing import OddsChange, PlaceWager
from runline.domain.roles import SetRole
from runline.domain.tickets import Basis, Channel
from runline.domain.users import CreateUser

START_NS = NOON_NS + 6 * HOUR_NS
"""When a game starts, unless said otherwise."""


def agent(name: str, under: str = ROOT) -> Command:
    return CreateAgent(name, under)


def player(number: str, under: str = ROOT, credit: int = 1_000_00) -> Command:
    return CreatePlayer(number, under, credit)


EVERY = tuple(permission for permission in Permission if "book" in permission.streams)
"""What somebody may do in a book who may do everything."""


def role(name: str, *may: Permission, at: str = ROOT) -> Command:
    return SetRole(name, at, may, "given")


def staff(name: str, *may: Permission, at: str = ROOT) -> list[Command]:
    """Someone who works for a node, with a role of their own."""
    return [role(f"role-of-{name}", *may), CreateUser(name, at, f"role-of-{name}")]


def game(
    name: str, *, league: str = "MLB", sport: Sport = "baseball", start_ns: int = START_NS, rotation: int = 951
) -> list[Command]:
    return [
        CreateLeague(league, sport),
        CreateFixture(name, league, rotation, f"{name} visitors", f"{name} home", start_ns),
    ]


def line(kind: MarketKind, *prices: str, quarters: int | None = None, period: Period = "game") -> MarketLine:
    """quarters: the home side's handicap, or the total."""
    return MarketLine(kind, period, quarters, prices)


FULL_BOARD = (
    line("moneyline", "+120", "-130"),
    line("spread", "-110", "-110", quarters=-6),
    line("total", "-105", "-115", quarters=34),
)


def board(fixture: str, *lines: MarketLine, entered_ns: int = NOON_NS) -> Command:
    """The house's lines of a game; moneyline, spread and total unless said otherwise."""
    return PostLines(fixture, entered_ns, lines or FULL_BOARD)


def wager(
    player: str,
    amount: int,
    *,
    on: str = "G1",
    kind: str = "moneyline",
    side: str = "away",
    price: str = "+120",
    quarters: int | None = None,
    basis: Basis = "risk",
    odds_change: OddsChange = "exact",
    partial: bool = False,
    channel: Channel = "api",
) -> Command:
    """A ticket on a game; the visitors' moneyline of FULL_BOARD unless said otherwise."""
    return PlaceWager(player, f"{on}:game:{kind}", side, quarters, price, amount, basis, odds_change, partial, channel)
