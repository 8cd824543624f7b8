"""Words: tickets, movements and events as the field writes them, the way the page does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runline.client import AsyncClient, RefusedError
from runline.domain.money import MINUS_SIGN
from runline.domain.points import format_points

EVEN = ("+100", "-100")
LEG_FIELDS = ("fixture", "market", "side", "line_quarters", "price")

Row = Mapping[str, Any]


def amount(minor: int) -> str:
    """Minor units as an amount: 1234500 is `12,345.00`. A minus is the real sign."""
    return f"{MINUS_SIGN if minor < 0 else ''}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def time_of(at_ns: int) -> str:
    """A time, in the zone of this machine: the day is left out today."""
    at = datetime.fromtimestamp(at_ns / 1e9).astimezone()
    today = at.date() == datetime.now().astimezone().date()
    return at.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


def price(text: str) -> str:
    """A price as a board has it."""
    return "EV" if text in EVEN else text.replace("-", MINUS_SIGN)


def points(quarters: int, signed: bool) -> str:
    """A line as a board has it."""
    return format_points(quarters, signed).replace("-", MINUS_SIGN)


class Games:
    """The names of games, asked for once each."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.known: dict[str, Row | None] = {}

    async def game(self, fixture: str) -> Row | None:
        """A game of the board; None if it cannot be seen any more, or not by whoever asks."""
        if fixture not in self.known:
            try:
                found = (await self.client.ask("board", fixture=fixture, status="")).items
            except RefusedError:
                found = []
            self.known[fixture] = found[0] if found else None
        return self.known[fixture]

    async def ticket(self, ticket: Row) -> str:
        """What a ticket is on, all its legs."""
        return "; ".join([await self.leg(leg) for leg in legs_of(ticket)])

    async def leg(self, leg: Row) -> str:
        """A selection: `951 Mets −1½ −110`, `951 Mets @ Cubs o8½ −105`."""
        fixture, _, rest = str(leg["market"]).partition(":")
        period, _, kind = rest.partition(":")
        side, line = str(leg["side"]), leg["line_quarters"]
        game = await self.game(fixture)
        team = fixture
        if game is not None:
            rotation = int(game["rotation"])
            both = f"{rotation} {game['away']} @ {game['home']}"
            team = {"away": f"{rotation} {game['away']}", "home": f"{rotation + 1} {game['home']}"}.get(side, both)
        words = [team]
        if period != "game":
            words.append(period.replace("_", " "))
        if side in ("over", "under"):
            words.append(f"{side[0]}{points(line, signed=False)}" if line is not None else side)
        else:
            if game is None or side not in ("away", "home"):
                words.append(side)
            if line is not None:
                words.append(points(line, signed=True))
        if kind not in ("spread", "total", "moneyline"):
            words.append(kind.replace("_", " "))
        return " ".join([*words, price(str(leg["price"]))])


def legs_of(ticket: Row) -> list[Row]:
    """The selections of a ticket. One that does not list them has one."""
    legs = ticket.get("legs") or []
    named = [dict(zip(LEG_FIELDS, leg, strict=False)) if isinstance(leg, list) else leg for leg in legs]
    return named if named and all(isinstance(leg, dict) for leg in named) else [ticket]


UNSAID = frozenset(("type", "stood", "house_seq"))
"""What people read nothing in: what an event is called is said before it, the others are for programs."""


def fields_in_words(event: Row) -> str:
    """Whatever else an event says; what is in minor units as an amount."""
    said = []
    for name, value in event.items():
        if name in UNSAID or value in (None, "", []):
            continue
        is_amount = name.endswith("_minor") and isinstance(value, int)
        label = (name.removesuffix("_minor") if is_amount else name).replace("_", " ")
        said.append(f"{label} {amount(value) if is_amount else value}")
    return ", ".join(said)
