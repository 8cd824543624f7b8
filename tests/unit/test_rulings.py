"""Rulings: rows of leagues' rules that the house's staff set; a result is graded by those that stood as it was confirmed."""

from typing import Any

import pytest
from tests.doubles.stage import HOUR_NS
from tests.doubles.words import board, game, line, player, staff, wager

from runline.domain.bounds import RULINGS_PER_LEAGUE_MAX, WINDOW_HOURS_MAX
from runline.domain.fixtures import CreateLeague
from runline.domain.grading import LENGTH_MAX, Score
from runline.domain.official import DRAW_MARKETS, LEAGUES, SPORTS, Terms, Window
from runline.domain.permissions import FEED_MAY, Permission
from runline.domain.queries.leagues import LeagueRulesAsked, league_rules
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.rulings import LeagueRule, LeagueRuleSet, Ruling, SetLeagueRule

THREE_WAY = line("three_way", "+150", "+140", "+210")
LEVEL_THEN_WON = {"periods": ((1, 1), (0, 0), (0, 0)), "overtime": ((1, 0),)}
WITH_OVERTIME = LeagueRule(overtime=True, official=55)


NOBODY: Any = None


@pytest.fixture
def hockey_book(book):
    book.given(game("G1", league="NHL", sport="hockey"), board("G1", THREE_WAY, line("moneyline", "+120", "-130")))
    book.given(player("P1"), wager("P1", 10_00, kind="three_way", side="home", price="+140"), wager("P1", 10_00))
    return book


def ends_in_overtime(book):
    book.house.ends("G1", 1, 2, **LEVEL_THEN_WON)
    book.settles()
    return [ticket.result for ticket in book.stored_wagers()]


def test_a_market_with_a_draw_in_it_is_on_regulation(hockey_book):
    assert ends_in_overtime(hockey_book) == ["lost", "lost"]


def test_it_is_on_regulation_though_a_row_for_all_markets_says_that_overtime_counts(hockey_book):
    hockey_book.house.given(SetLeagueRule("NHL", WITH_OVERTIME, "all"))
    assert ends_in_overtime(hockey_book) == ["lost", "lost"]


def test_it_includes_overtime_where_its_own_row_says_so(hockey_book):
    hockey_book.house.given(SetLeagueRule("NHL", WITH_OVERTIME, "as we offer it", "three_way"))
    assert ends_in_overtime(hockey_book) == ["won", "lost"]


def test_a_result_is_graded_by_the_row_that_stood_as_it_was_confirmed(hockey_book):
    hockey_book.house.ends("G1", 1, 2, **LEVEL_THEN_WON)
    hockey_book.house.given(SetLeagueRule("NHL", WITH_OVERTIME, "too late for that one", "three_way"))
    hockey_book.settles()
    assert [ticket.result for ticket in hockey_book.stored_wagers()] == ["lost", "lost"]
    hockey_book.house.ends("G1", 1, 3, **LEVEL_THEN_WON | {"overtime": ((2, 0),)})
    hockey_book.settles()
    assert [ticket.result for ticket in hockey_book.stored_wagers()] == ["won", "lost"]


def test_the_official_length_of_a_league_is_a_row_that_is_changed(hockey_book):
    hockey_book.house.given(
        SetLeagueRule("NHL", LeagueRule(overtime=True, official=40), "shorter", "moneyline", "game")
    )
    hockey_book.house.ends("G1", 2, 1, periods=((1, 1), (0, 1), (0, 0)), length=50)
    hockey_book.settles()
    assert [ticket.result for ticket in hockey_book.stored_wagers()] == ["void", "won"]


def test_the_more_particular_row_holds_and_its_absence_gives_the_next_one(house):
    house.given(game("G1", league="NHL", sport="hockey"))
    rows: dict[tuple[Any, Any], int] = {
        ("", ""): 10, ("", "game"): 20, ("moneyline", ""): 30, ("moneyline", "game"): 40,
    }  # fmt: skip
    for (market, period), length in reversed(rows.items()):
        house.given(SetLeagueRule("NHL", LeagueRule(official=length), "so", market, period))

    def official():
        return house.state.rulings.rules("hockey", "NHL").terms("moneyline", "game").official

    for (market, period), length in reversed(rows.items()):
        assert official() == length
        house.given(SetLeagueRule("NHL", None, "no more", market, period))
        house.happened(LeagueRuleSet, before=LeagueRule(official=length), after=None)
    assert official() == 55
    house.when(SetLeagueRule("NHL", None, "again"))
    house.nothing_happened()


def test_rows_are_of_one_league(house):
    house.given(game("G1", league="NHL", sport="hockey"), game("G2", league="AHL", sport="hockey", rotation=961))
    house.given(SetLeagueRule("NHL", LeagueRule(official=1), "so"))
    assert house.state.rulings.rules("hockey", "AHL").terms("total", "game").official == 55
    assert house.state.rulings.rules("hockey", "NHL").terms("total", "game").official == 1


def test_rows_are_there_after_a_restart_each_at_its_position(house):
    house.given(game("G1", league="NHL", sport="hockey"), SetLeagueRule("NHL", LeagueRule(official=1), "so"))
    before = house.state.seq
    house.given(SetLeagueRule("NHL", LeagueRule(official=2), "so"))
    again = house.recovered().rulings
    assert len(house.stored(Ruling)) == 2
    found = [again.rules("hockey", "NHL", seq).terms("total", "q1").official for seq in (before - 1, before, None)]
    assert found == [None, 1, 2]


