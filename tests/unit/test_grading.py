"""Grading: what a score makes of a wager."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runline.domain.grading import (
    DEFAULT_RULES,
    PERIODS,
    SIDES,
    NotGradable,
    Score,
    SelectionInvalid,
    check_score,
    default_rules,
    grade,
    returned,
    score_for,
)
from runline.domain.money import MODES, Rounding
from runline.domain.odds import parse_price
from runline.domain.points import parse_points

CENT = Rounding()
EVEN = parse_price("EV")

FOOTBALL = default_rules("football")
BASKETBALL = default_rules("basketball")
BASEBALL = default_rules("baseball")
HOCKEY = default_rules("hockey")
SOCCER = default_rules("soccer")

OPPOSITE = {"home": "away", "away": "home", "over": "under", "under": "over"}
MIRRORED = {
    "won": "lost", "lost": "won", "half_won": "half_lost", "half_lost": "half_won", "push": "push", "void": "void"
}  # fmt: skip

CODES = ("not_gradable", "market_invalid", "side_invalid", "line_invalid", "period_invalid")

scores = st.builds(Score, st.integers(0, 200), st.integers(0, 200))
handicaps = st.integers(-400, 400)
amounts = st.integers(1, 10**12)
prices = st.sampled_from(["-110", "+125", "EV", "1.91", "10/11", "-10000", "+2500", "1.0001"]).map(parse_price)
roundings = st.builds(Rounding, st.sampled_from(MODES), st.sampled_from([1, 5, 100]))


def score_of(periods, overtime=None, length=None):
    parts = [*periods, *(overtime or ())]
    return Score(sum(part[0] for part in parts), sum(part[1] for part in parts), tuple(periods), overtime, length)


def points(rules, period, score, market="total"):
    check_score(rules, score)
    return score_for(rules, market, period, score)


# Spreads and totals.


@pytest.mark.parametrize(
    ("side", "line", "result"),
    [
        ("home", "-3½", "won"),
        ("home", "-4", "push"),
        ("home", "-4½", "lost"),
        ("home", "-3¾", "half_won"),
        ("home", "-4¼", "half_lost"),
        ("away", "+4", "push"),
        ("away", "+3½", "lost"),
        ("away", "+4¼", "half_won"),
        ("away", "+3¾", "half_lost"),
        ("home", "PK", "won"),
        ("away", "PK", "lost"),
        ("away", "+5", "won"),
    ],
)
def test_a_spread_goes_by_margin_plus_line(side, line, result):
    assert grade(FOOTBALL, "spread", "game", side, parse_points(line), Score(24, 20)) == result


@pytest.mark.parametrize(
    ("side", "line", "result"),
    [
        ("over", "43½", "won"),
        ("over", "44", "push"),
        ("over", "44½", "lost"),
        ("under", "44½", "won"),
        ("under", "44", "push"),
        ("over", "43¾", "half_won"),
        ("over", "44¼", "half_lost"),
        ("under", "44¼", "half_won"),
        ("under", "43¾", "half_lost"),
    ],
)
def test_a_total_goes_by_the_sum(side, line, result):
    assert grade(FOOTBALL, "total", "game", side, parse_points(line), Score(24, 20)) == result


def share(result, price):
    """What comes back of a stake of one, exactly."""
    profit = Fraction(price.numerator, price.denominator)
    shares = {
        "won": 1 + profit,
        "half_won": 1 + profit / 2,
        "push": 1,
        "void": 1,
        "half_lost": Fraction(1, 2),
        "lost": 0,
    }
    return shares[result]


@given(st.sampled_from(["home", "away", "over", "under"]), handicaps.map(lambda line: 2 * line + 1), scores, prices)
def test_a_quarter_line_is_half_a_wager_on_each_neighbour(side, line, score, price):
    market = "spread" if side in ("home", "away") else "total"
    own, lower, upper = (share(grade(FOOTBALL, market, "game", side, line + step, score), price) for step in (0, -1, 1))
    assert 2 * own == lower + upper


@given(scores, handicaps)
def test_opposite_sides_of_a_spread_mirror_each_other(score, line):
    home = grade(FOOTBALL, "spread", "game", "home", line, score)
    assert grade(FOOTBALL, "spread", "game", "away", -line, score) == MIRRORED[home]


@given(scores, handicaps)
def test_opposite_sides_of_a_total_mirror_each_other(score, line):
    over = grade(FOOTBALL, "total", "game", "over", line, score)
    assert grade(FOOTBALL, "total", "game", "under", line, score) == MIRRORED[over]


@given(scores, st.sampled_from(["moneyline", "draw_no_bet"]))
def test_opposite_sides_of_a_winner_market_mirror_each_other(score, market):
    home = grade(SOCCER, market, "game", "home", None, score)
    assert grade(SOCCER, market, "game", "away", None, score) == MIRRORED[home]


@given(scores)
def test_exactly_one_side_of_a_three_way_wins(score):
    results = [grade(SOCCER, "three_way", "game", side, None, score) for side in SIDES["three_way"]]
    assert sorted(results) == ["lost", "lost", "won"]


@given(scores, st.sampled_from(["home", "away"]))
def test_a_spread_of_half_a_point_is_a_winner_with_the_tie(score, side):
    tied = score.home == score.away
    plus, minus = (grade(FOOTBALL, "spread", "game", side, line, score) for line in (2, -2))
    if tied:
        assert (plus, minus) == ("won", "lost")
    else:
        assert plus == minus == grade(FOOTBALL, "moneyline", "game", side, None, score)


# Ties.


@pytest.mark.parametrize(
    ("market", "side", "result"),
    [
        ("moneyline", "home", "push"),
        ("moneyline", "away", "push"),
        ("draw_no_bet", "home", "push"),
        ("draw_no_bet", "away", "push"),
        ("three_way", "draw", "won"),
        ("three_way", "home", "lost"),
        ("three_way", "away", "lost"),
    ],
)
def test_a_draw_gives_the_money_back_unless_it_is_an_outcome(market, side, result):
    assert grade(SOCCER, market, "game", side, None, Score(1, 1)) == result


# What a period includes.

QUARTERED = score_of([(7, 0), (3, 7), (0, 10), (10, 3)], overtime=((3, 0),))
HALVED = score_of([(30, 28), (31, 33)], overtime=((10, 5), (4, 6)))
INNINGS = score_of([(1, 0), (0, 0), (0, 2), (0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0)], overtime=((0, 0), (1, 0)))
THIRDS = score_of([(1, 0), (0, 2), (1, 0)], overtime=((1, 0),))
MATCH = score_of([(0, 1), (1, 0)], overtime=((1, 0), (0, 0)))


@pytest.mark.parametrize(
    ("period", "counted"),
    [
        ("game", (23, 20)),
        ("1h", (10, 7)),
        ("2h", (13, 13)),
        ("q1", (7, 0)),
        ("q2", (3, 7)),
        ("q3", (0, 10)),
        ("q4", (10, 3)),
    ],
)
@pytest.mark.parametrize("rules", [FOOTBALL, BASKETBALL], ids=["football", "basketball"])
def test_game_and_second_half_include_overtime_and_quarters_do_not(rules, period, counted):
    assert points(rules, period, QUARTERED) == counted


@pytest.mark.parametrize(("period", "counted"), [("game", (75, 72)), ("1h", (30, 28)), ("2h", (45, 44))])
def test_a_score_in_halves_has_halves(period, counted):
    assert points(BASKETBALL, period, HALVED) == counted


@pytest.mark.parametrize(("period", "counted"), [("game", (3, 2)), ("1h", (2, 2)), ("2h", (1, 0))])
def test_the_first_five_innings_are_the_first_half_and_extra_innings_belong_to_the_second(period, counted):
    assert points(BASEBALL, period, INNINGS) == counted


@pytest.mark.parametrize("period", ["game", "1h", "2h"])
def test_extra_innings_may_stand_among_the_innings(period):
    listed = Score(INNINGS.home, INNINGS.away, (*INNINGS.periods, *INNINGS.overtime))
    assert points(BASEBALL, period, listed) == points(BASEBALL, period, INNINGS)
    assert points(BASEBALL, "game", listed, "three_way") == (2, 2)


@pytest.mark.parametrize(("period", "counted"), [("game", (3, 2)), ("q1", (1, 0)), ("q2", (0, 2)), ("q3", (1, 0))])
def test_a_hockey_game_includes_overtime_and_its_third_period_does_not(period, counted):
    assert points(HOCKEY, period, THIRDS) == counted


@pytest.mark.parametrize(("period", "counted"), [("game", (1, 1)), ("1h", (0, 1)), ("2h", (1, 0))])
@pytest.mark.parametrize("market", list(SIDES))
def test_soccer_is_on_regulation(market, period, counted):
    assert points(SOCCER, period, MATCH, market) == counted


@pytest.mark.parametrize(
    ("rules", "score", "counted"),
    [
        (HOCKEY, THIRDS, (2, 2)),
        (BASEBALL, INNINGS, (2, 2)),
        (BASKETBALL, QUARTERED, (20, 20)),
        (FOOTBALL, QUARTERED, (23, 20)),
    ],
    ids=["hockey", "baseball", "basketball", "football"],
)
def test_a_three_way_is_on_regulation_where_overtime_always_has_a_winner(rules, score, counted):
    assert points(rules, "game", score, "three_way") == counted


def test_overtime_is_taken_off_even_if_periods_are_not_known():
    assert points(SOCCER, "game", Score(2, 1, overtime=((1, 0),))) == (1, 1)
    assert points(HOCKEY, "game", Score(3, 2, overtime=((1, 0),)), "three_way") == (2, 2)
    assert points(HOCKEY, "game", Score(3, 2, overtime=((1, 0),))) == (3, 2)


def test_without_overtime_the_score_is_regulation():
    assert points(SOCCER, "game", Score(2, 1)) == (2, 1)


# Scores that say nothing.


@pytest.mark.parametrize(
    "score",
    [
        Score(-1, 0),
        Score(10**30, 0),
        Score(0, 10_001),
        Score(20, 20, ((7, 0), (3, 7), (0, 10), (10, 4))),
        Score(20, 20, ((7, 0), (3, 7), (0, 10), (10, 3)), ((1, 0),)),
        Score(20, 20, ((27, 0), (3, 7), (-10, 10), (0, 3))),
        Score(20, 20, ((7, 0), (3, 7), (10, 13))),
        Score(20, 20, ((7, 0), (3, 7), (0, 10), (10, 3), (0, 0))),
        Score(20, 20, ((20, 20),)),
        Score(0, 0, ((0, 0),) * 65),
        Score(3, 3, overtime=((4, 0),)),
        Score(3, 3, overtime=((-1, 0),)),
        Score(3, 3, length=-1),
    ],
)
def test_a_score_that_contradicts_itself_is_not_gradable(score):
    with pytest.raises(NotGradable) as caught:
        grade(FOOTBALL, "moneyline", "game", "home", None, score)
    assert caught.value.code == "not_gradable"
    with pytest.raises(NotGradable):
        check_score(FOOTBALL, score)


@pytest.mark.parametrize(
    ("rules", "period", "score"),
    [
        (FOOTBALL, "q1", Score(20, 17)),
        (FOOTBALL, "2h", Score(20, 17, overtime=((3, 0),))),
        (FOOTBALL, "q1", Score(20, 17, ((10, 7), (10, 10)))),
        (HOCKEY, "1h", THIRDS),
        (HOCKEY, "q4", THIRDS),
        (HOCKEY, "2h", Score(1, 0)),
        (BASEBALL, "q1", INNINGS),
        (SOCCER, "q1", MATCH),
    ],
)
def test_a_period_that_is_missing_is_not_gradable(rules, period, score):
    with pytest.raises(NotGradable):
        grade(rules, "moneyline", period, "home", None, score)


# What is no wager.


@pytest.mark.parametrize(
    ("market", "period", "side", "line", "code"),
    [
        ("moneyline", "game", "draw", None, "side_invalid"),
        ("moneyline", "game", "over", None, "side_invalid"),
        ("draw_no_bet", "game", "draw", None, "side_invalid"),
        ("spread", "game", "over", 2, "side_invalid"),
        ("total", "game", "home", 2, "side_invalid"),
        ("total", "game", "", 2, "side_invalid"),
        ("spread", "game", "home", None, "line_invalid"),
        ("total", "game", "over", None, "line_invalid"),
        ("moneyline", "game", "home", 0, "line_invalid"),
        ("three_way", "game", "draw", 2, "line_invalid"),
        ("parlay", "game", "home", None, "market_invalid"),
        ("moneyline", "q5", "home", None, "period_invalid"),
    ],
)
def test_a_wager_that_cannot_be_has_its_code(market, period, side, line, code):
    with pytest.raises(SelectionInvalid) as caught:
        grade(FOOTBALL, market, period, side, line, Score(1, 0))
    assert caught.value.code == code


def test_an_unknown_sport_has_no_rules():
    with pytest.raises(SelectionInvalid) as caught:
        default_rules("cricket")
    assert caught.value.code == "sport_invalid"


# Official length.


@pytest.mark.parametrize(
    ("half_innings", "market", "side", "line", "result"),
    [
        (9, "moneyline", "home", None, "void"),
        (10, "moneyline", "home", None, "won"),
        (16, "total", "under", 34, "void"),
        (16, "spread", "home", -6, "void"),
        (17, "total", "under", 34, "won"),
        (17, "spread", "home", -6, "won"),
        (18, "total", "over", 34, "lost"),
        (None, "total", "over", 34, "lost"),
        (0, "moneyline", "away", None, "void"),
    ],
)
def test_a_baseball_game_called_early_is_settled_by_its_length(half_innings, market, side, line, result):
    score = Score(3, 1, length=half_innings)
    assert grade(BASEBALL, market, "game", side, line, score) == result


@pytest.mark.parametrize("market", list(SIDES))
@pytest.mark.parametrize(("minutes", "stands"), [(54, False), (55, True), (60, True)])
def test_a_football_game_needs_55_minutes(market, minutes, stands):
    line = 4 if market in ("spread", "total") else None
    result = grade(FOOTBALL, market, "game", SIDES[market][0], line, Score(3, 10, length=minutes))
    assert result == ("won" if stands else "void")


def test_a_period_that_was_completed_stands_in_a_game_that_was_called():
    called = score_of([(1, 0), (0, 0), (0, 0), (0, 0), (1, 1), (0, 0)], length=11)
    assert grade(BASEBALL, "moneyline", "1h", "home", None, called) == "won"
    assert grade(BASEBALL, "moneyline", "2h", "home", None, called) == "void"
    stopped = score_of([(7, 0), (0, 3), (0, 3)], length=40)
    assert grade(FOOTBALL, "moneyline", "1h", "home", None, stopped) == "won"
    assert grade(FOOTBALL, "moneyline", "q3", "home", None, stopped) == "void"


def test_a_called_game_in_halves_is_not_taken_for_quarters():
    stopped = score_of([(7, 0), (0, 30)], length=40)
    assert grade(FOOTBALL, "moneyline", "1h", "home", None, stopped) == "won"
    with pytest.raises(NotGradable):
        grade(FOOTBALL, "moneyline", "q1", "home", None, stopped)


def test_a_called_game_must_have_the_periods_of_its_length():
    with pytest.raises(NotGradable):
        check_score(BASEBALL, score_of([(1, 0)] * 5, length=12))
    check_score(BASEBALL, score_of([(1, 0)] * 6, length=12))
    check_score(BASEBALL, score_of([(1, 0)] * 9, length=17))
    check_score(BASEBALL, score_of([(1, 0)] * 11, length=22))


def test_a_void_needs_a_score_that_can_be():
    with pytest.raises(NotGradable):
        grade(BASEBALL, "total", "game", "over", 34, Score(-1, 0, length=10))


# Money back.


@pytest.mark.parametrize(
    ("text", "result", "money"),
    [
        ("-110", "won", 19_091),
        ("1.91", "won", 19_100),
        ("-110", "half_won", 14_545),
        ("-110", "half_lost", 5_000),
        ("-110", "push", 10_000),
        ("-110", "void", 10_000),
        ("-110", "lost", 0),
        ("+125", "half_won", 16_250),
    ],
)
def test_a_hundred_returns_what_its_price_and_result_say(text, result, money):
    assert returned(parse_price(text), 10_000, result, CENT) == money


@given(prices, amounts, st.sampled_from(list(MIRRORED)), roundings)
def test_a_payout_is_exact_but_for_one_rounding(price, stake, result, rounding):
    money = returned(price, stake, result, rounding)
    assert money >= 0
    exact = stake * share(result, price)
    if result in ("push", "void", "lost"):
        assert money == exact
    else:
        assert money == rounding.round(exact.numerator, exact.denominator)


def test_a_stake_that_comes_back_whole_is_not_rounded():
    nickel = Rounding("half_up", 5)
    assert returned(EVEN, 10_001, "push", nickel) == returned(EVEN, 10_001, "void", nickel) == 10_001


def test_half_a_cent_is_rounded_once():
    assert returned(EVEN, 1, "half_lost", CENT) == 1
    assert returned(EVEN, 1, "half_lost", Rounding("down")) == 0
    assert returned(EVEN, 1, "half_won", CENT) == 2


# The rules as data.


@pytest.mark.parametrize("sport", list(DEFAULT_RULES))
def test_the_rules_of_a_league_are_data(sport):
    rules = DEFAULT_RULES[sport]
    assert msgspec.json.decode(msgspec.json.encode(rules), type=type(rules)) == rules
    for layout in rules.layouts:
        assert all(0 <= first < end <= layout.count for first, end in layout.spans.values())
    for names, known in (
        ((period for layout in rules.layouts for period in layout.spans), PERIODS),
        (rules.overtime_in, PERIODS),
        (rules.complete, PERIODS),
        (rules.official, SIDES),
        (rules.regulation_markets, SIDES),
    ):
        assert set(names) <= set(known)


def test_a_score_is_data():
    assert msgspec.json.decode(msgspec.json.encode(QUARTERED), type=Score) == QUARTERED


@given(
    st.sampled_from(list(DEFAULT_RULES.values())),
    st.sampled_from([*SIDES, "parlay"]),
    st.sampled_from([*PERIODS, "q5"]),
    st.sampled_from([*OPPOSITE, "draw", ""]),
    st.none() | handicaps,
    st.builds(
        Score,
        st.integers(-1, 9),
        st.integers(-1, 9),
        st.none() | st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=11).map(tuple),
        st.none() | st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=3).map(tuple),
        st.none() | st.integers(0, 70),
    ),
)
def test_a_wager_has_a_result_or_a_code(rules, market, period, side, line, score):
    try:
        assert grade(rules, market, period, side, line, score) in MIRRORED
    except (NotGradable, SelectionInvalid) as error:
        code = error.code
    else:
        code = ""
    assert code == "" or code in CODES
