"""Official: how each sport divides a game, how much of it must be played, and how long wagers wait, as the leagues have it."""

import pytest

from runline.domain.official import (
    DRAW_MARKETS,
    EASTERN,
    LEAGUES,
    SPORTS,
    Layout,
    LeagueRules,
    Terms,
    Window,
    halves,
    innings,
    periods,
    quarters,
    rules_of,
    to_the_end,
)

BY_QUARTERS = {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3), "q4": (3, 4), "1h": (0, 2), "2h": (2, 4)}


def test_the_ways_to_divide_a_game():
    assert quarters(15) == Layout("quarters", 4, 15, BY_QUARTERS)
    assert halves(30) == Layout("halves", 2, 30, {"1h": (0, 1), "2h": (1, 2)})
    assert innings(9) == Layout("innings", 9, 2, {"1h": (0, 5), "2h": (5, 9)}, True)
    assert periods(20) == Layout("periods", 3, 20, {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3)})


def test_what_lasts_to_the_end_has_overtime_but_where_a_draw_is_no_outcome():
    last = ("game", "2h")
    assert to_the_end() == (Terms((), last, True), Terms(DRAW_MARKETS, last))
    assert to_the_end(official=55, less_if_home_leads=2) == (
        Terms((), last, True, 55, 2), Terms(DRAW_MARKETS, last, False, 55, 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "played", "begun"),
    [(quarters(15), 0, 0), (quarters(15), 1, 1), (quarters(15), 15, 1), (quarters(15), 16, 2), (quarters(15), 60, 4),
     (quarters(15), 75, 4), (innings(9), 17, 9), (innings(9), 16, 8), (innings(9), 19, 9)],
)  # fmt: skip
def test_a_period_has_begun_as_soon_as_something_of_it_was_played(layout, played, begun):
    assert layout.begun(played) == begun


@pytest.mark.parametrize(
    ("sport", "unit", "lengths", "moneyline", "total", "draw", "window", "zone"),
    [
        ("football", "minutes", [60, 60], (55, True), (55, True), (55, False), Window("date"), EASTERN),
        ("basketball", "minutes", [48, 48], (43, True), (43, True), (43, False), Window("date"), EASTERN),
        ("baseball", "half-innings", [18, 14], (10, True), (None, True), (10, False), Window("hours", 36), EASTERN),
        ("hockey", "minutes", [60], (55, True), (55, True), (55, False), Window("date"), EASTERN),
        ("soccer", "minutes", [90], (None, False), (None, False), (None, False), Window("hours", 48), "Europe/London"),
    ],
)
def test_a_sport_is_graded_so(sport, unit, lengths, moneyline, total, draw, window, zone):
    rules = SPORTS[sport]
    assert (rules.sport, rules.unit, rules.window, rules.zone) == (sport, unit, window, zone)
    assert [layout.length for layout in rules.layouts] == lengths
    for market, expected in (("moneyline", moneyline), ("total", total), ("spread", total), ("three_way", draw)):
        terms = rules.terms(market, "game")
        assert (terms.official, terms.overtime) == expected
        assert terms.less_if_home_leads == (1 if sport == "baseball" else 0)
        assert rules.window_of(market, "game") == window
    assert rules.terms("total", "1h") == (Terms(less_if_home_leads=1) if sport == "baseball" else Terms())


@pytest.mark.parametrize(
    ("league", "names", "length"),
    [("NCAAB", ["halves"], 40), ("NCAAW", ["quarters", "halves"], 40), ("WNBA", ["quarters", "halves"], 40)],
)
def test_forty_minutes_of_basketball_are_official_after_35(league, names, length):
    rules = LEAGUES[league]
    assert [layout.name for layout in rules.layouts] == names
    assert {layout.length for layout in rules.layouts} == {length}
    assert rules.rows == to_the_end(official=35)
    assert rules_of("basketball", league) is rules
    assert rules_of("hockey", league) is SPORTS["hockey"]
    assert rules_of("basketball", "NBA") is SPORTS["basketball"]
    assert rules_of("curling", "X") is None


def test_the_last_row_that_fits_a_wager_holds_and_without_one_there_is_no_rule():
    first, second, third = Terms(official=1), Terms(("total",), official=2), Terms((), ("1h",), official=3)
    both = Terms(("total",), ("1h",), official=4, window=Window("hours", 5))
    rules = LeagueRules("football", "minutes", (quarters(15),), (first, second, third, both), Window("date"), EASTERN)
    found = {
        (market, period): rules.terms(market, period) for market in ("total", "spread") for period in ("game", "1h")
    }
    assert found == {
        ("total", "game"): second, ("spread", "game"): first, ("total", "1h"): both, ("spread", "1h"): third,
    }  # fmt: skip
    assert (rules.window_of("total", "1h"), rules.window_of("spread", "1h")) == (Window("hours", 5), Window("date"))
    assert LeagueRules("x", "y", (), (second, third), Window("date"), EASTERN).terms("spread", "game") == Terms()


def test_a_layout_is_found_by_its_number_of_periods_and_a_period_ends_as_the_layout_has_it_or_the_league():
    rules = SPORTS["football"]
    by_quarters, by_halves = rules.layouts
    assert (rules.layout(None), rules.layout(4), rules.layout(2)) == (by_quarters, by_quarters, by_halves)
    assert rules.layout(3) is None
    ends = {period: rules.end_of(by_halves, period) for period in ("1h", "2h", "q1", "q3", "game")}
    assert ends == {"1h": 30, "2h": 60, "q1": 15, "q3": 45, "game": 60}
    nine, seven = SPORTS["baseball"].layouts
    assert SPORTS["baseball"].end_of(seven, "2h") == SPORTS["baseball"].end_of(seven, "game") == 14
    assert (SPORTS["baseball"].end_of(nine, "1h"), nine.extras_listed, by_halves.extras_listed) == (10, True, False)


def test_a_league_has_the_whole_game_and_the_parts_that_a_layout_of_its_own_has():
    parts = ("game", "1h", "2h", "q1", "q2", "q3", "q4")
    had = {sport: [part for part in parts if rules.has(part)] for sport, rules in SPORTS.items()}
    assert had == {
        "football": [*parts], "basketball": [*parts], "baseball": ["game", "1h", "2h"],
        "hockey": ["game", "q1", "q2", "q3"], "soccer": ["game", "1h", "2h"],
    }  # fmt: skip
