"""Words: tickets, movements and events as the field writes them, the way the page does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from runline.client import AsyncClient, RefusedError
from runline.client.queries import BoardAsked
from runline.domain.money import MINUS_SIGN, parse_money
from runline.domain.shown import BoardFixture
from runline.domain.words import in_words
from runline.shell import UnusableError

LEG_FIELDS = ("fixture", "market", "side", "line_quarters", "price")
"""A leg that is told as a list, in its order."""

Row = Mapping[str, Any]


def amount(minor: int) -> str:
    """Minor units as an amount: 1234500 is `12,345.00`. A minus is the real sign."""
    return f"{MINUS_SIGN if minor < 0 else ''}{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def amount_of(option: str, text: str | None) -> int:
    """The minor units of an amount that an option has, 0 without one. Raises UnusableError."""
    try:
        return parse_money(text.replace(",", "")) if text else 0
    except ValueError as error:
        raise UnusableError(f"{option} takes an amount such as 500 or 500.00, not {text}: {error}") from None


def time_of(at_ns: int) -> str:
    """A time, in the zone of this machine: the day is left out today."""
    at = datetime.fromtimestamp(at_ns / 1e9).astimezone()
    today = at.date() == datetime.now().astimezone().date()
    return at.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S")


class Selection(msgspec.Struct, frozen=True):
    """A selection of a ticket, as events have it."""

    market: str
    side: str
    line_quarters: int | None
    price: str

    @property
    def fixture(self) -> str:
        """The game's id."""
        return self.market.rsplit(":", 2)[0]


class Games:
    """The names of games, asked for once each: events have ids only."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.known: dict[str, BoardFixture | None] = {}

    async def game(self, fixture: str) -> BoardFixture | None:
        """A game of the board; None if it cannot be seen any more, or not by whoever asks."""
        if fixture not in self.known:
            try:
                found = (await self.client.page(BoardAsked(fixture=fixture, status=""))).items
            except RefusedError:
                found = []
            self.known[fixture] = found[0] if found else None
        return self.known[fixture]

    async def ticket(self, ticket: Row) -> str:
        """What a ticket is on, all its legs, in the words in which its row has them."""
        return "; ".join([in_words(await self.game(leg.fixture), leg).selection for leg in legs_of(ticket)])


def legs_of(ticket: Row) -> list[Selection]:
    """The selections of a ticket. One that does not list them has one."""
    legs = ticket.get("legs") or []
    named = [dict(zip(LEG_FIELDS, leg, strict=False)) if isinstance(leg, list) else leg for leg in legs]
    return msgspec.convert(
        named if named and all(isinstance(leg, dict) for leg in named) else [ticket], list[Selection]
    )


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
