"""Legs: a kind of ticket with several is a noun of its own. What looks tickets up, counts, settles or voids them knows none."""

from typing import Any

import pytest
from tests.doubles.beside import compared_stage
from tests.doubles.stage import HOUR_NS, HouseStage
from tests.doubles.words import START_NS, agent, board, game, player, wager

from runline.domain.book import Book
from runline.domain.execution import fold
from runline.domain.fixtures import RescheduleFixture
from runline.domain.invariants import BrokenInvariant
from runline.domain.jobs import DoSlice
from runline.domain.leg_voiding import VoidLeg
from runline.domain.legs import VOIDED, Ending, Leg, LegGraded, LegReversed, LegVoided
from runline.domain.messages import ENGINE
from runline.domain.money import Rounding
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture
from runline.domain.rows import row_encoder
from runline.domain.settlement import straight
from runline.domain.tickets import Ticket, TicketGame, VoidWager, WagerReversed, WagerSettled, WagerVoided
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.simulate import laws, pair
from runline.simulate.pair import PairPlaced, PlacePair

AWAY = Leg("G1", "G1:game:moneyline", "away", None, "+120")
OVER = Leg("G1", "G1:game:total", "over", 34, "-105")
LATER_OVER = Leg("G2", "G2:game:total", "over", 34, "-105")
MONEYLINE, TOTAL, LATER_TOTAL = AWAY.market, OVER.market, LATER_OVER.market

WON, LOST, PUSH, CALLED_OFF = Ending("won"), Ending("lost"), Ending("push"), Ending("void")

OF_ONE_GAME = PlacePair("P1", ((MONEYLINE, "away"), (TOTAL, "over")), 10_00)
OF_TWO_GAMES = PlacePair("P1", ((MONEYLINE, "away"), (LATER_TOTAL, "over")), 10_00)


@pytest.fixture
def book(request):
    """A book that knows pairs, with the oracle's model beside it (see conftest)."""
    alone = request.node.get_closest_marker("alone")
    book: Any = (HouseStage(Vocabulary(*NOUNS, pair)) if alone else compared_stage(pairs=True)).open_book("main")
    book.given(game("G1"), board("G1"), game("G2", start_ns=START_NS + 24 * HOUR_NS), board("G2"))
    book.given(agent("A1"), player("P1", "A1", credit=1_000_00))
    return book


@pytest.fixture
def paired(book):
    """A book in which a pair of one game stands."""
    book.given(OF_ONE_GAME)
    book.number = book.state.seq
    return book


@pytest.fixture
def across(book):
    """A book in which a pair of two games stands."""
    book.given(OF_TWO_GAMES)
    book.number = book.state.seq
    return book


def legs(book):
    return [(leg.status, leg.ended and leg.ended.result) for leg in book.ticket(book.number).legs]


def ends(book, name, away, home, **score):
    """A game ends, and what is to be settled is."""
    book.house.ends(name, away, home, **score)
    book.settles()


def kinds(book):
    """What happened, but for the progress of jobs."""
    return [type(event).__name__ for event in book.events if not type(event).__name__.startswith("Job")]


def test_a_ticket_stands_on_the_side_of_each_leg_and_risks_its_stake_once(paired):
    state = paired.state
    assert paired.ticket(paired.number).win_minor == 32_95
    assert state.risk.pending["P1"] == 10_00
    assert state.risk.exposure(MONEYLINE).sides == {"away": 32_95, "home": -10_00}
    assert state.risk.exposure(TOTAL, "A1").sides == {"over": 32_95, "under": -10_00}
    assert (state.tickets.open_count, state.risk.sums["A1"].open_wagers) == (1, 1)
    assert state.tickets.open_on == {"G1": {paired.number: None}}
    laws.exposure_is_what_would_be_lost(state)


@pytest.mark.parametrize(
    ("away", "home", "graded", "result", "money"),
    [
        (6, 3, (WON, WON), "won", 42_95),
        (3, 1, (WON, LOST), "lost", 0),
        (5, 6, (LOST, WON), "lost", 0),
        (5, 5, (PUSH, WON), "won", 19_52),
    ],
)
def test_of_one_game_it_is_graded_and_paid_at_once(paired, away, home, graded, result, money):
    ends(paired, "G1", away, home)
    paired.happened(WagerSettled, wager=paired.number, legs=graded, result=result, returned_minor=money, stood=(1, 2))
    assert legs(paired) == [("graded", one.result) for one in graded]
    assert paired.balance("P1") == money - 10_00
    assert paired.state.risk.exposure(MONEYLINE).sides == {"away": 0, "home": 0}
    assert paired.state.risk.exposure(TOTAL).sides == {"over": 0, "under": 0}
    assert paired.state.tickets.open_on == {}


