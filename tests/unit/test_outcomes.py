"""Outcomes: what a market can cost, beside every score by itself."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doubles.stage import NOON_NS
from tests.doubles.words import agent, board, game, line, player, wager

from runline.domain.grading import SIDES
from runline.domain.nodes import ROOT
from runline.domain.outcomes import NOTHING, Case, Place, Stand, cases_of, first_won, last_won, margin_words, sum_words
from runline.domain.shown import exposure_of
from runline.domain.tickets import VoidWager
from runline.simulate import laws

SPREAD, TOTAL, MONEYLINE, THREE_WAY = (f"G1:game:{kind}" for kind in ("spread", "total", "moneyline", "three_way"))


def stands(*wagers):
    """What stands by some wagers: (side, line, risk, win)."""
    found: dict[Place, Stand] = {}
    for side, quarters, risk, win in wagers:
        stand = found.setdefault((side, quarters), Stand())
        stand.risk_minor += risk
        stand.win_minor += win
        stand.wagers += 1
    return found


def cases(market, *wagers):
    return cases_of(market, stands(*wagers))


def test_where_the_line_has_moved_both_sides_can_win():
    found = cases(SPREAD, ("home", -12, 110_00, 100_00), ("away", 28, 110_00, 100_00))
    assert found.worst == Case(200_00, "home by 4 to 6", 4, 6)
    assert found.best == Case(-10_00, "home by 2 or less, level or away", None, 2)
    assert found.sides == {"away": 200_00, "home": 200_00}


def test_on_one_line_a_side_costs_what_it_wins_less_what_the_other_loses():
    found = cases(SPREAD, ("home", -14, 110_00, 100_00), ("away", 14, 55_00, 50_00))
    assert found.sides == {"away": -60_00, "home": 45_00}
    assert (found.worst.outcome, found.best.outcome) == ("home by 4 or more", "home by 3 or less, level or away")


def test_a_side_without_wagers_keeps_what_the_other_risks():
    assert cases(TOTAL, ("over", 34, 10_00, 9_00)).sides == {"over": 9_00, "under": -10_00}
    assert cases(SPREAD, ("away", 6, 10_00, 9_00)).sides == {"away": 9_00, "home": -10_00}
    assert cases(THREE_WAY, ("draw", None, 10_00, 30_00)).sides == {"away": -10_00, "home": -10_00, "draw": 30_00}


def test_a_middle_between_two_totals_costs_both():
    found = cases(TOTAL, ("over", 174, 110_00, 100_00), ("under", 186, 110_00, 100_00))
    assert found.worst == Case(200_00, "44 to 46", 44, 46)


def test_a_middle_of_one_number_costs_both():
    found = cases(SPREAD, ("home", -6, 110_00, 100_00), ("away", 12, 110_00, 100_00))
    assert found.worst == Case(200_00, "home by 2", 2, 2)
    assert found.sides == {"away": 200_00, "home": 200_00}


def test_sums_begin_with_nothing_and_margins_nowhere():
    assert cases(TOTAL, ("under", 34, 2_00, 1_00)).worst == Case(1_00, "8 or fewer", 0, 8)
    assert cases(SPREAD, ("away", 34, 2_00, 1_00)).worst == Case(1_00, "home by 8 or less, level or away", None, 8)


def test_of_a_market_with_a_draw_in_it_that_is_an_outcome_as_well():
    found = cases(THREE_WAY, ("draw", None, 10_00, 30_00), ("home", None, 5_00, 5_00))
    assert (found.worst, found.best) == (Case(25_00, "level"), Case(-15_00, "away wins"))


def test_what_is_lost_is_a_whole_number_of_minor_units():
    for quarters in range(-3, 1):
        found = cases(SPREAD, ("home", quarters, 100_01, 90_01), ("away", -quarters, 50_01, 40_01))
        amounts = (found.worst.exposure_minor, found.best.exposure_minor, *found.sides.values())
        assert [type(minor) for minor in amounts] == [int] * 4


def test_a_quarter_line_costs_half():
    found = cases(SPREAD, ("home", -13, 100_01, 90_01))
    assert (found.worst.outcome, found.best.outcome) == ("home by 4 or more", "home by 2 or less, level or away")
    pushed = cases(SPREAD, ("home", -13, 100_01, 90_01), ("home", -10, 30_00, 30_00), ("away", 10, 200_00, 90_00))
    assert pushed.best == Case(-220_00, "home by 3", 3, 3)


def test_where_a_draw_gives_the_money_back_nothing_is_lost_by_it():
    found = cases(MONEYLINE, ("away", None, 100_00, 10_00), ("home", None, 100_00, 20_00))
    assert (found.worst, found.best) == (Case(0, "level"), Case(-90_00, "away wins"))


def test_a_market_without_wagers_costs_nothing():
    for kind, sides in SIDES.items():
        found = cases_of(f"G1:game:{kind}", {})
        assert (found.worst, found.best, found.sides) == (NOTHING, NOTHING, dict.fromkeys(sides, 0))


amounts = st.integers(1, 50_000)


@st.composite
def some_wagers(draw):
    kind = draw(st.sampled_from(sorted(SIDES)))
    lines = {"spread": st.integers(-45, 45), "total": st.integers(0, 60)}.get(kind, st.none())
    one = st.tuples(st.sampled_from(SIDES[kind]), lines, amounts, amounts)
    return f"G1:game:{kind}", draw(st.lists(one, min_size=1, max_size=12))


@given(some_wagers())
def test_the_worst_and_the_best_case_are_those_of_all_scores(drawn):
    market, wagers = drawn
    kind = market.rsplit(":", 1)[1]
    found = cases(market, *wagers)
    losses = laws.losses_by_score(market, wagers)
    assert found.worst.exposure_minor == max(losses.values())
    assert found.best.exposure_minor == min(losses.values())
    assert max(found.sides.values()) <= found.worst.exposure_minor
    for case in (found.worst, found.best):
        if kind in ("spread", "total"):
            within = [
                number
                for number in losses
                if (case.low is None or case.low <= number) and (case.high is None or number <= case.high)
            ]
            assert within
            assert {losses[number] for number in within} == {case.exposure_minor}, case.outcome
            for beside in (min(within) - 1, max(within) + 1):
                assert losses.get(beside) != case.exposure_minor, "the outcome is told whole"


@pytest.mark.parametrize(
    ("wagers", "words"),
    [
        ([("home", -2, 2_00, 1_00)], "home wins"),
        ([("home", 2, 2_00, 1_00)], "level or home wins"),
        ([("home", 6, 2_00, 1_00)], "away by 1 or less, level or home"),
        ([("away", -6, 2_00, 1_00)], "away by 2 or more"),
        ([("away", -2, 2_00, 1_00)], "away wins"),
        ([("away", 2, 2_00, 1_00)], "away wins or level"),
        ([("home", 10, 2_00, 1_00), ("away", 10, 2_00, 1_00)], "away by 2 to home by 2"),
        ([("home", 2, 2_00, 1_00), ("away", 2, 2_00, 1_00)], "level"),
        ([("home", -2, 2_00, 1_00), ("away", 6, 2_00, 1_00)], "home by 1"),
        ([("home", 14, 2_00, 1_00), ("away", -6, 2_00, 1_00)], "away by 2 to 3"),
        ([("home", -2, 2_00, 2_00), ("away", 2, 2_00, 2_00)], "any score"),
    ],
)
def test_a_margin_is_told_in_words(wagers, words):
    assert cases(SPREAD, *wagers).worst.outcome == words


@pytest.mark.parametrize(
    ("wagers", "words"),
    [
        ([("over", 34, 2_00, 1_00)], "9 or more"),
        ([("under", 34, 2_00, 1_00)], "8 or fewer"),
        ([("over", 30, 2_00, 1_00), ("under", 34, 2_00, 1_00)], "8"),
        ([("under", 2, 2_00, 1_00)], "0"),
        ([("over", 34, 2_00, 2_00), ("under", 34, 2_00, 2_00)], "any score"),
    ],
)
def test_a_sum_is_told_in_words(wagers, words):
    assert cases(TOTAL, *wagers).worst.outcome == words


def test_exposure_is_kept_by_line_at_every_node_and_goes_with_the_last_wager(book):
    at_three, at_seven = (line("spread", "-110", "-110", quarters=quarters) for quarters in (-12, -28))
    book.given(game("G1"), board("G1", at_three), agent("A1"), player("P1", "A1"), player("P2"))
    book.given(wager("P1", 110_00, kind="spread", side="home", price="-110", quarters=-12))
    first = book.state.seq
    book.given(board("G1", at_seven, entered_ns=NOON_NS + 1))
    book.given(wager("P2", 110_00, kind="spread", side="away", price="-110", quarters=28))
    row = exposure_of(book.state, SPREAD, ROOT)
    assert msgspec.to_builtins(row) == {
        "market": SPREAD,
        "worst": {"exposure_minor": 200_00, "outcome": "home by 4 to 6", "low": 4, "high": 6},
        "best": {"exposure_minor": -10_00, "outcome": "home by 2 or less, level or away", "low": None, "high": 2},
        "exposure_minor": {"away": 200_00, "home": 200_00},
        "risk_minor": {"home": 110_00, "away": 110_00},
        "wagers": 2,
    }
    assert exposure_of(book.state, SPREAD, "A1").worst == Case(100_00, "home by 4 or more", 4)
    laws.exposure_is_what_would_be_lost(book.state)
    book.given(VoidWager(first, "wrong line"))
    assert list(book.state.risk.stands()[SPREAD]) == [("away", 28)]
    assert book.state.risk.stands("A1") == {}
    laws.exposure_is_what_would_be_lost(book.state)


@given(some_wagers())
def test_what_a_side_costs_is_the_most_that_is_lost_where_wagers_on_it_win(drawn):
    market, wagers = drawn
    kind = market.rsplit(":", 1)[1]
    found = cases(market, *wagers).sides
    assert list(found) == list(SIDES[kind])
    losses = laws.losses_by_score(market, wagers)
    for side in SIDES[kind]:
        own = [(line, win) for name, line, _, win in wagers if name == side]
        if kind not in ("spread", "total"):
            others = sum(risk for name, _, risk, _ in wagers if name != side)
            assert found[side] == sum(win for _, win in own) - others
            continue
        won = [number for number in losses if any("won" in laws.ends(kind, side, line, number) for line, _ in own)]
        end = max(losses) if side in ("home", "over") else min(losses)
        assert found[side] == max(losses[number] for number in won or [end])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (None, None, "any score"),
        (None, -2, "away by 2 or more"),
        (None, -1, "away wins"),
        (None, 0, "away wins or level"),
        (None, 1, "home by 1 or less, level or away"),
        (2, None, "home by 2 or more"),
        (1, None, "home wins"),
        (0, None, "level or home wins"),
        (-1, None, "away by 1 or less, level or home"),
        (0, 0, "level"),
        (1, 1, "home by 1"),
        (-1, -1, "away by 1"),
        (1, 2, "home by 1 to 2"),
        (-2, -1, "away by 1 to 2"),
        (0, 1, "level to home by 1"),
        (-1, 0, "away by 1 to level"),
        (-1, 1, "away by 1 to home by 1"),
    ],
)
def test_margins_in_words(low, high, words):
    assert margin_words(low, high) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, None, "any score"),
        (1, None, "1 or more"),
        (0, 0, "0"),
        (0, 1, "1 or fewer"),
        (1, 1, "1"),
        (1, 2, "1 to 2"),
    ],
)
def test_sums_in_words(low, high, words):
    assert sum_words(low, high) == words


def test_from_where_on_a_wager_wins():
    assert [first_won("home", line) for line in (-3, -2, -1, 0, 1, 4)] == [1, 1, 1, 1, 0, 0]
    assert [first_won("over", line) for line in (3, 4, 5)] == [1, 2, 2]
    assert [last_won(line) for line in (-4, -3, 0, 1, 3, 4, 5)] == [-2, -1, -1, 0, 0, 0, 1]
