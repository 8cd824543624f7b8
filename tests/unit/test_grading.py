"""Grading: what a score makes of a wager."""

from fractions import Fraction
from math import ceil

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runline.domain.bounds import PERIODS_MAX
from runline.domain.grading import (
    LENGTH_MAX,
    POINTS_MAX,
    SIDES,
    NotGradable,
    Score,
    SelectionInvalid,
    check_score,
    grade,
    league_rules,
    points_for,
    returned,
)
from runline.domain.money import MODES, Rounding
from runline.domain.odds import parse_price
from runline.domain.official import DRAW_MARKETS, LEAGUES, PERIODS, SPORTS, Terms
from runline.domain.points import parse_points

CENT = Rounding()
EVEN = parse_price("EV")

FOOTBALL = league_rules("football")
BASKETBALL = league_rules("basketball")
BASEBALL = league_rules("baseball")
HOCKEY = league_rules("hockey")
SOCCER = league_rules("soccer")
COLLEGE = league_rules("basketball", "NCAAB")

ALL_RULES = [*SPORTS.values(), *LEAGUES.values()]
each_rules = pytest.mark.parametrize("rules", ALL_RULES, ids=[*SPORTS, *LEAGUES])

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


def with_rows(rules, *rows):
    """A league's rules with rows of its own."""
    return msgspec.structs.replace(rules, rows=(*rules.rows, *rows))


def score_of(periods, overtime=None, length=None, **said):
    parts = [*periods, *(overtime or ())]
    home, away = sum(part[0] for part in parts), sum(part[1] for part in parts)
    return Score(home, away, tuple(periods), overtime, length, **said)


def points(rules, period, score, market="total"):
    return points_for(check_score(rules, score), rules.terms(market, period), market, period, score)


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
HALVED = score_of([(30, 28), (31, 33)], overtime=((10, 5), (4, 6)), scheduled=2)
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
@pytest.mark.parametrize("rules", [BASKETBALL, FOOTBALL, COLLEGE], ids=["basketball", "football", "college"])
def test_a_score_in_halves_has_halves(rules, period, counted):
    assert points(rules, period, HALVED) == counted


def test_a_league_that_plays_halves_need_not_say_so():
    halved = msgspec.structs.replace(HALVED, scheduled=None)
    assert points(COLLEGE, "1h", halved) == (30, 28)
    with pytest.raises(NotGradable, match="ambiguous"):
        points(BASKETBALL, "1h", halved)


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
        (FOOTBALL, QUARTERED, (20, 20)),
    ],
    ids=["hockey", "baseball", "basketball", "football"],
)
@pytest.mark.parametrize("market", DRAW_MARKETS)
def test_a_market_with_a_draw_in_it_is_on_regulation(market, rules, score, counted):
    assert points(rules, "game", score, market) == counted
    assert grade(rules, market, "game", "home", None, score) == ("lost" if market == "three_way" else "push")
    assert grade(rules, "moneyline", "game", "home", None, score) == "won"


def test_the_draw_of_a_second_half_is_on_regulation_too():
    assert points(FOOTBALL, "2h", QUARTERED, "three_way") == (10, 13)
    assert points(FOOTBALL, "2h", QUARTERED, "moneyline") == (13, 13)


def test_a_league_may_count_overtime_in_a_market_with_a_draw():
    rules = with_rows(FOOTBALL, Terms(("three_way",), ("game",), overtime=True))
    assert grade(rules, "three_way", "game", "home", None, QUARTERED) == "won"
    assert grade(rules, "draw_no_bet", "game", "home", None, QUARTERED) == "push"


def test_overtime_belongs_to_what_lasts_to_the_end_only():
    rules = with_rows(FOOTBALL, Terms(("total",), overtime=True))
    counted = {period: points(rules, period, QUARTERED) for period in ("game", "1h", "2h", "q1", "q4")}
    assert counted == {"game": (23, 20), "1h": (10, 7), "2h": (13, 13), "q1": (7, 0), "q4": (13, 3)}


