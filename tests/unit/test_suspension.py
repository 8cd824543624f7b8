"""Suspension: a thing is open when no layer closes it."""

from typing import Any

import pytest
from tests.doubles.words import agent, board, game, line, player, staff, wager

from runline.domain.moving import MoveAgent
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.suspension import AddReason, ReasonAdded, Reopen, Reopened, Scope, Suspend, Suspended, Suspension
from runline.domain.tickets import WagerPlaced

MARKET = "G1:game:moneyline"

HOUSE_LAYERS = [
    ("all", ""),
    ("sport", "baseball"),
    ("league", "MLB"),
    ("fixture", "G1"),
    ("market", MARKET),
    ("selection", f"{MARKET}/away"),
    ("kind", "moneyline"),
]

BOOK_LAYERS = [*HOUSE_LAYERS, ("agent", "A1"), ("agent", "A1-1"), ("agent", "root"), ("player", "P1")]

ELSEWHERE = [
    ("sport", "hockey"),
    ("league", "KBO"),
    ("fixture", "G2"),
    ("market", "G1:game:total"),
    ("selection", f"{MARKET}/home"),
    ("kind", "spread"),
    ("agent", "A2"),
    ("player", "P2"),
]


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), game("G2", league="KBO"), board("G2"))
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), player("P1", "A1-1"), player("P2", "A2"))
    return book


def wagers(book):
    book.when(wager("P1", 10_00), by="P1")
    return book


def sent(book, command, **how):
    book.when(command, **how)
    return book


@pytest.mark.parametrize(("scope", "subject"), BOOK_LAYERS)
def test_every_layer_of_the_book_closes_what_it_covers_until_it_is_gone(open_book, scope, subject):
    open_book.when(Suspend(scope, subject, "rain"))
    open_book.happened(Suspended, scope=scope, subject=subject)
    wagers(open_book).rejected("market_suspended", scope=scope, subject=subject)
    open_book.when(Reopen(scope, subject, "sun"))
    open_book.happened(Reopened, scope=scope, subject=subject)
    wagers(open_book).happened(WagerPlaced)


@pytest.mark.parametrize(("scope", "subject"), HOUSE_LAYERS)
def test_every_layer_of_the_house_closes_it_in_its_books(open_book, scope, subject):
    open_book.house.given(Suspend(scope, subject, "rain"))
    wagers(open_book).rejected("market_suspended", scope=scope, subject=subject)
    open_book.when(Reopen(scope, subject, "the house's layer is not ours"))
    open_book.nothing_happened()
    wagers(open_book).rejected("market_suspended")
    open_book.house.given(Reopen(scope, subject, "sun"))
    wagers(open_book).happened(WagerPlaced)


@pytest.mark.parametrize(("scope", "subject"), ELSEWHERE)
def test_a_layer_closes_nothing_else(open_book, scope, subject):
    open_book.given(Suspend(scope, subject, "rain"))
    wagers(open_book).happened(WagerPlaced)


def test_a_layer_over_somebody_else_takes_none_away_from_a_market(open_book):
    open_book.given(Suspend("player", "P2", "unpaid"), Suspend("agent", "A2", "unpaid"))
    wagers(open_book).happened(WagerPlaced)
    open_book.given(Suspend("market", MARKET, "injury"))
    wagers(open_book).rejected("market_suspended", scope="market", subject=MARKET)


def test_reopening_a_league_never_reopens_a_market_that_was_closed_by_itself(open_book):
    open_book.given(Suspend("market", MARKET, "injury"), Suspend("league", "MLB", "outage"))
    open_book.given(Reopen("league", "MLB", "back"))
    wagers(open_book).rejected("market_suspended", scope="market", subject=MARKET)
    open_book.given(Reopen("market", MARKET, "plays"))
    wagers(open_book).happened(WagerPlaced)


