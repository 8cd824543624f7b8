"""Preview: what a command would move is what it moves. (The stage checks this on every command; here are the figures.)"""

from tests.doubles.beside import compared_stage
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, role, staff, wager

from runline.domain.accounts import EnterTransaction
from runline.domain.jobs import DoSlice
from runline.domain.leg_voiding import VoidLeg
from runline.domain.messages import ENGINE
from runline.domain.moving import MoveAgent
from runline.domain.outcomes import NOTHING, Case
from runline.domain.permissions import Permission
from runline.domain.preview import Moves, moves, moves_shown_to
from runline.domain.reopening import ReopenFixture
from runline.domain.tickets import VoidWager
from runline.domain.users import CreateUser
from runline.simulate.pair import PlacePair

MONEYLINE = "G1:game:moneyline"

SPREAD = line("spread", "-110", "-110", quarters=-12)
MOVED = line("spread", "-110", "-110", quarters=-28)

NOTHING_LEFT = {MONEYLINE: -12_00}, {MONEYLINE: NOTHING}
AWAY_WINS = {MONEYLINE: Case(12_00, "away wins")}


def previewed(book, command, by="owner"):
    """What a preview of a command answers."""
    return moves(book.state, book.decide(command, by, book.at_ns, book.fetch(command)))


def test_a_wager_would_tie_up_its_risk_and_move_the_worst_case(book):
    book.given(game("G1"), board("G1"), player("P1"))
    command = wager("P1", 10_00)
    assert previewed(book, command) == Moves({}, {"P1": 10_00}, {MONEYLINE: 12_00}, AWAY_WINS)
    assert (book.state.risk.pending, book.state.risk.exposure(MONEYLINE).worst) == ({}, NOTHING)
    book.given(command)
    assert book.state.risk.exposure(MONEYLINE).sides == {"away": 12_00, "home": -10_00}


def test_a_transaction_would_move_the_balance(book):
    book.given(player("P1"))
    assert previewed(book, EnterTransaction("P1", "disbursement", 5_00, "cash")) == Moves({"P1": -5_00})