@pytest.mark.alone
def test_while_one_leg_cannot_be_graded_the_ticket_stays_open(paired):
    first_half = Leg("G1", "G1:1h:total", "over", 17, "-110")
    fold(paired.state, PairPlaced("P1", (AWAY, first_half), 5_00, 10_00), paired.state.seq + 1, START_NS)
    paired.store()
    ends(paired, "G1", 6, 3)
    assert [row.status for row in paired.stored_wagers()] == ["settled", "open"]
    assert [leg.status for leg in paired.stored_wagers()[1].legs] == ["graded", "open"]


def test_another_result_opens_each_leg_that_it_changes_and_grades_it_anew(paired):
    ends(paired, "G1", 6, 3)
    ends(paired, "G1", 3, 1)
    assert kinds(paired) == ["WagerReversed", "WagerSettled"]
    assert paired.events[0].opened == paired.events[1].stood == (2,)
    assert legs(paired) == [("graded", "won"), ("graded", "lost")]
    assert paired.balance("P1") == -10_00


def test_a_void_voids_each_leg_and_both_markets_are_known_to_have_moved(paired):
    paired.when(VoidWager(paired.number, "slip"))
    paired.happened(WagerVoided, stood=(1, 2))
    assert legs(paired) == [("void", "void")] * 2
    stake = paired.state.risk.stake_closed_at(paired.state.seq)
    assert [leg.market for leg in stake.legs] == [MONEYLINE, TOTAL]
    assert paired.state.risk.pending["P1"] == 0


def test_a_restart_finds_the_same_legs(paired):
    recovered = paired.recovered()
    laws.memory_is_what_a_restart_would_rebuild(paired.state, recovered)
    assert recovered.tickets.by_number[paired.number].legs == (AWAY, OVER)


# On several games


def test_a_ticket_is_found_by_each_of_its_games_and_only_further_ones_have_a_row_of_their_own(book):
    for command, found in (
        (wager("P1", 10_00), []),
        (OF_ONE_GAME, []),
        (OF_TWO_GAMES, [("G2", book.state.seq + 3)]),
    ):
        book.given(command)
        assert [(row.game, row.number) for row in book.stored(TicketGame)] == found
    first = book.state.seq - 2
    assert book.state.tickets.open_on == {"G1": dict.fromkeys(range(first, first + 3)), "G2": {first + 2: None}}


def test_a_leg_is_graded_with_its_game_and_the_ticket_with_its_last_one(across):
    ends(across, "G1", 6, 3)
    across.happened(LegGraded, leg=1, ended=WON, settlement=across.house.state.seq)
    assert legs(across) == [("graded", "won"), ("open", None)]
    assert across.ticket(across.number).status == "open"
    assert across.state.risk.pending["P1"] == 10_00
    assert across.state.risk.stands().keys() == {LATER_TOTAL}
    ends(across, "G2", 6, 3)
    across.happened(WagerSettled, result="won", returned_minor=42_95, legs=(WON, WON), stood=(2,))
    assert across.balance("P1") == 32_95
    assert across.state.tickets.open_on == {}


def test_a_lost_leg_leaves_the_ticket_open_until_the_others_have_ended(across):
    ends(across, "G1", 3, 6)
    assert across.ticket(across.number).status == "open"
    ends(across, "G2", 6, 3)
    across.happened(WagerSettled, result="lost", returned_minor=0, legs=(LOST, WON))


def test_a_leg_of_an_open_ticket_is_graded_anew_for_itself(across):
    ends(across, "G1", 6, 3)
    ends(across, "G1", 3, 6)
    assert kinds(across) == ["LegReversed", "LegGraded"]
    assert legs(across) == [("graded", "lost"), ("open", None)]
    ends(across, "G1", 0, 0, final=False, periods=((0, 0),))
    assert kinds(across) == ["LegReversed"]
    assert legs(across) == [("open", None)] * 2
    assert across.state.risk.stands().keys() == {MONEYLINE, LATER_TOTAL}
    ends(across, "G1", 0, 0, final=False, periods=((0, 0),))
    assert kinds(across) == []


