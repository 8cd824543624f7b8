"""Large wagers: from which amount on one is large at a node, and who is told of it."""

from itertools import product

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.words import agent, board, game, player, staff, wager

from runline.domain.audience import Audience
from runline.domain.bounds import STAKE_MINOR_MAX
from runline.domain.large_wagers import LargeWagerRow, LargeWagers, LargeWagerSet, SetLargeWager
from runline.domain.messages import Rejected
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission, permissions_of
from runline.domain.queries.declared import Page
from runline.domain.settings import SetLimits
from runline.domain.tickets import WagerPlaced
from runline.live.facts import fact_of, told

EVERYTHING = frozenset(permissions_of("book"))
NODES = (ROOT, "A1", "A1-1", "A2")
BY_THE_BOOK = 5_000_00
"""Half of the largest stake that a book begins with."""


@pytest.fixture
def book(book):
    """Two branches, one of two levels, with a player each."""
    book.given(game("G1"), board("G1"), agent("A1"), agent("A1-1", "A1"), agent("A2"))
    book.given(player("P1", "A1-1", 100_000_00), player("P2", "A2", 100_000_00))
    return book


def least(book):
    """What counts at each node."""
    return [book.state.large_wagers.least_at(node) for node in NODES]


def who_is_told(book, risk, number="P1"):
    """The nodes whose staff are told of a wager that is placed now."""
    book.given(wager(number, risk))
    seq, at_ns, actor, event = book.log[-1]
    assert isinstance(event, WagerPlaced)
    fact = fact_of(book.state, book.house.state, (seq, at_ns, actor, "", event), ("notifications",))
    return [node for node in NODES if told(fact, ("notifications",), Audience(node, "", EVERYTHING))]


def test_a_wager_is_large_from_half_of_the_largest_stake_where_nobody_has_said_otherwise(book):
    assert least(book) == [BY_THE_BOOK] * 4
    assert who_is_told(book, BY_THE_BOOK - 1) == []
    assert who_is_told(book, BY_THE_BOOK) == [ROOT, "A1", "A1-1"]
    book.given(SetLimits(1, 20_01, 900_00, "given"))
    assert least(book) == [10_01] * 4
    assert who_is_told(book, 10_00) == []
    assert who_is_told(book, 10_01) == [ROOT, "A1", "A1-1"]
    assert book.recovered().large_wagers.least_minor == 10_01


def test_a_node_goes_by_its_own_amount_else_by_the_nearest_above(book):
    book.when(SetLargeWager("A1", 500_00, "we are small"))
    book.happened(LargeWagerSet, node="A1", before_minor=None, after_minor=500_00, reason="we are small")
    assert least(book) == [BY_THE_BOOK, 500_00, 500_00, BY_THE_BOOK]
    book.given(SetLargeWager(ROOT, 800_00, "all"), SetLargeWager("A1-1", 50_00, "smaller"))
    assert least(book) == [800_00, 500_00, 50_00, 800_00]
    assert who_is_told(book, 49_99) == []
    assert who_is_told(book, 50_00) == ["A1-1"]
    assert who_is_told(book, 500_00) == ["A1", "A1-1"]
    assert who_is_told(book, 800_00) == [ROOT, "A1", "A1-1"]
    assert who_is_told(book, 799_99, "P2") == []
    assert who_is_told(book, 800_00, "P2") == [ROOT, "A2"]


def test_at_nothing_none_is_large_and_without_an_amount_that_of_the_node_above_counts_again(book):
    book.given(SetLargeWager("A1", 0, "too much noise"))
    assert least(book) == [BY_THE_BOOK, 0, 0, BY_THE_BOOK]
    assert who_is_told(book, BY_THE_BOOK) == [ROOT]
    book.given(SetLargeWager(ROOT, 0, "none"), SetLargeWager("A2", 70_00, "some"))
    assert (least(book), book.state.large_wagers.least_minor) == ([0, 0, 0, 70_00], 70_00)
    assert who_is_told(book, BY_THE_BOOK) == []
    book.when(SetLargeWager("A2", None, "none either"))
    book.happened(LargeWagerSet, node="A2", before_minor=70_00, after_minor=None)
    assert (least(book), book.state.large_wagers.least_minor) == ([0] * 4, 0)
    assert who_is_told(book, BY_THE_BOOK, "P2") == []
    book.given(SetLargeWager(ROOT, None, "as before"), SetLargeWager("A1", None, "as before"))
    assert (least(book), book.state.large_wagers.least_minor) == ([BY_THE_BOOK] * 4, BY_THE_BOOK)


def test_what_counts_where_a_player_or_an_agent_has_come_counts_at_once(book):
    book.given(SetLargeWager("A1", 500_00, "given"), SetLargeWager("A2", 60_00, "given"))
    assert who_is_told(book, 60_00) == []
    book.given(MoveAgent("A1-1", "A2", "sold"))
    assert least(book) == [BY_THE_BOOK, 500_00, 60_00, 60_00]
    assert who_is_told(book, 60_00) == ["A1-1", "A2"]
    book.given(MovePlayer("P1", "A1", "sold"))
    assert who_is_told(book, 60_00) == []
    assert who_is_told(book, 500_00) == ["A1"]