@pytest.mark.alone
def test_layers_are_kept_by_scope_the_widest_first_and_narrow_ones_counted_where_they_take_room(house):
    suspensions = house.state.suspensions
    rows = (
        ("selection", "M/away", ROOT), ("player", "P1", "A1"), ("league", "MLB", ROOT), ("league", "KBO", ROOT),
        ("agent", "A1", "A1"), ("player", "P2", ROOT), ("player", "P3", "A1"),
    )  # fmt: skip
    for scope, subject, node in rows:
        suspensions.layers[scope, subject] = Suspension(scope, subject, "rain", 1, node)
    suspensions.derive()
    assert list(suspensions.subjects.items()) == [
        ("league", {"MLB", "KBO"}), ("selection", {"M/away"}), ("agent", {"A1"}), ("player", {"P1", "P2", "P3"}),
    ]  # fmt: skip
    assert suspensions.rooms == {("selection", ""): 1, ("player", ""): 1, ("", "A1"): 2}
    assert list(suspensions.order) == sorted((scope, subject) for scope, subject, _ in rows)
    for scope, subject in (("player", "P1"), ("league", "MLB"), ("selection", "M/away")):
        suspensions.count(suspensions.layers[scope, subject], -1)
        suspensions.uncover(scope, subject)
    assert suspensions.subjects == {"league": {"KBO"}, "agent": {"A1"}, "player": {"P2", "P3"}}
    assert suspensions.rooms == {("player", ""): 1, ("", "A1"): 1}
    assert [suspensions.closed_by(*asked) for asked in (("league", "KBO"), ("league", "MLB"), ("selection", "M/away"))] == [
        True, False, False,
    ]  # fmt: skip


def test_of_several_layers_the_widest_is_named_whichever_came_first(open_book):
    layers: tuple[tuple[Scope, str], ...] = (
        ("kind", "moneyline"),
        ("market", MARKET),
        ("fixture", "G1"),
        ("league", "MLB"),
        ("all", ""),
    )
    for scope, subject in layers:
        open_book.given(Suspend(scope, subject, "rain"))
        wagers(open_book).rejected("market_suspended", scope=scope, subject=subject)


def test_a_layer_over_an_agent_follows_the_tree(open_book):
    open_book.given(Suspend("agent", "A1", "unpaid"))
    wagers(open_book).rejected("market_suspended", scope="agent", subject="A1")
    open_book.given(MoveAgent("A1-1", "A2", "sold"))
    wagers(open_book).happened(WagerPlaced)


def test_a_new_line_opens_nothing_that_is_suspended(open_book):
    open_book.given(Suspend("fixture", "G1", "injury"))
    open_book.given(board("G1", line("moneyline", "+130", "-140")))
    open_book.when(wager("P1", 10_00, price="+130"), by="P1")
    open_book.rejected("market_suspended")


def test_suspending_twice_and_reopening_twice_are_one_event_each(open_book):
    open_book.given(Suspend("league", "MLB", "rain"))
    open_book.when(Suspend("league", "MLB", "more rain"))
    open_book.nothing_happened()
    open_book.given(Reopen("league", "MLB", "sun"))
    open_book.when(Reopen("league", "MLB", "more sun"))
    open_book.nothing_happened()


def test_a_layer_that_comes_back_is_the_row_that_stays(open_book):
    open_book.given(Suspend("league", "MLB", "rain"), Reopen("league", "MLB", "sun"), Suspend("league", "MLB", "hail"))
    assert open_book.recovered().suspensions.layers["league", "MLB"].reason == "hail"


@pytest.mark.parametrize(
    ("scope", "subject"),
    [
        ("sport", "chess"),
        ("league", "MBL"),
        ("league", "x" * 256),
        ("fixture", "G9"),
        ("market", "G1:game:three_way"),
        ("selection", f"{MARKET}/draw"),
        ("selection", "home"),
        ("kind", "parlay"),
    ],
)
def test_a_slip_of_the_pen_is_refused_for_it_would_close_nothing(open_book, scope, subject):
    for stage in (open_book, open_book.house):
        stage.when(Suspend(scope, subject, "rain"))
        stage.rejected("unknown_subject", subject=subject)


def test_unknown_agents_and_players_are_refused(open_book):
    open_book.when(Suspend("agent", "A9", "given"))
    open_book.rejected("unknown_agent")
    open_book.when(Suspend("player", "P9", "given"))
    open_book.rejected("unknown_player")


@pytest.mark.parametrize(
    ("scope", "subject", "code"),
    [
        ("all", "MLB", "scope_invalid"),
        ("league", "", "scope_invalid"),
        ("league", "x" * 257, "identifier_invalid"),
        ("league", "M\x00", "identifier_invalid"),
        ("league", "\ud800", "identifier_invalid"),
    ],
)
def test_a_subject_fits_its_scope(open_book, scope, subject, code):
    for command in (Suspend(scope, subject, "given"), Reopen(scope, subject, "")):
        open_book.when(command)
        open_book.rejected(code)


