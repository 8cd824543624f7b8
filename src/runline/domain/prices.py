"""Prices: what a market may be offered at. Each price stands beside the name of its side: told by their places in a list, two are
soon exchanged.
"""

from operator import attrgetter

import msgspec

from runline.domain.bounds import LINE_QUARTERS_MAX
from runline.domain.grading import SIDES
from runline.domain.messages import Rejected
from runline.domain.odds import parse_price


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, gc=False):
    """The prices of the sides that a market has: `-110`, `+125`, `EV`, `1.91`, `10/11`.

    away, home: of a moneyline, a spread, a draw-no-bet; with draw, of a three-way. over, under: of a total.
    """

    away: str = ""
    home: str = ""
    draw: str = ""
    over: str = ""
    under: str = ""


NAMES = Prices.__struct_fields__

TEXTS_OF = {
    kind: (attrgetter(*sides), attrgetter(*(name for name in NAMES if name not in sides)))
    for kind, sides in SIDES.items()
}
"""What takes from `Prices`, for each kind of market, the texts of its sides in their order, and those of the others."""


def prices_by_side(kind: str, prices: tuple[str, ...]) -> Prices:
    """The prices of a market of a kind, which stand in the order of its SIDES, by the names of the sides."""
    return Prices(**dict(zip(SIDES[kind], prices, strict=True)))


def prices_of_record(kind: str, prices: Prices) -> tuple[str, ...]:
    """The prices as they are kept, in the order of the market's SIDES.

    Raises Rejected `price_invalid` if a side lacks its price, a price lacks its side, or one is no price.
    """
    has, lacks = TEXTS_OF[kind]
    texts = has(prices)
    if not all(texts) or any(lacks(prices)):
        sides = SIDES[kind]
        raise Rejected("price_invalid", f"A {kind} has a price for each of {', '.join(sides)}.", sides=list(sides))
    return tuple(map(price_of_record, texts))


def price_of_record(text: str) -> str:
    """The price as it is kept, or Rejected `price_invalid`."""
    try:
        return parse_price(text).text
    except ValueError as error:
        raise Rejected("price_invalid", str(error)) from None


def require_points(kind: str, line_quarters: int | None) -> None:
    """Refuse a handicap or a total that no game could have, one that is missing, and one that has no place.

    Raises Rejected `line_invalid`.
    """
    has_line = kind in ("spread", "total")
    if has_line != (line_quarters is not None):
        raise Rejected("line_invalid", f"A {kind} {'has a' if has_line else 'has no'} line.")
    if line_quarters is None:
        return
    if abs(line_quarters) > LINE_QUARTERS_MAX:
        raise Rejected("line_invalid", "The line is too large.", most=LINE_QUARTERS_MAX)
    if kind == "total" and line_quarters < 0:
        raise Rejected("line_invalid", "A total is not negative.")