def test_overtime_is_taken_off_even_if_periods_are_not_known():
    assert points(SOCCER, "game", Score(2, 1, overtime=((1, 0),))) == (1, 1)
    assert points(HOCKEY, "game", Score(3, 2, overtime=((1, 0),)), "three_way") == (2, 2)
    assert points(HOCKEY, "game", Score(3, 2, overtime=((1, 0),))) == (3, 2)


def test_what_went_to_overtime_was_level_even_if_its_points_are_not_known():
    score = Score(26, 20, level_after_regulation=True)
    assert grade(FOOTBALL, "three_way", "game", "draw", None, score) == "won"
    assert grade(FOOTBALL, "draw_no_bet", "game", "home", None, score) == "push"
    assert grade(FOOTBALL, "moneyline", "game", "home", None, score) == "won"
    assert grade(SOCCER, "spread", "game", "home", -2, score) == "lost"
    with pytest.raises(NotGradable):
        grade(SOCCER, "total", "game", "over", 4, score)
    for contradiction in (
        score_of([(7, 0), (3, 7), (0, 10), (10, 4)], ((3, 0),), level_after_regulation=True),
        Score(3, 2, overtime=((2, 0),), level_after_regulation=True),
        Score(3, 3, length=40, level_after_regulation=True),
    ):
        with pytest.raises(NotGradable):
            check_score(FOOTBALL, contradiction)


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
        Score(3, 3, scheduled=3),
        Score(3, 3, scheduled=0),
        Score(6, 3, overtime=((3, 0),), length=59),
        score_of([(7, 0), (3, 7), (0, 10), (10, 3)], ((3, 0),), length=55),
        Score(9, 7, ((7, 0), (3, 7)), final=False),
        Score(20, 20, ((7, 0), (3, 7), (0, 10), (10, 3), (0, 0)), final=False),
        Score(20, 20, ((7, 0), (3, 7)), ((3, 0),), final=False),
        Score(20, 20, ((7, 0), (3, 7)), length=15, final=False),
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


@pytest.mark.parametrize(("line", "said"), [(None, "A spread needs a line."), (2, "A moneyline has no line.")])
def test_a_line_that_is_missing_is_told_from_one_that_has_no_place(line, said):
    with pytest.raises(SelectionInvalid, match=said):
        grade(FOOTBALL, "spread" if line is None else "moneyline", "game", "home", line, Score(1, 0))


def test_a_league_without_rules_of_its_own_has_its_sports():
    assert league_rules("basketball", "NCAAB") is LEAGUES["NCAAB"]
    for league in ("", "NBA", "NCAAF"):
        assert league_rules("basketball", league) is SPORTS["basketball"]


def test_an_unknown_sport_has_no_rules():
    with pytest.raises(SelectionInvalid) as caught:
        league_rules("cricket")
    assert caught.value.code == "sport_invalid"
    assert str(caught.value).startswith("A sport is one of ")


# Official length.