def test_the_house_has_no_agents_and_players(house):
    for scope in ("agent", "player"):
        house.when(Suspend(scope, "A1", "given"))
        house.rejected("scope_invalid")


# Who may


@pytest.mark.parametrize(("scope", "subject"), HOUSE_LAYERS)
def test_what_concerns_the_whole_book_is_closed_at_its_root_only(open_book, scope, subject):
    open_book.given(staff("one", Permission.SUSPEND, at="A1"))
    for command in (Suspend(scope, subject, "given"), Reopen(scope, subject, "")):
        open_book.when(command, by="one")
        open_book.rejected("not_permitted")


def test_an_agents_staff_closes_their_own_subtree_only(open_book):
    open_book.given(staff("one", Permission.SUSPEND, at="A1"))
    foreign: list[tuple[Any, str]] = [
        ("agent", "A2"),
        ("agent", "root"),
        ("agent", "A9"),
        ("player", "P2"),
        ("player", "P9"),
    ]
    for scope, subject in foreign:
        open_book.when(Suspend(scope, subject, "given"), by="one")
        open_book.rejected("not_permitted")
    open_book.when(Suspend("agent", "A1-1", "given"), by="one")
    open_book.happened(Suspended)
    open_book.when(Suspend("player", "P1", "given"), by="one")
    open_book.happened(Suspended)


# Ground


def test_a_layers_ground_moves_when_it_comes_and_when_it_goes(open_book):
    seen = open_book.state.seq
    open_book.given(player("P3"))
    open_book.when(Suspend("league", "MLB", "given"), if_position=seen)
    open_book.happened(Suspended)
    seen = open_book.state.seq
    open_book.given(Reopen("league", "MLB", ""))
    open_book.when(Reopen("league", "MLB", ""), if_position=seen)
    open_book.rejected("position_moved", position=open_book.state.seq)
    open_book.when(Suspend("league", "MLB", "given"), if_position=seen)
    open_book.rejected("position_moved")


def test_what_was_closed_from_above_cannot_be_reopened_below(open_book):
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"), Suspend("player", "P1", "sharp"))
    open_book.when(Reopen("player", "P1", "please"), by="ann")
    open_book.rejected("not_permitted")
    open_book.given(Reopen("player", "P1", "fine"))
    wagers(open_book).happened(WagerPlaced)


def test_a_moved_agents_layer_is_in_the_hands_of_those_above_it_now(open_book):
    open_book.given(agent("B1"), agent("X", "A1"))
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"), staff("bea", Permission.SUSPEND, at="B1"))
    open_book.when(Suspend("agent", "X", "unpaid"), by="ann")
    open_book.given(MoveAgent("X", "B1", "sold"))
    open_book.when(Reopen("agent", "X", "paid"), by="ann")
    open_book.rejected("not_permitted")
    open_book.when(Reopen("agent", "X", "paid"), by="bea")
    open_book.happened(Reopened)


def test_closing_again_from_above_takes_the_layer_over(open_book):
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"))
    open_book.when(Suspend("player", "P1", "unpaid"), by="ann")
    open_book.happened(Suspended, node="A1")
    open_book.when(Suspend("player", "P1", "sharp"))
    open_book.happened(Suspended, node="root")
    open_book.when(Suspend("player", "P1", "unpaid"), by="ann")
    open_book.nothing_happened()
    open_book.when(Reopen("player", "P1", "paid"), by="ann")
    open_book.rejected("not_permitted")


def test_a_suspension_is_undone_by_its_own_position_and_no_other_layer_is(open_book):
    open_book.given(Suspend("market", MARKET, "rain"), Suspend("fixture", "G1", "quick"))
    made = open_book.state.seq
    for layer_seq in (made - 1, made + 1, -1):
        sent(open_book, Reopen("fixture", "G1", layer_seq=layer_seq)).rejected("layer_changed", layer_seq=made)
    sent(open_book, Reopen("fixture", "G1", layer_seq=made)).happened(Reopened, scope="fixture", subject="G1")
    assert list(open_book.state.suspensions.layers) == [("market", MARKET)]
    sent(open_book, Reopen("fixture", "G1", layer_seq=made)).nothing_happened()
    open_book.given(Suspend("fixture", "G1", "again"))
    again = open_book.state.seq
    sent(open_book, Reopen("fixture", "G1", layer_seq=made)).rejected("layer_changed", layer_seq=again)
    sent(open_book, Reopen("fixture", "G1")).happened(Reopened)