def test_who_may_not_see_the_ticker_is_told_of_no_wager(book):
    book.given(wager("P1", BY_THE_BOOK))
    seq, at_ns, actor, event = book.log[-1]
    fact = fact_of(book.state, book.house.state, (seq, at_ns, actor, "", event), ("notifications",))
    blind = EVERYTHING - {Permission.TICKER_VIEW.value}
    assert fact.kind == "large_wager"
    assert told(fact, ("notifications",), Audience(ROOT, "", blind)) == []


def test_of_a_wager_that_is_large_to_nobody_nothing_is_looked_at(book, monkeypatch):
    book.given(SetLargeWager("A1-1", 50_00, "given"))

    def looked(large, *asked):
        raise AssertionError("what counts at a node is looked at")

    monkeypatch.setattr(LargeWagers, "least_at", looked)
    assert who_is_told(book, 49_99) == []
    with pytest.raises(AssertionError, match="looked at"):
        who_is_told(book, 50_00)


AMOUNTS = (None, 0, 1, 30_00, 40_00, 9_000_00)


@pytest.mark.parametrize("root", AMOUNTS)
def test_the_least_that_is_large_to_anybody_is_the_least_of_all_nodes(book, root):
    book.given(SetLargeWager(ROOT, root, "given"))
    large = book.state.large_wagers
    for one, other in product(AMOUNTS, AMOUNTS):
        book.given(SetLargeWager("A1", one, "given"), SetLargeWager("A2", other, "given"))
        assert large.least_minor == min((amount for amount in least(book) if amount), default=0)
    again = book.recovered().large_wagers
    assert (again.least_minor, list(again.lowest)) == (large.least_minor, list(large.lowest))


@pytest.mark.parametrize("amount", [-1, STAKE_MINOR_MAX + 1, 2**70, 1.5, True])
def test_what_is_no_amount_is_refused(book, amount):
    book.when(SetLargeWager("A1", amount, "given"))
    book.rejected("amount_invalid", most=STAKE_MINOR_MAX)


def test_the_largest_amount_is_one(book):
    book.when(SetLargeWager("A1", STAKE_MINOR_MAX, "given"))
    book.happened(LargeWagerSet, after_minor=STAKE_MINOR_MAX)


def test_what_is_so_already_changes_nothing(book):
    book.when(SetLargeWager("A1", None, "given"))
    book.nothing_happened()
    book.given(SetLargeWager("A1", 0, "given"))
    book.when(SetLargeWager("A1", 0, "given"))
    book.nothing_happened()


def test_whoever_may_change_settings_sets_it_within_their_own_subtree(book):
    book.given(staff("ann", Permission.SETTINGS_CHANGE, at="A1"), staff("bob", Permission.LIMITS_CHANGE))
    for node in ("A1", "A1-1"):
        book.when(SetLargeWager(node, 100_00, "given"), by="ann")
        book.happened(LargeWagerSet, node=node)
    for node in (ROOT, "A2", "nowhere"):
        book.when(SetLargeWager(node, 100_00, "given"), by="ann")
        book.rejected("not_permitted")
    book.when(SetLargeWager(ROOT, 100_00, "given"), by="bob")
    book.rejected("not_permitted", permission="settings_change")
    book.when(SetLargeWager("nowhere", 100_00, "given"))
    book.rejected("unknown_agent")


def ask(book, by="owner", **fields):
    """The page that somebody is shown."""
    query = VOCABULARY.queries["large_wagers"]
    assert query.show is not None
    user = book.state.access.users[by]
    audience = Audience(user.node, "", EVERYTHING)
    return query.show(book.state, book.house.state, user, audience, query.asked(**fields), book.at_ns)


def test_what_counts_is_shown_at_every_node_of_ones_own_subtree(book):
    book.given(staff("ann", Permission.TICKER_VIEW, at="A1"), SetLargeWager(ROOT, 800_00, "given"))
    book.given(SetLargeWager("A1", 0, "given"), SetLargeWager("A1-1", 90_00, "given"))
    rows = [
        LargeWagerRow(ROOT, 800_00, 800_00, BY_THE_BOOK),
        LargeWagerRow("A1", 0, 0, 800_00),
        LargeWagerRow("A1-1", 90_00, 90_00, 0),
        LargeWagerRow("A2", 800_00, None, 800_00),
    ]
    assert ask(book) == Page(rows)
    assert ask(book, limit=2) == Page(rows[:2], "A1")
    assert ask(book, limit=2, after="A1") == Page(rows[2:])
    assert ask(book, "ann") == Page(rows[1:3])
    assert ask(book, "ann", after="A2") == Page([])
    assert ask(book, "ann", node="A1-1") == Page([rows[2]])
    assert ask(book, node="A2", after="A2") == Page([])
    for node in (ROOT, "A2", "nowhere"):
        with pytest.raises(Rejected) as refused:
            ask(book, "ann", node=node)
        assert refused.value.code == "not_permitted"