def test_only_staff_who_may_change_settings_set_rows_and_say_why(house):
    house.given(game("G1", league="NHL", sport="hockey"), staff("feed", *(Permission(value) for value in FEED_MAY)))
    house.when(SetLeagueRule("NHL", WITH_OVERTIME, "why not"), by="feed")
    house.rejected("not_permitted")
    house.when(SetLeagueRule("NHL", WITH_OVERTIME, "  "))
    house.rejected("reason_invalid")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SetLeagueRule("NBA", WITH_OVERTIME, "so"), "unknown_league"),
        (SetLeagueRule("NHL", WITH_OVERTIME, "so", "total", "q4"), "line_invalid"),
        (SetLeagueRule("NHL", LeagueRule(official=0), "so"), "limits_invalid"),
        (SetLeagueRule("NHL", LeagueRule(official=LENGTH_MAX + 1), "so"), "limits_invalid"),
        (SetLeagueRule("NHL", LeagueRule(less_if_home_leads=-1), "so"), "limits_invalid"),
        (SetLeagueRule("NHL", LeagueRule(window=Window("hours")), "so"), "limits_invalid"),
        (SetLeagueRule("NHL", LeagueRule(window=Window("hours", WINDOW_HOURS_MAX + 1)), "so"), "limits_invalid"),
        (SetLeagueRule("NHL", LeagueRule(window=Window("date", 1)), "so"), "limits_invalid"),
    ],
    ids=str,
)
def test_a_row_that_makes_no_sense_is_refused(house, command, code):
    house.given(game("G1", league="NHL", sport="hockey"))
    house.when(command)
    house.rejected(code)


def test_a_league_has_no_more_changes_than_there_may_be(house, monkeypatch):
    monkeypatch.setattr("runline.domain.rulings.RULINGS_PER_LEAGUE_MAX", 1)
    house.given(game("G1", league="NHL", sport="hockey"), SetLeagueRule("NHL", WITH_OVERTIME, "so"))
    house.when(SetLeagueRule("NHL", None, "not so"))
    house.rejected("too_many", most=1)
    assert RULINGS_PER_LEAGUE_MAX > 1


def test_a_score_lacks_overtime_by_the_rows_of_the_league(hockey_book):
    house = hockey_book.house
    house.given(SetLeagueRule("NHL", WITH_OVERTIME, "as we offer it", "three_way"))
    house.ends("G1", 1, 2, overtime=((1, 0),))
    house.given(EnterResult("G1", Score(3, 1)))
    house.given(ConfirmResult("G1", 2))
    assert house.clock_ns > HOUR_NS


def test_what_holds_for_a_league_is_shown_row_by_row(house):
    house.given(game("G1", league="NHL", sport="hockey"))
    house.given(SetLeagueRule("NHL", LeagueRule(official=40, window=Window("hours", 24)), "so", "total", "game"))
    asked = LeagueRulesAsked(league="NHL", limit=3)
    shown = []
    while True:
        page = league_rules(house.state, house.state, NOBODY, NOBODY, asked, 0)
        shown += page.items
        if not page.next:
            break
        asked = LeagueRulesAsked(league="NHL", limit=3, after=page.next)
    assert len({(row.market, row.period) for row in shown}) == len(shown) == 5 * 4
    [changed] = [row for row in shown if row.set_by_staff]
    assert (changed.market, changed.period, changed.official, changed.window) == (
        "total", "game", 40, Window("hours", 24),
    )  # fmt: skip
    [moneyline] = [row for row in shown if (row.market, row.period) == ("moneyline", "game")]
    assert (moneyline.overtime, moneyline.official, moneyline.unit, moneyline.window) == (
        True, 55, "minutes", Window("date"),
    )  # fmt: skip


def test_a_rule_makes_a_row_and_one_more_for_markets_with_a_draw_where_it_names_no_market_and_counts_overtime():
    window = Window("hours", 8, known_stands=False)
    rule = LeagueRule(True, 9, 1, True, window)
    held = (True, 9, 1, True, window)
    assert rule.terms("total", "1h") == (Terms(("total",), ("1h",), *held),)
    assert rule.terms("three_way", "") == (Terms(("three_way",), (), *held),)
    on_regulation = (False, 9, 1, True, window)
    assert rule.terms("", "1h") == (Terms((), ("1h",), *held), Terms(DRAW_MARKETS, ("1h",), *on_regulation))
    assert rule.terms("", "") == (Terms((), (), *held), Terms(DRAW_MARKETS, (), *on_regulation))
    assert LeagueRule(official=9).terms("", "2h") == (Terms((), ("2h",), official=9),)


def test_a_part_that_a_leagues_own_games_do_not_have_has_no_rule(house):
    house.given(CreateLeague("NCAAB", "basketball"), CreateLeague("NBA", "basketball"))
    house.given(SetLeagueRule("NBA", LeagueRule(official=9), "so", period="q1"))
    house.when(SetLeagueRule("NCAAB", LeagueRule(official=9), "so", period="q1"))
    house.rejected("line_invalid")


def test_a_league_keeps_its_own_rules_before_those_that_are_set(house):
    rulings = house.state.rulings
    assert rulings.rules("basketball", "NCAAB") == LEAGUES["NCAAB"]
    assert rulings.rules("basketball", "NBA") == SPORTS["basketball"]
    house.given(CreateLeague("NCAAB", "basketball"))
    house.given(SetLeagueRule("NCAAB", LeagueRule(official=30), "so", "total", "1h"))
    last = house.state.seq
    assert rulings.rules("basketball", "NCAAB", last - 1) == LEAGUES["NCAAB"]
    rules = rulings.rules("basketball", "NCAAB", last)
    assert rules.rows == (*LEAGUES["NCAAB"].rows, Terms(("total",), ("1h",), official=30))
    assert (rules.layouts, rules.unit, rules.window) == (
        LEAGUES["NCAAB"].layouts, LEAGUES["NCAAB"].unit, LEAGUES["NCAAB"].window,
    )  # fmt: skip