def test_what_somebody_below_had_closed_is_not_opened_by_undoing(open_book):
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"))
    open_book.when(Suspend("player", "P1", "owes"), by="ann")
    below = open_book.state.seq
    open_book.given(Suspend("player", "P1", "quick"))
    made = open_book.state.seq
    sent(open_book, Reopen("player", "P1", layer_seq=below)).rejected("layer_changed", layer_seq=made)
    sent(open_book, Reopen("player", "P1", layer_seq=made)).rejected("layer_changed", layer_seq=made)
    sent(open_book, Reopen("player", "P1", "all of it")).happened(Reopened)
    open_book.given(Suspend("player", "P1", "quick"))
    sent(open_book, Reopen("player", "P1", layer_seq=open_book.state.seq)).happened(Reopened)


def test_what_was_closed_in_a_hurry_owes_its_reason_until_it_is_added(open_book):
    open_book.given(Suspend("fixture", "G1", "quick"), Suspend("fixture", "G2", "rain"))
    layers = open_book.state.suspensions.layers
    hurried, calm = layers["fixture", "G1"], layers["fixture", "G2"]
    assert (hurried.owes_reason, calm.owes_reason) == (True, False)
    made = hurried.layer_seq
    assert (made, calm.layer_seq) == (open_book.state.seq - 1, open_book.state.seq)
    for reason in ("", "  "):
        sent(open_book, AddReason("fixture", "G1", made, reason)).rejected("reason_invalid")
    sent(open_book, AddReason("fixture", "G1", made, "quick")).nothing_happened()
    sent(open_book, AddReason("fixture", "G1", made + 1, "late")).rejected("layer_changed", layer_seq=made)
    sent(open_book, AddReason("fixture", "G9", made, "late")).rejected("layer_changed", layer_seq=0)
    sent(open_book, AddReason("fixture", "G2", calm.layer_seq, "late")).rejected("reason_given", reason="rain")
    sent(open_book, AddReason("fixture", "G2", calm.layer_seq, "rain")).nothing_happened()
    open_book.when(AddReason("fixture", "G1", made, "pitcher"))
    open_book.happened(ReasonAdded, scope="fixture", subject="G1", layer_seq=made, reason="pitcher")
    assert (hurried.reason, hurried.owes_reason, hurried.layer_seq) == ("pitcher", False, made)
    sent(open_book, Reopen("fixture", "G1", layer_seq=made)).happened(Reopened)


def test_a_reason_is_added_by_whoever_may_reopen(open_book):
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"), staff("bob", Permission.SUSPEND, at="A1-1"))
    open_book.given(Suspend("agent", "A1-1", "quick"))
    made = open_book.state.seq
    sent(open_book, AddReason("agent", "A1-1", made, "owes"), by="ann").rejected("not_permitted")
    sent(open_book, Reopen("agent", "A1-1", ""), by="ann").rejected("not_permitted")
    open_book.when(Suspend("player", "P1", "quick"), by="bob")
    made = open_book.state.seq
    sent(open_book, AddReason("player", "P1", made, "theirs"), by="P1").rejected("not_permitted")
    sent(open_book, AddReason("player", "P1", made, "owes"), by="ann").happened(ReasonAdded, reason="owes")
    assert open_book.state.suspensions.layers["player", "P1"].node == "A1-1"


def test_what_was_closed_further_up_is_in_the_hands_of_those_further_up(open_book):
    open_book.given(staff("ann", Permission.SUSPEND, at="A1"), staff("una", Permission.SUSPEND, at="A1-1"))
    open_book.when(Suspend("player", "P1", "unpaid"), by="ann")
    layer = open_book.state.suspensions.layers["player", "P1"]
    assert (layer.since_ns, layer.node) == (open_book.at_ns, "A1")
    for refused in (Reopen("player", "P1", ""), AddReason("player", "P1", layer.layer_seq, "late")):
        open_book.when(refused, by="una")
        open_book.rejected("not_permitted")
        assert open_book.refusal.details == {}
    open_book.when(Suspend("player", "P1", "unpaid"), by="una")
    open_book.nothing_happened()
    open_book.when(Reopen("player", "P1", "paid"), by="ann")
    open_book.happened(Reopened)
    open_book.when(Suspend("player", "P1", "unpaid"), by="una")
    open_book.happened(Suspended, node="A1-1")
    open_book.when(Reopen("player", "P1", "paid"), by="ann")
    open_book.happened(Reopened)
