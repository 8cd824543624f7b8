"""The oracle's arithmetic: prices, payouts and grades are those of the domain, whatever they are asked."""

from fractions import Fraction
from typing import get_args

import msgspec
import pytest
from tests.doubles.anything import set_up
from tests.doubles.chance import KINDS, LEAGUES, NO_PRICES, PERIODS, PRICES

from runline.domain.grading import SIDES, NotGradable, Result, Score, check_score, grade, returned
from runline.domain.money import MODES, Rounding
from runline.domain.odds import parse_price, risk_to_win, shade_american, win_for_risk
from runline.domain.official import rules_of as domain_rules
from runline.domain.placing import largest_risk
from runline.simulate.oracle.grading import Unsaid, checked, filled, graded, money_back
from runline.simulate.oracle.odds import price, price_of, risk_for, shaded, win_for
from runline.simulate.oracle.official import rules_of
from runline.simulate.oracle.placing import most_risk
from runline.simulate.oracle.state import Book

RESULTS: tuple[Result, ...] = get_args(Result)

STRANGE_PRICES = (
    *NO_PRICES,
    "-101",
    "+1000000",
    "+1000001",
    "-1000000",
    "99",
    "100.0",
    "1.0001",
    "10001",
    "10000.99",
    "10002.00",
    "0010/0011",
    "1/10000",
    "1/10001",
    "ev",
    "Even",
    "+ 110",
    "\N{ARABIC-INDIC DIGIT ONE}.91",
    "1,91",
    "-0",
)


@pytest.mark.parametrize("text", [*PRICES, *STRANGE_PRICES])
def test_a_text_is_the_price_that_it_is(text):
    found = price_of(text)
    try:
        known = parse_price(text)
    except ValueError:
        assert found is None
        return
    assert found is not None
    assert (found.text, found.form, found.favourite) == (known.text, known.format, known.favourite)
    assert found.profit == Fraction(known.numerator, known.denominator)


def test_money_is_rounded_as_it_is_in_the_domain():
    by = set_up(1, gentle=False, pairs=False)
    for _ in range(3_000):
        text = by.one(PRICES) if by.chance(2) else f"{by.one('+-')}{by.between(100, 900)}"
        rounding = Rounding(by.one(MODES), by.one((1, 1, 5, 10, 100)))  # type: ignore[arg-type]
        as_plain, amount = msgspec.to_builtins(rounding), by.between(1, 10 ** by.between(1, 8))
        known, own = parse_price(text), price(text)
        assert win_for(own, amount, as_plain) == win_for_risk(known, amount, rounding)
        assert risk_for(own, amount, as_plain) == risk_to_win(known, amount, rounding)
        result: Result = by.one(RESULTS)
        assert money_back(own, amount, result, as_plain) == returned(known, amount, result, rounding)
        if known.format == "american":
            cents = by.one((0, 5, -5, 10, -15, 500, -500, 10**7, -(10**7)))
            assert shaded(own.text, cents) == shade_american(own.text, cents)
        cent = Book("main", rounding={"mode": rounding.mode, "unit_minor": 1})
        assert most_risk(cent, own, amount) == largest_risk(known, amount, Rounding(rounding.mode))


def test_every_wager_is_graded_as_it_is_in_the_domain():
    by = set_up(2, gentle=False, pairs=False)
    seen = set()
    for _ in range(12_000):
        league = by.one((*LEAGUES, "WNBA", "NCAAW"))
        sport = LEAGUES.get(league, "basketball")
        rules = domain_rules(sport, league)
        assert rules is not None
        score = by.score_of(sport)
        known = msgspec.convert(score, Score)
        try:
            check_score(rules, known)
            sound = True
        except NotGradable:
            sound = False
        try:
            checked(rules_of(sport, league), filled(score))
            assert sound
        except Unsaid:
            assert not sound
        kind, period = by.one(KINDS), by.one(PERIODS)
        line = {"spread": by.between(-12, 12), "total": by.between(0, 30)}.get(kind)
        side = by.one(SIDES[kind])
        try:
            expected: str | None = grade(rules, kind, period, side, line, known)
        except NotGradable:
            expected = None
        assert graded(rules_of(sport, league), kind, period, side, line, score) == expected
        seen.add(expected)
    assert seen == {"won", "lost", "push", "half_won", "half_lost", "void", None}