@pytest.mark.parametrize(
    ("half_innings", "market", "side", "line", "result"),
    [
        (10, "moneyline", "home", None, "won"),
        (16, "total", "under", 34, "void"),
        (16, "spread", "home", -6, "void"),
        (17, "total", "under", 34, "won"),
        (17, "spread", "home", -6, "won"),
        (9, "moneyline", "home", None, "won"),
        (8, "moneyline", "home", None, "void"),
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


OFFICIAL = [
    (FOOTBALL, 55),
    (BASKETBALL, 43),
    (COLLEGE, 35),
    (league_rules("basketball", "WNBA"), 35),
    (HOCKEY, 55),
    (SOCCER, 90),
]


@pytest.mark.parametrize("market", list(SIDES))
@pytest.mark.parametrize(("rules", "official"), OFFICIAL)
def test_a_game_stands_from_its_official_length(rules, official, market):
    line = 2 if market in ("spread", "total") else None
    for length, stands in ((0, False), (official - 1, False), (official, True), (official + 30, True), (None, True)):
        result = grade(rules, market, "game", SIDES[market][0], line, Score(2, 5, length=length))
        assert result == ("won" if stands else "void")


@pytest.mark.parametrize("market", ["spread", "total"])
@pytest.mark.parametrize(
    ("scheduled", "half_innings", "home", "away", "stands"),
    [
        (None, 18, 1, 4, True),
        (None, 17, 4, 1, True),
        (None, 17, 1, 4, False),
        (None, 17, 1, 1, False),
        (None, 16, 4, 1, False),
        (7, 14, 1, 4, True),
        (7, 13, 4, 1, True),
        (7, 13, 1, 4, False),
        (7, 12, 4, 1, False),
        (9, 14, 4, 1, False),
    ],
)
def test_run_line_and_total_need_the_whole_game_as_it_was_scheduled(
    market, scheduled, half_innings, home, away, stands
):
    score = Score(home, away, length=half_innings, scheduled=scheduled)
    assert (grade(BASEBALL, market, "game", SIDES[market][0], 2, score) != "void") == stands


@pytest.mark.parametrize("market", ["moneyline", *DRAW_MARKETS])
@pytest.mark.parametrize("scheduled", [None, 7])
@pytest.mark.parametrize(
    ("half_innings", "home", "away", "stands"),
    [(10, 1, 4, True), (10, 1, 1, True), (9, 3, 1, True), (9, 1, 3, False), (9, 1, 1, False), (8, 3, 1, False)],
)
def test_who_wins_at_baseball_needs_five_innings_or_half_an_inning_less(
    market, scheduled, half_innings, home, away, stands
):
    score = Score(home, away, length=half_innings, scheduled=scheduled)
    assert (grade(BASEBALL, market, "game", "home", None, score) != "void") == stands


@pytest.mark.parametrize(
    ("half_innings", "home", "stands"), [(10, 0, True), (9, 3, True), (9, 0, False), (8, 3, False)]
)
def test_the_first_five_innings_need_not_their_last_half_if_the_home_side_leads(half_innings, home, stands):
    score = score_of([(home, 0), (0, 0), (0, 0), (0, 0), (0, 1)][: -(-half_innings // 2)], length=half_innings)
    assert (grade(BASEBALL, "moneyline", "1h", "home", None, score) != "void") == stands


each_wager = given(
    st.sampled_from(ALL_RULES).flatmap(
        lambda rules: st.tuples(st.just(rules), st.sampled_from([period for period in PERIODS if rules.has(period)]))
    ),
    st.sampled_from([(market, side) for market, sides in SIDES.items() for side in sides]),
    st.integers(0, 40),
)


@each_wager
def test_a_length_that_is_given_is_never_ignored(about, selection, line):
    (rules, period), (market, side) = about, selection
    quarters = line if market in ("spread", "total") else None
    assert grade(rules, market, period, side, quarters, Score(0, 0, length=0)) == "void"


@each_wager
def test_what_stands_at_a_length_stands_at_every_longer_one(about, selection, line):
    (rules, _), (market, side) = about, selection
    quarters = line if market in ("spread", "total") else None
    stands = [
        grade(rules, market, "game", side, quarters, Score(3, 2, length=length)) != "void" for length in range(91)
    ]
    assert stands == sorted(stands)
    assert stands[-1]


# What is decided when a game is called.

DECIDED = with_rows(FOOTBALL, Terms(("total",), (), overtime=True, official=55, decided_stands=True))


@pytest.mark.parametrize(
    ("side", "line", "result"),
    [
        ("over", "29½", "won"),
        ("under", "29½", "lost"),
        ("over", "29¾", "void"),
        ("under", "30", "void"),
        ("over", "31", "void"),
    ],
)
def test_an_over_that_is_over_stands_by_the_row(side, line, result):
    called = Score(20, 10, length=50)
    assert grade(DECIDED, "total", "game", side, parse_points(line), called) == result
    assert grade(FOOTBALL, "total", "game", side, parse_points(line), called) == "void"
    assert grade(DECIDED, "spread", "game", "home", -40, called) == "void"


def test_an_over_of_a_half_that_was_not_played_to_its_end_stands_by_the_row():
    rules = with_rows(FOOTBALL, Terms(("total",), ("1h",), decided_stands=True))
    called = score_of([(14, 0), (7, 3)], length=20)
    assert grade(rules, "total", "1h", "over", 4 * 20, called) == "won"
    assert grade(rules, "total", "1h", "over", 4 * 30, called) == "void"
    with pytest.raises(NotGradable):
        grade(rules, "total", "1h", "over", 4 * 20, Score(21, 3, length=20))


def test_what_is_decided_is_paid_while_the_game_goes_on_by_the_row():
    goes_on = score_of([(14, 0), (7, 3)], final=False)
    assert grade(DECIDED, "total", "game", "over", 4 * 20, goes_on) == "won"
    assert grade(DECIDED, "total", "game", "under", 4 * 20, goes_on) == "lost"
    for rules, line in ((DECIDED, 4 * 24), (FOOTBALL, 4 * 20)):
        with pytest.raises(NotGradable):
            grade(rules, "total", "game", "over", line, goes_on)


# Scores that are not final.

HALF_TIME = Score(10, 14, ((7, 0), (3, 14)), final=False)


@pytest.mark.parametrize(("period", "result"), [("1h", "won"), ("q1", "lost"), ("q2", "won")])
def test_a_score_that_is_not_final_settles_the_periods_that_are_over(period, result):
    assert grade(FOOTBALL, "moneyline", period, "away", None, HALF_TIME) == result


@pytest.mark.parametrize("period", ["game", "2h", "q3", "q4"])
@pytest.mark.parametrize("market", list(SIDES))
def test_a_score_that_is_not_final_settles_nothing_else(market, period):
    line = 4 if market in ("spread", "total") else None
    with pytest.raises(NotGradable, match="not a final score"):
        grade(FOOTBALL, market, period, SIDES[market][0], line, HALF_TIME)


def test_two_quarters_are_not_two_halves():
    taken_for_final = msgspec.structs.replace(HALF_TIME, final=True)
    for period in ("1h", "game"):
        with pytest.raises(NotGradable, match="not a final score, or ambiguous"):
            grade(FOOTBALL, "moneyline", period, "away", None, taken_for_final)


def test_a_period_that_goes_on_is_told_from_one_that_is_over_by_the_length():
    third = score_of([(7, 0), (3, 14), (0, 7)], final=False, length=40)
    assert grade(FOOTBALL, "moneyline", "1h", "away", None, third) == "won"
    with pytest.raises(NotGradable):
        grade(FOOTBALL, "moneyline", "q3", "away", None, third)
    assert grade(FOOTBALL, "moneyline", "q3", "away", None, msgspec.structs.replace(third, length=45)) == "won"


def test_a_final_score_of_a_known_length_lacks_the_periods_that_were_begun():
    with pytest.raises(NotGradable, match="1 periods, where 3 of 4 quarters were played"):
        grade(FOOTBALL, "moneyline", "q1", "home", None, score_of([(7, 0)], length=40))


def test_bounds_of_a_score_are_within_it():
    for score in (Score(POINTS_MAX, 0), Score(0, POINTS_MAX), Score(1, 0, length=LENGTH_MAX)):
        check_score(FOOTBALL, score)
    for score in (Score(POINTS_MAX + 1, 0), Score(0, POINTS_MAX + 1), Score(-1, 0), Score(0, -1)):
        with pytest.raises(NotGradable, match="A side has"):
            check_score(FOOTBALL, score)
    with pytest.raises(NotGradable, match="length is"):
        check_score(FOOTBALL, Score(1, 0, length=LENGTH_MAX + 1))


def test_periods_and_overtimes_are_counted_together():
    innings, more = [(0, 0)] * 9, PERIODS_MAX - 9
    check_score(BASEBALL, score_of(innings, overtime=((0, 0),) * (more - 1) + ((1, 0),)))
    with pytest.raises(NotGradable, match=f"at most {PERIODS_MAX}"):
        check_score(BASEBALL, score_of(innings, overtime=((0, 0),) * more + ((1, 0),)))


def test_overtime_follows_on_a_game_of_full_length():
    quarters = [(7, 0), (0, 7), (0, 0), (0, 0)]
    check_score(FOOTBALL, score_of(quarters, overtime=((3, 0),), length=60))
    with pytest.raises(NotGradable, match="There is no overtime after 59 of 60"):
        check_score(FOOTBALL, score_of(quarters, overtime=((3, 0),), length=59))


def test_a_score_is_what_its_periods_make_or_while_it_goes_on_no_less():
    quarters = ((7, 0), (0, 3), (0, 0), (0, 0))
    for score in (Score(10, 3, quarters), Score(7, 6, quarters), Score(7, 0, ((7, 3),), final=False)):
        with pytest.raises(NotGradable, match="make 7-3"):
            check_score(FOOTBALL, score)
    check_score(FOOTBALL, Score(8, 4, ((7, 3),), final=False))


def test_regulation_is_the_score_without_what_overtime_made_on_each_side():
    assert grade(SOCCER, "three_way", "game", "draw", None, Score(4, 3, overtime=((3, 2),))) == "won"


def test_where_regulation_was_level_its_periods_say_what_it_made():
    level = Score(2, 2, ((1, 1), (1, 1)), level_after_regulation=True)
    assert grade(SOCCER, "total", "game", "over", 12, level) == "won"


def test_a_schedule_that_no_league_has_is_told_with_those_that_there_are():
    with pytest.raises(NotGradable, match="scheduled for 4 quarters or 2 halves"):
        check_score(BASKETBALL, Score(1, 0, scheduled=3))


def test_a_quarter_is_not_over_by_halves():
    halves = score_of([(20, 10)], final=False, scheduled=2)
    assert grade(BASKETBALL, "moneyline", "1h", "home", None, halves) == "won"
    with pytest.raises(NotGradable, match="not a final score"):
        grade(BASKETBALL, "moneyline", "q1", "home", None, halves)


def test_the_points_of_the_period_that_goes_on_need_not_be_listed():
    assert grade(FOOTBALL, "moneyline", "1h", "away", None, msgspec.structs.replace(HALF_TIME, home=24)) == "won"


def test_regulation_is_over_when_overtime_begins():
    goes_on = score_of([(0, 1), (1, 0)], overtime=((1, 0),), final=False)
    assert grade(SOCCER, "moneyline", "game", "home", None, goes_on) == "push"
    assert grade(SOCCER, "three_way", "game", "draw", None, goes_on) == "won"
    thirds = score_of([(1, 0), (0, 2), (1, 0)], final=False)
    assert grade(HOCKEY, "three_way", "game", "draw", None, thirds) == "won"
    with pytest.raises(NotGradable):
        grade(HOCKEY, "moneyline", "game", "home", None, thirds)


@st.composite
def played_in_part(draw):
    """A league's rules, the whole score of a game with every period, and how it stood after some of them."""
    rules = draw(st.sampled_from([*ALL_RULES, DECIDED]))
    layout = draw(st.sampled_from(rules.layouts))
    parts = st.tuples(st.integers(0, 9), st.integers(0, 9))
    whole = draw(st.lists(parts, min_size=layout.count, max_size=layout.count))
    overtime = tuple(draw(st.lists(parts, max_size=2)))
    count = draw(st.integers(0, layout.count))
    home, away = whole[count] if count < layout.count else (0, 0)
    so_far = score_of(whole[:count], final=False, scheduled=layout.count)
    listed = draw(st.integers(0, home)), draw(st.integers(0, away))
    so_far = msgspec.structs.replace(so_far, home=so_far.home + listed[0], away=so_far.away + listed[1])
    return rules, score_of(whole, overtime, scheduled=layout.count), so_far


@settings(max_examples=400)
@given(
    played_in_part(),
    st.sampled_from(PERIODS),
    st.sampled_from([(market, side) for market, sides in SIDES.items() for side in sides]),
    st.integers(0, 200),
)
def test_what_is_settled_while_a_game_goes_on_is_what_its_end_settles(game, period, selection, line):
    (rules, whole, so_far), (market, side) = game, selection
    quarters = line if market in ("spread", "total") else None
    try:
        settled = grade(rules, market, period, side, quarters, so_far)
    except NotGradable:
        return
    assert settled == grade(rules, market, period, side, quarters, whole)


def test_a_period_that_was_completed_stands_in_a_game_that_was_called():
    called = score_of([(1, 0), (0, 0), (0, 0), (0, 0), (1, 1), (0, 0)], length=11)
    assert grade(BASEBALL, "moneyline", "1h", "home", None, called) == "won"
    assert grade(BASEBALL, "moneyline", "2h", "home", None, called) == "void"
    stopped = score_of([(7, 0), (0, 3), (0, 3)], length=40)
    assert grade(FOOTBALL, "moneyline", "1h", "home", None, stopped) == "won"
    assert grade(FOOTBALL, "moneyline", "q3", "home", None, stopped) == "void"


def test_a_called_game_in_halves_is_not_taken_for_quarters():
    stopped = score_of([(7, 0), (0, 30)], length=40, scheduled=2)
    assert grade(FOOTBALL, "moneyline", "1h", "home", None, stopped) == "won"
    with pytest.raises(NotGradable):
        grade(FOOTBALL, "moneyline", "q1", "home", None, stopped)
    with pytest.raises(NotGradable):
        check_score(FOOTBALL, msgspec.structs.replace(stopped, scheduled=None))
    assert grade(FOOTBALL, "moneyline", "q1", "home", None, score_of([(7, 0)], length=10, scheduled=2)) == "void"


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
        assert money == max(rounding.round(exact.numerator, exact.denominator), ceil(due_back(stake, result)))


def due_back(stake, result):
    """What comes back of the stake alone, exactly."""
    return Fraction(stake, 2) if result == "half_lost" else 0 if result == "lost" else stake


@given(prices, amounts, st.sampled_from(list(MIRRORED)), roundings)
def test_no_rounding_takes_from_what_is_due_back_of_the_stake(price, stake, result, rounding):
    assert returned(price, stake, result, rounding) >= due_back(stake, result)


def test_a_coarse_unit_takes_from_the_win_only():
    down = Rounding("down", 100)
    short, long = parse_price("-300"), parse_price("+300")
    assert returned(short, 150, "half_won", down) == 150
    assert returned(short, 150, "won", down) == 200
    assert returned(parse_price("-1000"), 150, "won", down) == 150
    assert returned(long, 150, "half_won", down) == 300
    assert returned(long, 150, "half_lost", down) == 75
    assert returned(long, 151, "half_lost", down) == 76


def test_a_stake_that_comes_back_whole_is_not_rounded():
    nickel = Rounding("half_up", 5)
    assert returned(EVEN, 10_001, "push", nickel) == returned(EVEN, 10_001, "void", nickel) == 10_001


def test_half_a_cent_is_rounded_once():
    assert returned(EVEN, 1, "half_lost", CENT) == 1
    assert returned(EVEN, 1, "half_lost", Rounding("down")) == 1
    assert returned(EVEN, 1, "half_won", CENT) == 2


# The rules as data.


@each_rules
def test_the_rules_of_a_league_are_data(rules):
    assert msgspec.json.decode(msgspec.json.encode(rules), type=type(rules)) == rules
    for layout in rules.layouts:
        assert all(0 <= first < end <= layout.count for first, end in layout.spans.values())
        assert set(layout.spans) <= set(PERIODS)
    for row in rules.rows:
        assert set(row.markets) <= set(SIDES)
        assert set(row.periods) <= set(PERIODS)


def test_a_score_is_data():
    assert msgspec.json.decode(msgspec.json.encode(QUARTERED), type=Score) == QUARTERED


@given(
    st.sampled_from(ALL_RULES),
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
        st.booleans(),
        st.none() | st.sampled_from([2, 3, 4, 7, 9]),
        st.booleans(),
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
