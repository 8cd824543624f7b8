"""The sample's board: one that a bookmaker would post."""

from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

import pytest

from runline.demo.sample import LINES
from runline.domain.catalog import side_line
from runline.domain.grading import SIDES, Score, grade, league_rules
from runline.domain.odds import parse_price
from runline.domain.prices import prices_of_record

RULES = league_rules("baseball", "MLB")
SCORES = [Score(away=away, home=home) for away in range(12) for home in range(12) if away != home]


def share(text):
    """What of its payout a price asks for: the least that a winner's side is worth."""
    price = parse_price(text)
    return Fraction(price.denominator, price.numerator + price.denominator)


class Selection(NamedTuple):
    """A side of the board. share: what of its payout is asked for."""

    kind: str
    side: str
    line: int | None
    share: Fraction

    def wins(self, score):
        return grade(RULES, self.kind, "game", self.side, self.line, score) == "won"


def selections():
    return [
        Selection(one.kind, side, line_of(one, side), share(text))
        for one in LINES
        for side, text in zip(SIDES[one.kind], prices_of_record(one.kind, one.prices), strict=True)
    ]


def line_of(one, side):
    return side_line(one.kind, side, one.line_quarters) if one.kind == "spread" else one.line_quarters


@pytest.mark.parametrize("one", LINES, ids=lambda one: one.kind)
def test_the_book_holds_something_of_every_market(one):
    assert sum(map(share, prices_of_record(one.kind, one.prices))) > 1


def test_no_two_sides_win_whatever_happens():
    for first, second in combinations(selections(), 2):
        if all(first.wins(score) or second.wins(score) for score in SCORES):
            assert first.share + second.share > 1, f"{first} and {second} cannot both lose, and are given away"


def test_the_favourite_of_the_moneyline_gives_the_runs():
    by_kind = {one.kind: one for one in LINES}
    prices = by_kind["moneyline"].prices
    away, home = share(prices.away), share(prices.home)
    assert by_kind["spread"].line_quarters == (-6 if home > away else 6)