@pytest.mark.parametrize(("name", "number"), [("G1", 1), ("G2", 2)])
def test_a_settled_ticket_is_found_by_each_game_and_only_that_leg_is_graded_anew(across, name, number):
    ends(across, "G1", 6, 3)
    ends(across, "G2", 6, 3)
    assert across.number not in across.state.tickets.by_number
    ends(across, name, 1, 3)
    assert kinds(across) == ["WagerReversed", "WagerSettled"]
    assert across.events[0].opened == across.events[1].stood == (number,)
    assert across.balance("P1") == -10_00
    assert across.number not in across.state.tickets.by_number
    ends(across, name, 0, 0, final=False, periods=((0, 0),))
    assert kinds(across) == ["WagerReversed"]
    assert [status for status, _ in legs(across)] == ["open" if at == number else "graded" for at in (1, 2)]
    assert across.balance("P1") == 0
    ends(across, name, 6, 3)
    assert across.balance("P1") == 32_95


def do_slices(book, *games):
    """The jobs that settle these games do a slice each, in this order."""
    job_of = {job.subject: number for number, job in book.state.jobs.by_number.items()}
    for name in games:
        book.execute(DoSlice(job_of[name]), ENGINE)
        laws.all_hold(book.state)
        laws.memory_is_what_a_restart_would_rebuild(book.state, book.recovered())


def test_a_leg_is_graded_anew_though_another_game_pays_its_ticket_meanwhile(across):
    ends(across, "G1", 3, 1)
    across.house.ends("G1", 1, 3)
    do_slices(across, "G1")
    across.house.ends("G2", 9, 3)
    do_slices(across, "G2", "G1")
    assert legs(across) == [("graded", "lost"), ("graded", "won")]
    assert across.balance("P1") == -10_00


def test_a_leg_is_graded_anew_though_another_game_opens_its_ticket_meanwhile(across):
    ends(across, "G1", 3, 1)
    ends(across, "G2", 9, 3)
    across.house.given(ReopenFixture("G2", "slip"))
    across.house.ends("G1", 1, 3)
    do_slices(across, "G2", "G1")
    across.house.ends("G2", 9, 3)
    do_slices(across, "G2", "G2", "G1")
    assert legs(across) == [("graded", "lost"), ("graded", "won")]
    assert across.balance("P1") == -10_00


@pytest.mark.parametrize("regraded", [True, False])
def test_a_leg_is_graded_anew_though_the_other_is_voided_meanwhile(across, regraded):
    ends(across, "G1", 3, 1)
    across.house.ends("G1", 1, 3)
    do_slices(across, "G1")
    if not regraded:
        across.house.given(ReopenFixture("G1", "slip"))
        do_slices(across, "G1")
    across.given(VoidLeg(across.number, 2, "slip"))
    across.settles()
    assert legs(across) == [("graded", "lost") if regraded else ("open", None), ("void", "void")]
    assert across.balance("P1") == (-10_00 if regraded else 0)


def test_a_game_that_is_called_off_leaves_the_others_to_decide(across):
    across.house.given(CancelFixture("G1", "flood"))
    across.settles()
    across.happened(LegGraded, leg=1, ended=CALLED_OFF)
    ends(across, "G2", 6, 3)
    across.happened(WagerSettled, result="won", returned_minor=19_52, legs=(CALLED_OFF, WON))


def test_a_void_of_a_ticket_takes_all_legs_with_it_however_they_ended(across):
    ends(across, "G1", 6, 3)
    across.when(VoidWager(across.number, "slip"))
    across.happened(WagerVoided, stood=(2,))
    assert legs(across) == [("void", "void")] * 2
    ends(across, "G2", 6, 3)
    assert kinds(across) == []


def test_of_a_settled_ticket_all_legs_open_before_it_is_void(across):
    ends(across, "G1", 6, 3)
    ends(across, "G2", 6, 3)
    across.when(VoidWager(across.number, "slip"))
    assert across.events == [
        WagerReversed(across.number, "P1", across.house.state.seq, -32_95, "slip", (1, 2)),
        WagerVoided(across.number, "P1", "slip", (1, 2)),
    ]
    assert across.balance("P1") == 0


# One leg is voided