def test_a_settlement_would_free_the_risk_and_pay(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.ends("G1", away=3, home=1)
    (job,) = book.state.jobs.by_number
    assert previewed(book, DoSlice(job), ENGINE) == Moves(
        {"P1": 12_00}, {"P1": -10_00}, {MONEYLINE: -12_00}, {MONEYLINE: NOTHING}
    )


def test_voiding_a_settled_ticket_would_move_its_payment_only(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    number = book.state.seq
    book.house.ends("G1", away=3, home=1)
    book.settles()
    assert previewed(book, VoidWager(number, "past post")) == Moves({"P1": -12_00})


def test_of_two_tickets_on_one_side_voiding_one_would_leave_the_other(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    number = book.state.seq
    book.given(wager("P1", 5_00))
    left = {MONEYLINE: Case(6_00, "away wins")}
    assert previewed(book, VoidWager(number, "slip")) == Moves({}, {"P1": -10_00}, {MONEYLINE: -12_00}, left)
    book.given(wager("P1", 4_00, side="home", price="-130"))
    assert previewed(book, VoidWager(number, "slip")).worst == {MONEYLINE: Case(2_00, "away wins")}


def test_taking_a_settlement_back_would_tie_up_the_risk_again(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.books = [book]
    book.house.ends("G1", away=3, home=1)
    book.settles()
    book.house.given(ReopenFixture("G1", "protest"))
    (job,) = book.state.jobs.by_number
    assert previewed(book, DoSlice(job), ENGINE) == Moves({"P1": -12_00}, {"P1": 10_00}, {MONEYLINE: 12_00}, AWAY_WINS)


def test_a_leg_that_is_voided_would_leave_the_others():
    pairs = compared_stage(pairs=True).open_book("main")
    pairs.given(game("G1"), board("G1"), game("G2"), board("G2"), player("P1"))
    second = "G2:game:moneyline"
    pairs.given(PlacePair("P1", ((MONEYLINE, "away"), (second, "home")), 10_00))
    number = pairs.state.seq
    win = pairs.ticket(number).win_minor
    gone = Moves({}, {}, {MONEYLINE: -win}, {MONEYLINE: NOTHING})
    assert previewed(pairs, VoidLeg(number, 1, "slip")) == gone
    pairs.given(VoidLeg(number, 1, "slip"))
    assert previewed(pairs, VoidWager(number, "slip")) == Moves({}, {"P1": -10_00}, {second: -win}, {second: NOTHING})


def test_to_void_a_leg_that_was_graded_would_move_nothing_that_stands():
    pairs = compared_stage(pairs=True).open_book("main")
    pairs.given(game("G1"), board("G1"), game("G2", start_ns=START_NS + 1), board("G2"), player("P1"))
    pairs.given(PlacePair("P1", ((MONEYLINE, "away"), ("G2:game:moneyline", "home")), 10_00))
    number = pairs.state.seq
    pairs.house.books = [pairs]
    pairs.house.ends("G1", away=3, home=1)
    pairs.settles()
    assert [leg.status for leg in pairs.ticket(number).legs] == ["graded", "open"]
    assert previewed(pairs, VoidLeg(number, 1, "slip")) == Moves()
    pairs.house.given(ReopenFixture("G1", "protest"))
    pairs.settles_a_slice()
    (job,) = pairs.state.jobs.by_number
    win = pairs.ticket(number).win_minor
    back = Moves({}, {}, {MONEYLINE: win}, {MONEYLINE: Case(win, "away wins")})
    assert previewed(pairs, DoSlice(job), ENGINE) == back


def test_a_leg_that_is_voided_is_kept_no_more_where_the_other_side_wins():
    pairs = compared_stage(pairs=True).open_book("main")
    pairs.given(game("G1"), board("G1"), game("G2"), board("G2"), player("P1"))
    pairs.given(PlacePair("P1", ((MONEYLINE, "away"), ("G2:game:moneyline", "home")), 10_00))
    number = pairs.state.seq
    pairs.given(wager("P1", 130_00, side="home", price="-130"), wager("P1", 5_00))
    assert pairs.state.risk.exposure(MONEYLINE).worst == Case(85_00, "home wins")
    worst = Case(95_00, "home wins")
    assert previewed(pairs, VoidLeg(number, 1, "slip")) == Moves({}, {}, {MONEYLINE: 10_00}, {MONEYLINE: worst})
    pairs.given(VoidLeg(number, 1, "slip"))
    assert pairs.state.risk.exposure(MONEYLINE).worst == worst
    assert pairs.state.risk.exposure(MONEYLINE).sides == {"away": 6_00 - 130_00, "home": 95_00}
    closed = pairs.state.risk.stake_closed_at(pairs.state.seq)
    assert closed is not None
    assert closed.number == number


def test_where_nothing_moves_in_one_market_it_is_told_what_does_in_another(book):
    book.given(game("G1"), board("G1"), game("G2", start_ns=START_NS + 9 * HOUR_NS), board("G2"), player("P1"))
    book.given(wager("P1", 10_00))
    number = book.state.seq
    book.house.books = [book]
    book.house.ends("G1", away=3, home=1)
    book.settles()
    other = wager("P1", 5_00, on="G2")
    again = VoidWager(number, "past post")
    events = [*book.decide(again, "owner", book.at_ns, book.fetch(again)), *book.decide(other, "owner", book.at_ns)]
    assert moves(book.state, events) == Moves(
        {"P1": -12_00}, {"P1": 5_00}, {"G2:game:moneyline": 6_00}, {"G2:game:moneyline": Case(6_00, "away wins")}
    )


def test_whose_roles_a_move_ends_is_told(book):
    book.given(agent("A1"), agent("A1-1", "A1"), agent("A2"), role("clerk", Permission.FIGURES_VIEW, at="A1"))
    move = MoveAgent("A1-1", "A2", "sold")
    assert previewed(book, move) == Moves()
    book.given(CreateUser("ann", "A1-1", "clerk"), CreateUser("bob", "A1", "clerk"))
    assert previewed(book, move) == Moves(roles_ended={"ann": "clerk"})


def test_of_the_roles_that_a_move_leaves_behind_those_are_told_that_somebody_has(book):
    book.given(agent("A1"), agent("B", "A1"), agent("X", "B"), agent("A2"))
    book.given(
        role("clerk", Permission.FIGURES_VIEW, at="A1"), role("nobodys", at="A1"), CreateUser("ann", "X", "clerk")
    )
    assert previewed(book, MoveAgent("X", "A2", "sold")) == Moves(roles_ended={"ann": "clerk"})


def test_what_cancels_out_is_left_out(book):
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    number = book.state.seq
    assert previewed(book, VoidWager(number, "wrong side")) == Moves(
        {}, {"P1": -10_00}, {MONEYLINE: -12_00}, {MONEYLINE: NOTHING}
    )
    book.house.ends("G1", away=2, home=2)
    book.settles()
    assert previewed(book, VoidWager(number, "wrong side")) == Moves()


def test_a_wager_where_the_line_has_moved_says_how_the_game_costs_most(book):
    book.given(game("G1"), board("G1", SPREAD), player("P1"))
    first = wager("P1", 110_00, kind="spread", side="home", price="-110", quarters=-12)
    book.given(first, board("G1", MOVED, entered_ns=NOON_NS + 1))
    second = wager("P1", 110_00, kind="spread", side="away", price="-110", quarters=28)
    worst = Case(200_00, "home by 4 to 6", 4, 6)
    assert previewed(book, second) == Moves({}, {"P1": 110_00}, {"G1:game:spread": 100_00}, {"G1:game:spread": worst})
    book.given(second)
    assert book.state.risk.exposure("G1:game:spread").worst == worst


def test_what_a_wager_does_to_exposure_is_told_by_the_askers_own_part_of_the_book(book):
    book.given(game("G1"), board("G1"), agent("A1"), player("P1", "A1"), player("P2"), wager("P2", 50_00))
    book.given(staff("ann", Permission.FIGURES_VIEW, at="A1"), staff("tim", Permission.TICKER_VIEW, at="A1"))
    events = book.decide(wager("P1", 10_00), "owner", book.at_ns)
    assert moves_shown_to("owner", book.state, events).worst == {MONEYLINE: Case(72_00, "away wins")}
    assert moves_shown_to("ann", book.state, events) == Moves({}, {"P1": 10_00}, {MONEYLINE: 12_00}, AWAY_WINS)
    assert moves_shown_to("tim", book.state, events).worst == {}
    assert moves_shown_to("P1", book.state, events) == Moves({}, {"P1": 10_00})
