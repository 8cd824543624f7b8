"""Silence: what a silent feed has posted is closed, and opens market by market with its new lines."""

import pytest
from tests.doubles.stage import NOON_NS, SECOND_NS
from tests.doubles.words import FULL_BOARD, board, game, line, player, staff, wager

from runline.domain.audience import Audience
from runline.domain.board import PostLines
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted
from runline.domain.shown import board_fixture
from runline.domain.suspension import Reopen, Suspend, Suspended
from runline.domain.watch import KeepFeed, WatchFeed

MONEYLINE = line("moneyline", "+120", "-130")
TOTAL = line("total", "-110", "-110", quarters=34)
TOTAL_AT_34: dict = {"kind": "total", "side": "over", "price": "-110", "quarters": 34}
MAY = (Permission.LINES_POST, Permission.FIXTURES_MANAGE)


@pytest.fixture
def fed_book(book):
    """A book whose house has a game fed by don, and one fed by its platform."""
    book.given(game("G1"), game("G2", rotation=953), player("P1"), staff_of_house(book, "don"))
    posts(book, "G1", NOON_NS, MONEYLINE, TOTAL)
    book.given(board("G2"))
    book.house.given(WatchFeed("don", 20_000, "lines"))
    return book


def staff_of_house(book, name):
    book.house.given(staff(name, *MAY))
    return []


def posts(book, fixture, entered_ns, *lines, by="don"):
    book.house.when(PostLines(fixture, entered_ns, lines), by=by)


def falls_silent(book):
    book.time_is(book.house.clock_ns + 20 * SECOND_NS)


def closed_by(book, *wagers):
    """What closes each of these to P1, "" if nothing does."""
    found = []
    for one in wagers:
        book.when(one)
        found.append(book.refusal.details.get("scope", book.refusal.code) if book.refusal else "")
    return found


WAGERS = (wager("P1", 5_00), wager("P1", 5_00, **TOTAL_AT_34), wager("P1", 5_00, on="G2"))


def test_a_silent_feed_closes_what_it_feeds_and_nothing_else(fed_book):
    assert closed_by(fed_book, *WAGERS) == ["", "", ""]
    falls_silent(fed_book)
    assert fed_book.house.log[-1][3] == Suspended("silence", "don", "root", "The feed is silent.")
    assert closed_by(fed_book, *WAGERS) == ["silence", "silence", ""]
    fed_book.when(wager("P1", 5_00))
    fed_book.rejected("market_suspended", scope="silence", subject="don")


def test_silence_is_two_events_however_much_the_feed_has_posted(fed_book):
    seq = fed_book.house.state.seq
    falls_silent(fed_book)
    assert fed_book.house.state.seq == seq + 2


def test_a_feed_that_returns_opens_each_market_with_its_next_line_only(fed_book):
    falls_silent(fed_book)
    fed_book.house.when(KeepFeed(), by="don")
    assert closed_by(fed_book, *WAGERS) == ["silence", "silence", ""]
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, line("total", "-120", "EV", quarters=34))
    assert [type(event) for event in fed_book.house.events] == [LinePosted, LinePosted]
    assert closed_by(fed_book, WAGERS[0], wager("P1", 5_00, **{**TOTAL_AT_34, "price": "-120"})) == ["", ""]


def test_the_same_line_posted_anew_after_silence_opens_its_market_though_it_does_not_differ(fed_book):
    falls_silent(fed_book)
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, TOTAL)
    fed_book.house.happened(LinePosted, market="G1:game:moneyline", prices=("+120", "-130"))
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, TOTAL)
    fed_book.house.nothing_happened()
    assert closed_by(fed_book, *WAGERS) == ["", "", ""]


def test_a_line_of_another_source_opens_the_market_it_is_of(fed_book):
    falls_silent(fed_book)
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, by="platform")
    assert closed_by(fed_book, *WAGERS) == ["", "market_closed", ""]


def test_a_feed_that_falls_silent_again_closes_its_new_lines_too(fed_book):
    falls_silent(fed_book)
    fed_book.house.when(KeepFeed(), by="don")
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, TOTAL)
    falls_silent(fed_book)
    assert closed_by(fed_book, *WAGERS) == ["silence", "silence", ""]


def test_what_a_person_has_closed_stays_closed_when_the_feed_returns(fed_book):
    fed_book.house.given(Suspend("market", "G1:game:moneyline", "injury"))
    falls_silent(fed_book)
    fed_book.house.when(KeepFeed(), by="don")
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, TOTAL)
    assert closed_by(fed_book, *WAGERS) == ["market", "", ""]


def test_a_line_that_is_newer_than_the_silence_may_be_closed_by_something_narrower(fed_book):
    falls_silent(fed_book)
    posts(fed_book, "G1", NOON_NS + 20 * SECOND_NS, MONEYLINE, TOTAL)
    fed_book.house.given(Suspend("fixture", "G1", "injury"))
    assert closed_by(fed_book, *WAGERS) == ["fixture", "fixture", ""]


def test_a_person_may_open_what_silence_has_closed_and_only_time_closes_it(fed_book):
    fed_book.house.when(Suspend("silence", "don", "doubtful"))
    fed_book.house.rejected("scope_invalid")
    falls_silent(fed_book)
    fed_book.house.given(Reopen("silence", "don", "checked by hand"))
    assert closed_by(fed_book, *WAGERS) == ["", "", ""]


