"""Odds: a price is the profit on one unit of risk, exact; the price of record keeps the format in which it was offered."""

import string
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from runline.simulate.oracle.money import rounded

PRICE_LENGTH = 16
PROFIT_MOST = 10_000
AMERICAN_MOST = 1_000_000
PRICES_KEPT = 4_096


class Price(NamedTuple):
    """text: of record. form: american, decimal or fractional. profit: on one unit of risk."""

    text: str
    form: str
    profit: Fraction

    @property
    def favourite(self) -> bool:
        """Whether more is risked than won."""
        return self.profit < 1


def whole(text: str) -> int | None:
    """The number that some digits say."""
    return int(text) if text and all(digit in string.digits for digit in text) else None


@lru_cache(PRICES_KEPT)
def price_of(text: str) -> Price | None:
    """The price that a text means, None if it is none: `-110`, `+125`, `EV`, `1.91`, `2`, `10/11`."""
    if len(text) > PRICE_LENGTH:
        return None
    text = text.replace("\N{MINUS SIGN}", "-")
    if text.upper() in ("EV", "EVEN"):
        return american_of(100)
    if text[:1] in ("+", "-"):
        number = whole(text[1:])
        return None if number is None else american_of(number if text[0] == "+" else -number)
    if "/" in text:
        over, _, under = text.partition("/")
        return fractional_of(whole(over), whole(under))
    return decimal_of(text)


def within(price: Price) -> Price | None:
    """The price, if its profit is one that there may be."""
    return price if Fraction(1, PROFIT_MOST) <= price.profit <= PROFIT_MOST else None


def american_of(number: int) -> Price | None:
    """+125 wins 125 on 100; -110 risks 110 for 100. EV is +100."""
    if abs(number) < 100:
        return None
    profit = Fraction(number, 100) if number > 0 else Fraction(100, -number)
    return within(Price(f"{number:+d}", "american", profit))


def decimal_of(text: str) -> Price | None:
    """1.91 returns 1.91 on 1, the stake included. A whole number from 100 up could be American, and is none."""
    before, dot, after = text.partition(".")
    units, parts = whole(before), whole(after) if dot else 0
    if units is None or parts is None or len(after) > 4 or (not dot and units >= 100):
        return None
    returned = units + Fraction(parts, 10 ** len(after))
    if returned <= 1:
        return None
    decimals = after.rstrip("0").ljust(2, "0")
    return within(Price(f"{units}.{decimals}", "decimal", returned - 1))


def fractional_of(over: int | None, under: int | None) -> Price | None:
    """10/11 wins 10 on 11."""
    if not over or not under:
        return None
    profit = Fraction(over, under)
    return within(Price(f"{over}/{under}", "fractional", profit))


def price(text: str) -> Price:
    """A price of record."""
    found = price_of(text)
    assert found is not None, text
    return found


def win_for(price: Price, risk: int, rounding: dict[str, str | int]) -> int:
    """What a risk wins: the payout is rounded, and the risk comes back whole."""
    over, under = price.profit.numerator, price.profit.denominator
    return max(rounded(Fraction(risk * (under + over), under), rounding) - risk, 0)


def risk_for(price: Price, win: int, rounding: dict[str, str | int]) -> int:
    """What must be risked to win an amount."""
    return rounded(win / price.profit, rounding)


def shaded(text: str, cents: int) -> str:
    """An American price some cents better for the player: its distance from even money on the dime scale grows by so many."""
    number = int(text)
    distance = number - 100 if number > 0 else number + 100
    distance = max(min(distance + cents, AMERICAN_MOST - 100), 100 - AMERICAN_MOST)
    return f"{distance + 100:+d}" if distance >= 0 else f"{distance - 100:+d}"
