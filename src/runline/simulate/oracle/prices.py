"""Prices and points of a market: each price beside the name of its side, lines in quarter points."""

from typing import Any

from runline.simulate.oracle.answers import Refused, refuse_unless
from runline.simulate.oracle.odds import price_of

SIDES = {
    "moneyline": ("away", "home"),
    "three_way": ("away", "home", "draw"),
    "spread": ("away", "home"),
    "total": ("over", "under"),
    "draw_no_bet": ("away", "home"),
}
LINE_MOST = 4_000


def prices_of_record(kind: str, prices: dict[str, Any]) -> tuple[str, ...]:
    """A price for each side, in the order of the sides, as it is kept."""
    given = {side: text for side, text in prices.items() if text}
    refuse_unless(set(given) == set(SIDES[kind]), "price_invalid", sides=list(SIDES[kind]))
    found = []
    for side in SIDES[kind]:
        price = price_of(given[side])
        if price is None:
            raise Refused("price_invalid")
        found.append(price.text)
    return tuple(found)


def a_line(kind: str, quarters: int | None) -> None:
    """A handicap or a total that a game can have; none where the market has none."""
    refuse_unless((quarters is not None) == (kind in ("spread", "total")), "line_invalid")
    if quarters is not None:
        refuse_unless(abs(quarters) <= LINE_MOST, "line_invalid", most=LINE_MOST)
        refuse_unless(quarters >= 0 or kind != "total", "line_invalid")


def of_side(kind: str, side: str, line: int | None, prices: tuple[str, ...]) -> tuple[int | None, str]:
    """The line and the price of one side. A handicap is the home side's; the visitor has its opposite."""
    refuse_unless(side in SIDES[kind], "unknown_selection")
    turned = kind == "spread" and side == "away" and line is not None
    return -line if turned and line is not None else line, prices[SIDES[kind].index(side)]
