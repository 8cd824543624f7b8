"""Odds: prices, exact. A price is the profit for each unit of risk, a fraction in lowest terms; it is never a float.

Rule: the price of record keeps the format in which it was offered, for -110 on 100.00 returns 190.91 and 1.91 returns
191.00.
"""

import re
from functools import lru_cache
from math import gcd
from typing import Literal

import msgspec

from runline.domain.money import MINUS_SIGN, Minor, Rounding

PriceFormat = Literal["american", "decimal", "fractional"]

PRICE_LENGTH_MAX = 16
"""Characters of a price."""

PROFIT_MAX = 10_000
"""The longest price pays this many times the risk; the shortest asks this many times the win."""

AMERICAN_EVEN = 100
"""American prices are the win on 100, or the risk for a win of 100; nothing is nearer to zero."""

AMERICAN_MAX = AMERICAN_EVEN * PROFIT_MAX

DECIMAL_SCALE = 10_000
"""Decimal prices have at most four decimals."""

PRICES_CACHED = 8_192

AMERICAN = re.compile(r"[+-][0-9]+")
UNSIGNED = re.compile(r"([+-]?)([0-9]+)(?:\.0+)?")
DECIMAL = re.compile(r"([0-9]+)(?:\.([0-9]{1,4}))?")
FRACTIONAL = re.compile(r"([0-9]+)/([0-9]+)")
EVEN_WORDS = ("EV", "EVEN")


class Price(msgspec.Struct, frozen=True, gc=False):
    """A price of record.

    text: as it is kept and compared (`-110`, `+100` for even money, `2.00`, `10/11`).
    numerator, denominator: the profit on one unit of risk, in lowest terms.
    favourite: whether more is risked than won. Even money is no favourite.
    """

    text: str
    format: PriceFormat
    numerator: int
    denominator: int
    favourite: bool


@lru_cache(maxsize=PRICES_CACHED)
def parse_price(text: str) -> Price:
    """The price that a text means: `-110`, `+125`, `EV`, `1.91`, `2`, `10/11`. The minus may be the real sign (U+2212).

    An unsigned whole number from 100 up could be American or decimal, and is refused (see `parse_american`).

    Raises ValueError.
    """
    if len(text) > PRICE_LENGTH_MAX:
        raise ValueError(f"a price has at most {PRICE_LENGTH_MAX} characters")
    text = text.replace(MINUS_SIGN, "-")
    if AMERICAN.fullmatch(text):
        return american(int(text))
    if match := DECIMAL.fullmatch(text):
        return decimal(*match.groups(default=""))
    if match := FRACTIONAL.fullmatch(text):
        return fractional(int(match[1]), int(match[2]))
    if text.upper() in EVEN_WORDS:
        return american(AMERICAN_EVEN)
    raise ValueError("a price is American (-110, +125, EV), decimal (1.91) or fractional (10/11)")


def parse_american(text: str) -> Price:
    """The American price that a text means, with its sign or, as data files have those of underdogs, without: `145`, `145.0`.

    Raises ValueError.
    """
    text = text.replace(MINUS_SIGN, "-")
    match = UNSIGNED.fullmatch(text) if len(text) <= PRICE_LENGTH_MAX else None
    price = parse_price(f"{match[1] or '+'}{match[2]}" if match else text)
    if price.format != "american":
        raise ValueError("every price here is American (-110, 145, EV)")
    return price


def american(number: int) -> Price:
    if abs(number) < AMERICAN_EVEN:
        raise ValueError("an American price is at least +100 or -100")
    text = f"{number:+d}"
    profit = (number, AMERICAN_EVEN) if number > 0 else (AMERICAN_EVEN, -number)
    return bounded(text, "american", *profit)


def decimal(whole: str, decimals: str) -> Price:
    if not decimals and int(whole) >= AMERICAN_EVEN:
        raise ValueError("an American price needs its sign, a decimal price of this size its point")
    scaled = int(whole) * DECIMAL_SCALE + int(decimals.ljust(4, "0"))
    if scaled <= DECIMAL_SCALE:
        raise ValueError("a decimal price is more than 1")
    kept = decimals.rstrip("0").ljust(2, "0")
    return bounded(f"{int(whole)}.{kept}", "decimal", scaled - DECIMAL_SCALE, DECIMAL_SCALE)


def fractional(numerator: int, denominator: int) -> Price:
    return bounded(f"{numerator}/{denominator}", "fractional", numerator, denominator)


def bounded(text: str, form: PriceFormat, numerator: int, denominator: int) -> Price:
    """The price of a profit, brought to lowest terms. Raises ValueError if it is beyond PROFIT_MAX either way."""
    if not 0 < numerator <= PROFIT_MAX * denominator or denominator > PROFIT_MAX * numerator:
        raise ValueError(f"a price is at most {PROFIT_MAX}/1 and at least 1/{PROFIT_MAX}")
    divisor = gcd(numerator, denominator)
    return Price(text, form, numerator // divisor, denominator // divisor, numerator < denominator)


def win_for_risk(price: Price, risk_minor: Minor, rounding: Rounding) -> Minor:
    """What a risk wins, ≥ 0. The payout, risk included, is what gets rounded (once per ticket: law 8 in docs/architecture.md);
    the risk comes back whole."""
    denominator = price.denominator
    win_minor = rounding.round(risk_minor * (price.numerator + denominator), denominator) - risk_minor
    return win_minor if win_minor > 0 else 0


def risk_to_win(price: Price, win_minor: Minor, rounding: Rounding) -> Minor:
    """What must be risked to win an amount."""
    return rounding.round(win_minor * price.denominator, price.numerator)


def is_better(price: Price, than: Price) -> bool:
    """Whether a price pays the player more than another one, in whatever formats."""
    return price.numerator * than.denominator > than.numerator * price.denominator


def is_same(price: Price, other: Price) -> bool:
    """Whether two prices pay the same, in whatever formats."""
    return price.numerator == other.numerator and price.denominator == other.denominator


@lru_cache(maxsize=PRICES_CACHED)
def shade_american(text: str, cents: int) -> str:
    """An American price moved by cents along the dime scale, up for the player: -105 and 10 give +105.

    A price is its distance from even money there: -105 stands at -5, +105 at 5. It stops at ±AMERICAN_MAX.

    Raises ValueError for a price in another format.
    """
    moved = parse_price(text)
    if moved.format != "american":
        raise ValueError("only American prices are moved by cents")
    number = int(moved.text)
    position = (number - AMERICAN_EVEN if number > 0 else number + AMERICAN_EVEN) + cents
    farthest = AMERICAN_MAX - AMERICAN_EVEN
    position = max(-farthest, min(position, farthest))
    return f"{position + AMERICAN_EVEN:+d}" if position >= 0 else f"{position - AMERICAN_EVEN:+d}"