def test_a_leg_is_voided_and_no_result_changes_that(across):
    across.when(VoidLeg(across.number, 1, "wrong price"))
    across.happened(LegVoided, leg=1, reason="wrong price")
    assert legs(across) == [("void", "void"), ("open", None)]
    assert across.state.risk.stands().keys() == {LATER_TOTAL}
    across.when(VoidLeg(across.number, 1, "again"))
    assert across.events == []
    ends(across, "G1", 3, 6)
    assert kinds(across) == []
    ends(across, "G2", 6, 3)
    across.happened(WagerSettled, result="won", returned_minor=19_52, legs=(VOIDED, WON), stood=(2,))


def test_a_graded_leg_is_reversed_before_it_is_void(across):
    ends(across, "G1", 3, 6)
    across.when(VoidLeg(across.number, 1, "wrong price"))
    assert kinds(across) == ["LegReversed", "LegVoided"]
    assert legs(across) == [("void", "void"), ("open", None)]


def test_where_the_last_open_leg_is_voided_the_ticket_is_settled_by_the_others(across):
    ends(across, "G1", 6, 3)
    across.when(VoidLeg(across.number, 2, "wrong price"))
    assert kinds(across) == ["LegVoided", "WagerSettled"]
    across.happened(WagerSettled, result="won", returned_minor=22_00, legs=(WON, VOIDED), stood=(), settlement=0)
    ends(across, "G1", 3, 6)
    assert kinds(across) == ["WagerReversed", "WagerSettled"]
    assert across.balance("P1") == -10_00


def test_a_leg_of_a_settled_ticket_is_voided_and_the_ticket_paid_anew(across):
    ends(across, "G1", 6, 3)
    ends(across, "G2", 1, 3)
    across.when(VoidLeg(across.number, 2, "wrong price"))
    assert kinds(across) == ["WagerReversed", "LegVoided", "WagerSettled"]
    assert across.balance("P1") == 12_00
    across.when(VoidLeg(across.number, 1, "wrong price"))
    across.happened(WagerSettled, result="push", returned_minor=10_00, legs=(VOIDED, VOIDED))
    across.when(VoidWager(across.number, "all of it"))
    assert across.events[0].opened == across.events[1].stood == ()
    assert across.balance("P1") == 0


def test_a_leg_that_is_void_stays_so_though_its_game_is_being_settled_as_the_other_is_voided(across):
    across.given(VoidLeg(across.number, 1, "wrong price"))
    across.house.ends("G1", 3, 1)
    across.when(VoidLeg(across.number, 2, "wrong price"))
    assert kinds(across) == ["LegVoided", "WagerSettled"]
    across.happened(WagerSettled, result="push", legs=(VOIDED, VOIDED), stood=())
    across.settles()
    assert kinds(across) == []


def test_a_leg_whose_window_has_ended_is_void_by_it_as_the_other_is_voided(across):
    house = across.house
    house.books = [across]
    house.given(RescheduleFixture("G2", START_NS + 72 * HOUR_NS, "storm"))
    for at_ns in (START_NS + 24 * HOUR_NS + 35 * HOUR_NS, START_NS + 24 * HOUR_NS + 36 * HOUR_NS):
        house.time_is(at_ns)
    assert [window.status for window in house.state.lateness.windows.values()] == ["ended"]
    across.when(VoidLeg(across.number, 1, "wrong price"))
    assert kinds(across) == ["LegVoided", "LegGraded", "WagerSettled"]
    across.happened(WagerSettled, result="push", legs=(VOIDED, CALLED_OFF), stood=())
    across.settles()
    assert kinds(across) == []


def test_what_is_no_leg_to_be_voided_alone_is_refused(across):
    across.given(wager("P1", 10_00))
    alone = across.state.seq
    for number, leg in ((across.number, 0), (across.number, 3), (alone, 1)):
        across.when(VoidLeg(number, leg, "slip"))
        across.rejected("unknown_leg", leg=leg)
    across.when(VoidLeg(across.number, 1, " "))
    across.rejected("reason_invalid")
    across.when(VoidLeg(9_999, 1, "slip"))
    across.rejected("unknown_wager")
    across.when(VoidLeg(across.number, 1, "slip"), by="P1")
    across.rejected("not_permitted")


def test_a_leg_is_not_voided_by_who_has_not_seen_what_has_become_of_its_ticket(across):
    seen = across.state.seq
    across.given(wager("P1", 10_00))
    across.when(VoidLeg(across.number, 2, "slip"), if_position=seen)
    across.happened(LegVoided)
    across.when(VoidLeg(across.number, 1, "slip"), if_position=seen)
    across.rejected("position_moved")