def test_a_feed_is_closed_by_hand_with_all_that_it_posts_until_it_is_opened(fed_book):
    fed_book.house.given(Suspend("feed", "don", "doubtful"))
    posts(fed_book, "G1", NOON_NS + SECOND_NS, MONEYLINE, TOTAL)
    assert closed_by(fed_book, *WAGERS) == ["feed", "feed", ""]
    fed_book.house.given(Reopen("feed", "don", "good again"))
    assert closed_by(fed_book, *WAGERS) == ["", "", ""]
    fed_book.given(Suspend("feed", "don", "not for this book"))
    assert closed_by(fed_book, *WAGERS) == ["feed", "feed", ""]
    fed_book.when(Suspend("feed", "nobody", "trial"))
    fed_book.rejected("unknown_subject")


def test_silence_outlives_a_restart(fed_book):
    falls_silent(fed_book)
    house = fed_book.house.recovered()
    assert [house.suspensions.is_stale(market) for market in house.catalog.markets_on("G1")] == [True, True]
    assert [house.suspensions.is_stale(market) for market in house.catalog.markets_on("G2")] == [False] * 3


# The source's clock


def test_an_older_line_that_comes_after_a_repeated_one_is_refused(fed_book):
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, MONEYLINE, TOTAL)
    fed_book.house.nothing_happened()
    posts(fed_book, "G1", NOON_NS + 2 * SECOND_NS, line("moneyline", "+150", "-160"), TOTAL)
    fed_book.house.rejected("line_out_of_order", entered_ns=NOON_NS + 3 * SECOND_NS)
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, line("moneyline", "+140", "-150"), TOTAL)
    fed_book.house.happened(LinePosted, prices=("+140", "-150"), source="don")


def test_a_withdrawal_that_comes_late_is_refused_as_well(fed_book):
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, MONEYLINE, TOTAL)
    posts(fed_book, "G1", NOON_NS + 2 * SECOND_NS, MONEYLINE)
    fed_book.house.rejected("line_out_of_order", entered_ns=NOON_NS + 3 * SECOND_NS)


def test_a_post_that_changes_one_line_moves_the_clock_of_those_that_it_repeats(fed_book):
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, line("moneyline", "+140", "-150"), TOTAL)
    late = (line("moneyline", "+140", "-150"), line("total", "-120", "EV", quarters=34))
    posts(fed_book, "G1", NOON_NS + 2 * SECOND_NS, *late)
    fed_book.house.rejected("line_out_of_order", entered_ns=NOON_NS + 3 * SECOND_NS)


def test_a_clock_is_of_one_source_and_one_game(fed_book):
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, MONEYLINE, TOTAL)
    posts(fed_book, "G1", NOON_NS + 2 * SECOND_NS, line("moneyline", "+140", "-150"), TOTAL, by="platform")
    fed_book.house.happened(LinePosted, source="platform")
    posts(fed_book, "G2", NOON_NS + 2 * SECOND_NS, line("moneyline", "+140", "-150"))
    fed_book.house.happened(LinePosted, fixture="G2", source="don")


def test_no_more_clocks_are_kept_than_there_may_be(fed_book, monkeypatch):
    monkeypatch.setattr("runline.domain.sources.SOURCE_CLOCKS_MAX", 1)
    posts(fed_book, "G1", NOON_NS + 3 * SECOND_NS, MONEYLINE, TOTAL)
    posts(fed_book, "G2", NOON_NS + 3 * SECOND_NS, *FULL_BOARD, by="platform")
    assert list(fed_book.house.state.sources.clocks) == [("G2", "platform")]


def test_a_player_is_not_told_whose_lines_they_are_that_are_closed(fed_book):
    falls_silent(fed_book)
    fed_book.when(wager("P1", 5_00), by="P1")
    fed_book.rejected("market_suspended", scope="silence", subject="")
    house, book = fed_book.house.state, fed_book.state

    def seen_by(player):
        audience = Audience(ROOT, player, frozenset({Permission.BOARD_VIEW.value}))
        row = board_fixture(book, house, house.catalog.fixtures["G1"], audience, fed_book.at_ns)
        return {market.closed_by for market in row.markets}

    assert seen_by("P1") == {"silence"}
    assert seen_by("") == {"silence don"}
    fed_book.house.given(Suspend("feed", "don", "given"))
    assert seen_by("P1") == {"feed"}


def test_a_board_that_a_player_follows_is_not_the_one_made_for_staff_who_are_told_whose_lines_are_closed(fed_book):
    """Rows of one flavour are made once, for whoever needs them first."""
    may = frozenset({Permission.BOARD_VIEW.value})
    falls_silent(fed_book)
    flavour = fed_book.state.vocabulary.topic_rows["lines"].flavour
    assert flavour(fed_book.state, Audience(ROOT, "P1", may)) != flavour(fed_book.state, Audience(ROOT, "", may))
    assert flavour(fed_book.state, Audience(ROOT, "", may)) == flavour(fed_book.state, Audience("A1", "", may))