# What a rule makes of a leg


@pytest.mark.parametrize(
    ("ended", "money"),
    [
        (WON, 22_00),
        (Ending("won", price="+200"), 30_00),
        (Ending("won", share=(1, 2)), 11_00),
        (Ending("won", "+200", (1, 3)), 10_00),
        (Ending("half_won", "+200"), 20_00),
        (Ending("push", "+200", (1, 2)), 10_00),
        (Ending("lost", "+200"), 0),
    ],
)
def test_a_straight_is_paid_by_what_is_recorded_of_its_leg(book, ended, money):
    book.given(wager("P1", 10_00))
    ticket = book.state.tickets.by_number[book.state.seq]
    assert straight(ticket, (ended,), Rounding()) == (ended.result, money)


@pytest.mark.alone
def test_what_a_rule_makes_of_a_leg_is_recorded_with_its_grading(across):
    shared = Ending("won", "+200", (1, 2))
    fold(across.state, LegGraded(across.number, "P1", 1, 9, shared), across.state.seq + 1, START_NS)
    across.store()
    assert across.recovered().tickets.by_number[across.number].legs[0].ended == shared
    ends(across, "G2", 6, 3)
    across.happened(WagerSettled, result="won", returned_minor=29_29, legs=(shared, WON))


# What holds of all of it


def whole_story(book):
    """Everything that can happen to a pair of two games, from its placing on."""
    ends(book, "G1", 6, 3)
    yield
    ends(book, "G1", 3, 6)
    yield
    ends(book, "G2", 6, 3)
    yield
    ends(book, "G1", 0, 0, final=False, periods=((0, 0),))
    yield
    ends(book, "G1", 6, 3)
    yield
    book.given(VoidLeg(book.number, 2, "slip"))
    yield
    book.given(VoidWager(book.number, "slip"))
    yield


def test_a_restart_finds_everything_as_it_was_wherever_it_comes(across):
    laws.memory_is_what_a_restart_would_rebuild(across.state, across.recovered())
    for _ in whole_story(across):
        laws.all_hold(across.state)
        laws.memory_is_what_a_restart_would_rebuild(across.state, across.recovered())


def test_the_log_folded_gives_the_tables(across):
    for _ in whole_story(across):
        pass
    again = Book("main", across.state.vocabulary)
    tables: dict[type, dict[object, tuple[object, ...]]] = {}
    for seq, at_ns, _, event in across.log:
        fold(again, event, seq, at_ns)
        for row in again.dropped.values():
            tables[type(row)].pop(row.key())
        for row in again.changed.values():
            tables.setdefault(type(row), {})[row.key()] = row_encoder(type(row))("main", row)
        again.changed, again.dropped = {}, {}
    for kind in (Ticket, TicketGame):
        assert tables[kind] == across.tables[kind]


@pytest.mark.parametrize(
    "event",
    [
        LegReversed(0, "P1", 2, ""),
        LegGraded(0, "P1", 1, 9, WON),
        LegVoided(0, "P1", 3, ""),
        LegGraded(0, "P1", 2, 9, VOIDED),
        WagerSettled(0, "P1", 9, "won", 1, (LOST, WON), (2,)),
        WagerSettled(0, "P1", 9, "won", 1, (WON, WON), ()),
        WagerReversed(0, "P1", 9, 1, "", (1,)),
    ],
)
def test_a_step_that_a_leg_cannot_take_is_a_broken_invariant(across, event):
    ends(across, "G1", 6, 3)
    values = {field: getattr(event, field) for field in event.__struct_fields__} | {"wager": across.number}
    with pytest.raises(BrokenInvariant):
        fold(across.state, type(event)(**values), across.state.seq + 1, START_NS)


def test_where_exposure_is_followed_a_ticket_of_whatever_kind_changes_that_of_all_its_legs(book):
    placed = PairPlaced("P1", (AWAY, LATER_OVER), 10_00, 5_00)
    changed = [
        one
        for rows, change in book.state.vocabulary.changes[type(placed)]
        if rows.name == "exposure"
        for one in change(book.state, book.house, placed, book.state.seq)
    ]
    assert [one.keys for one in changed] == [(MONEYLINE, LATER_TOTAL)]
