"""Settlement: a confirmed result pays a book's tickets in slices; a second one regrades only what it changes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.doubles.stage import HOUR_NS, NOON_NS, HouseStage
from tests.doubles.words import START_NS, agent, board, game, line, player, wager

from runline.domain.bounds import SETTLE_SLICE_WAGERS
from runline.domain.grading import Score
from runline.domain.jobs import DoSlice, JobAdvanced, JobFinished
from runline.domain.ledger import LedgerEntry
from runline.domain.legs import Ending
from runline.domain.messages import ENGINE
from runline.domain.money import Rounding
from runline.domain.official import Period
from runline.domain.placing import PlaceWager
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.settlement import ResultTaken, TakeResult
from runline.domain.tickets import VoidWager, WagerReversed, WagerSettled
from runline.simulate import laws

AWAY: dict[str, Any] = {"side": "away", "price": "+120"}
HOME: dict[str, Any] = {"side": "home", "price": "-130"}
OVER: dict[str, Any] = {"kind": "total", "side": "over", "price": "-105", "quarters": 34}


@pytest.fixture
def open_book(book):
    book.given(
        game("G1"), board("G1"), game("G2", start_ns=START_NS + 24 * HOUR_NS), board("G2"), player("P1", credit=10**9)
    )
    return book


def many(count, **what):
    return [wager("P1", 1_00, **what) for _ in range(count)]


def again(book, away, home, **score):
    """A second result of the same game."""
    book.house.ends("G1", away, home, **score)
    book.settles()


@pytest.mark.parametrize(
    ("away", "home", "result", "returned"), [(3, 1, "won", 22_00), (1, 3, "lost", 0), (2, 2, "push", 10_00)]
)
def test_payout_follows_confirmation(open_book, away, home, result, returned):
    open_book.given(wager("P1", 10_00, **AWAY))
    open_book.house.ends("G1", away, home)
    assert open_book.stored_wagers()[0].status == "open"
    open_book.settles()
    open_book.happened(
        WagerSettled,
        result=result,
        returned_minor=returned,
        settlement=open_book.house.state.seq,
        player="P1",
        legs=(Ending(result),),
    )
    assert open_book.balance("P1") == returned - 10_00
    assert open_book.state.risk.pending["P1"] == 0


def test_a_won_ticket_pays_what_was_written_however_the_book_rounds_now_and_whatever_stands_on_the_board(open_book):
    open_book.given(wager("P1", 10_01, **HOME), wager("P1", 17_50, **HOME))
    written = [ticket.risk_minor + ticket.win_minor for ticket in open_book.stored_wagers()]
    open_book.state.touch(open_book.state.settings.current).rounding = Rounding("down", 100)
    open_book.store()
    open_book.given(board("G1", line("moneyline", "+900", "+400"), entered_ns=NOON_NS + 1))
    open_book.house.ends("G1", 1, 3)
    open_book.settles()
    assert [ticket.returned_minor for ticket in open_book.stored_wagers()] == written


def test_an_entry_that_is_not_confirmed_pays_nothing(open_book):
    open_book.given(wager("P1", 10_00))
    open_book.house.ends("G2", 1, 0)
    open_book.house.given(EnterResult("G1", Score(0, 5)))
    open_book.settles()
    assert open_book.events == []
    assert open_book.stored_wagers()[0].status == "open"


def test_a_result_concerns_its_own_game_only(open_book):
    open_book.given(wager("P1", 10_00), wager("P1", 20_00, on="G2"))
    open_book.house.ends("G1", 3, 1)
    open_book.settles()
    assert [row.status for row in open_book.stored_wagers()] == ["settled", "open"]
    assert open_book.state.risk.pending["P1"] == 20_00


def test_every_book_settles_its_own_tickets(open_book):
    other = open_book.house.open_book("other")
    other.given(player("P1"), wager("P1", 5_00))
    open_book.given(wager("P1", 10_00))
    open_book.house.ends("G1", 3, 1)
    open_book.settles()
    assert (open_book.balance("P1"), other.balance("P1")) == (12_00, 0)
    other.settles()
    assert other.balance("P1") == 6_00


def test_a_result_without_open_tickets_is_taken_and_starts_nothing(open_book):
    open_book.house.ends("G1", 3, 1)
    assert isinstance(open_book.log[-1][3], ResultTaken)
    assert open_book.state.jobs.by_number == {}


def test_a_result_is_taken_once(open_book):
    open_book.given(wager("P1", 10_00))
    open_book.house.ends("G1", 3, 1)
    taken = open_book.log[-1][3]
    repeated = TakeResult(taken.fixture, taken.sport, taken.league, taken.house_seq, Score(9, 0), False)
    assert open_book.execute(repeated, ENGINE) == []


# Slices


def test_a_settlement_is_slices_with_a_stored_cursor(open_book):
    open_book.given(many(SETTLE_SLICE_WAGERS + 10))
    open_book.house.ends("G1", 3, 1)
    open_book.settles_a_slice()
    numbers = [row.number for row in open_book.stored_wagers()]
    open_book.happened(JobAdvanced, stage="open", cursor=numbers[SETTLE_SLICE_WAGERS - 1], handled=SETTLE_SLICE_WAGERS)
    open_book.settles_a_slice()
    # The end counts the whole job.
    open_book.happened(JobFinished, done=SETTLE_SLICE_WAGERS + 10)
    assert {row.status for row in open_book.stored_wagers()} == {"settled"}
    assert open_book.state.jobs.by_number == {}


@pytest.mark.parametrize("count", [SETTLE_SLICE_WAGERS, 2 * SETTLE_SLICE_WAGERS])
def test_full_slices_are_not_followed_by_an_empty_one(open_book, count):
    open_book.given(many(count))
    open_book.house.ends("G1", 3, 1)
    slices = 0
    while open_book.state.jobs.by_number:
        open_book.settles_a_slice()
        slices += 1
    assert slices == count // SETTLE_SLICE_WAGERS


def test_other_work_goes_on_between_slices(open_book):
    open_book.given(many(SETTLE_SLICE_WAGERS + 10))
    open_book.house.ends("G1", 3, 1)
    last = open_book.stored_wagers()[-1].number
    open_book.settles_a_slice()
    open_book.given(wager("P1", 5_00, on="G2"), VoidWager(last, "wrong side"))
    open_book.settles()
    statuses = [row.status for row in open_book.stored_wagers()]
    assert statuses == ["settled"] * (SETTLE_SLICE_WAGERS + 9) + ["void", "open"]
    laws.all_hold(open_book.state)


@pytest.mark.alone
def test_a_restart_goes_on_with_the_same_slices(open_book):
    open_book.given(many(3 * SETTLE_SLICE_WAGERS))
    numbers = [row.number for row in open_book.stored_wagers()]
    open_book.house.ends("G1", 3, 1)
    open_book.settles_a_slice()
    open_book.given(
        *[VoidWager(number, "wrong") for number in numbers[-SETTLE_SLICE_WAGERS - 20 : -SETTLE_SLICE_WAGERS + 20]]
    )
    (job,) = open_book.state.jobs.by_number
    without_restart = open_book.decide(DoSlice(job), ENGINE, open_book.at_ns)
    open_book.state = open_book.recovered()
    assert open_book.decide(DoSlice(job), ENGINE, open_book.at_ns) == without_restart
    assert without_restart[-1].handled == SETTLE_SLICE_WAGERS
    open_book.settles()
    assert open_book.state.risk.pending["P1"] == 0


def test_a_job_whose_tickets_were_all_voided_before_its_first_slice_ends(open_book):
    open_book.given(wager("P1", 10_00))
    number = open_book.state.seq
    open_book.house.ends("G1", 3, 1)
    open_book.given(VoidWager(number, "wrong side"))
    open_book.settles()
    open_book.happened(JobFinished, done=0)


def test_a_job_goes_on_behind_tickets_that_stay_open(book):
    book.given(game("F1", league="NFL", sport="football"), player("P1", credit=10**9))
    book.given(board("F1", line("moneyline", "+120", "-130"), line("moneyline", "+110", "-120", period="1h")))
    half = PlaceWager("P1", "F1:1h:moneyline", "away", None, "+110", 1_00)
    book.given([half] * (SETTLE_SLICE_WAGERS + 1), wager("P1", 1_00, on="F1"))
    book.house.ends("F1", 20, 17)
    book.settles_a_slice()
    book.happened(JobAdvanced, stage="open", handled=0, done=0)
    book.settles_a_slice()
    book.happened(JobFinished, done=1)
    assert [row.status for row in book.stored_wagers()] == ["open"] * (SETTLE_SLICE_WAGERS + 1) + ["settled"]


def test_a_finished_job_has_no_more_slices(open_book):
    open_book.given(many(1))
    open_book.house.ends("G1", 3, 1)
    (job,) = open_book.state.jobs.by_number
    open_book.settles()
    assert open_book.execute(DoSlice(job), ENGINE) == []


# Regrading


def test_a_regrade_reverses_and_settles_only_what_has_changed(open_book):
    open_book.given(wager("P1", 10_00, **AWAY), wager("P1", 13_00, **HOME), wager("P1", 21_00, **OVER))
    again(open_book, 3, 1)
    total = open_book.stored_wagers()[2]
    again(open_book, 1, 3)
    away, home, unchanged = open_book.stored_wagers()
    assert [(type(event).__name__, event.wager) for event in open_book.events if hasattr(event, "wager")] == [
        ("WagerReversed", away.number),
        ("WagerSettled", away.number),
        ("WagerReversed", home.number),
        ("WagerSettled", home.number),
    ]
    assert unchanged == total
    assert away.settlement == home.settlement == open_book.house.state.seq != unchanged.settlement
    assert open_book.balance("P1") == -10_00 + 10_00 - 21_00


def test_a_regrade_that_changes_nothing_moves_nothing(open_book):
    open_book.given(wager("P1", 10_00, **AWAY))
    again(open_book, 3, 1)
    entries = open_book.stored(LedgerEntry)
    again(open_book, 9, 1)
    assert not any(isinstance(event, WagerReversed | WagerSettled) for event in open_book.events)
    assert open_book.stored(LedgerEntry) == entries


def test_a_regrade_and_back_leaves_the_figures_as_they_were(open_book):
    open_book.given(wager("P1", 10_00, **AWAY), wager("P1", 13_00, **HOME), wager("P1", 21_00, **OVER))
    again(open_book, 5, 4)
    figures = laws.figures(open_book.state)
    tickets = [(row.result, row.returned_minor) for row in open_book.stored_wagers()]
    again(open_book, 0, 1)
    assert laws.figures(open_book.state) != figures
    again(open_book, 5, 4)
    assert laws.figures(open_book.state) == figures
    assert [(row.result, row.returned_minor) for row in open_book.stored_wagers()] == tickets


def test_a_regrade_goes_over_all_closed_tickets_in_slices(open_book):
    open_book.given(many(2 * SETTLE_SLICE_WAGERS + 5))
    again(open_book, 3, 1)
    again(open_book, 1, 3)
    assert {row.result for row in open_book.stored_wagers()} == {"lost"}
    assert open_book.balance("P1") == -(2 * SETTLE_SLICE_WAGERS + 5) * 1_00
    advanced = [event for event in open_book.events if isinstance(event, JobAdvanced)]
    assert [(event.stage, event.handled, event.done) for event in advanced] == [
        ("closed", 64, 64),
        ("closed", 64, 128),
        ("open", 5, 133),
    ]


def test_a_regrade_leaves_void_tickets_alone(open_book):
    open_book.given(wager("P1", 10_00, **AWAY))
    number = open_book.state.seq
    again(open_book, 3, 1)
    open_book.given(VoidWager(number, "past post"))
    again(open_book, 1, 3)
    assert open_book.ticket(number).status == "void"
    assert open_book.balance("P1") == 0


def test_a_regrade_goes_on_behind_a_ticket_that_is_void(open_book):
    open_book.given(wager("P1", 10_00, **AWAY), wager("P1", 20_00, **AWAY))
    first, second = (row.number for row in open_book.stored_wagers())
    again(open_book, 3, 1)
    open_book.given(VoidWager(first, "past post"))
    again(open_book, 1, 3)
    assert (open_book.ticket(first).status, open_book.ticket(second).result) == ("void", "lost")
    assert open_book.balance("P1") == -20_00


def test_a_newer_result_supersedes_a_job_that_still_runs(open_book):
    open_book.given(many(SETTLE_SLICE_WAGERS + 10))
    open_book.house.ends("G1", 3, 1)
    open_book.settles_a_slice()
    assert open_book.balance("P1") == SETTLE_SLICE_WAGERS * 1_20
    open_book.house.ends("G1", 1, 3)
    assert len(open_book.state.jobs.by_number) == 1
    open_book.settles()
    assert {row.result for row in open_book.stored_wagers()} == {"lost"}
    assert {row.settlement for row in open_book.stored_wagers()} == {open_book.house.state.seq}
    assert open_book.balance("P1") == -(SETTLE_SLICE_WAGERS + 10) * 1_00


# Called off


def test_a_game_that_is_called_off_gives_every_stake_back(open_book):
    open_book.given(wager("P1", 10_00, **AWAY), wager("P1", 21_00, **OVER), CancelFixture("G1", "flood"))
    open_book.settles()
    assert [(row.result, row.returned_minor) for row in open_book.stored_wagers()] == [("void", 10_00), ("void", 21_00)]
    assert (open_book.balance("P1"), open_book.state.risk.pending["P1"]) == (0, 0)
    assert open_book.stored(LedgerEntry) == []


def test_a_game_that_is_called_off_after_its_result_takes_back_what_was_paid(open_book):
    open_book.given(wager("P1", 10_00, **AWAY))
    again(open_book, 3, 1)
    open_book.given(CancelFixture("G1", "forfeit"))
    open_book.settles()
    assert open_book.balance("P1") == 0
    assert open_book.stored_wagers()[0].result == "void"


# A result that does not say


def test_a_ticket_of_a_period_that_the_result_does_not_have_stays_open_until_it_has(book):
    book.given(game("F1", league="NFL", sport="football"), player("P1"))
    book.given(board("F1", line("moneyline", "+120", "-130"), line("moneyline", "+110", "-120", period="1h")))
    book.given(PlaceWager("P1", "F1:1h:moneyline", "away", None, "+110", 10_00), wager("P1", 10_00, on="F1"))
    book.house.ends("F1", 20, 17)
    book.settles()
    assert [row.status for row in book.stored_wagers()] == ["open", "settled"]
    halves = Score(17, 20, periods=((0, 7), (17, 13)), scheduled=2)
    book.house.given(EnterResult("F1", halves), ConfirmResult("F1", 2))
    book.settles()
    assert [row.result for row in book.stored_wagers()] == ["won", "won"]
    laws.all_hold(book.state)


# A game that goes on


HALF_TIME = Score(10, 14, ((7, 0), (3, 14)), final=False)
WHOLE = Score(24, 20, ((7, 0), (3, 14), (0, 3), (14, 3)))
UNKNOWN = Score(24, 20, final=False)


@pytest.fixture
def football(book):
    """Four tickets of 10.00 on the visitors: the first half, the game, the first quarter, the second half."""
    periods: tuple[Period, ...] = ("1h", "game", "q1", "2h")
    book.given(game("F1", league="NFL", sport="football"), player("P1"))
    book.given(board("F1", *(line("moneyline", "+110", "-120", period=period) for period in periods)))
    book.given([PlaceWager("P1", f"F1:{period}:moneyline", "away", None, "+110", 10_00) for period in periods])
    book.clock_reads(START_NS + HOUR_NS)
    book.house.fire_timers()
    return book


def confirmed(book, score):
    """A score of the football game is entered and confirmed, and the book settles by it."""
    book.house.given(EnterResult("F1", score))
    book.house.given(ConfirmResult("F1", book.house.state.catalog.results["F1"].revision))
    book.settles()
    laws.all_hold(book.state)
    return [row.result for row in book.stored_wagers()]


def test_a_half_time_score_pays_what_is_over_and_nothing_else(football):
    assert confirmed(football, HALF_TIME) == ["won", None, "lost", None]
    assert (football.balance("P1"), football.state.risk.pending["P1"]) == (11_00 - 10_00, 20_00)


def test_the_end_settles_the_rest_and_leaves_what_was_paid(football):
    confirmed(football, HALF_TIME)
    paid = [row for row in football.stored_wagers() if row.status == "settled"]
    assert confirmed(football, WHOLE) == ["won", "lost", "lost", "lost"]
    assert [row for row in football.stored_wagers() if row in paid] == paid
    assert football.state.risk.pending["P1"] == 0


def test_a_half_time_score_that_was_wrong_regrades_what_it_paid(football):
    confirmed(football, HALF_TIME)
    assert confirmed(football, Score(17, 14, ((7, 0), (10, 14)), final=False)) == ["lost", None, "lost", None]


def test_a_game_that_was_final_too_early_takes_back_what_is_not_over(football):
    figures = (laws.figures(football.state), football.state.risk.pending["P1"])
    assert None not in confirmed(football, WHOLE)
    assert confirmed(football, HALF_TIME) == ["won", None, "lost", None]
    assert confirmed(football, UNKNOWN) == [None] * 4
    assert (laws.figures(football.state), football.state.risk.pending["P1"]) == figures
    assert confirmed(football, WHOLE) == ["won", "lost", "lost", "lost"]


def test_what_a_corrected_score_does_not_say_is_open_again(football):
    confirmed(football, WHOLE)
    halves = Score(17, 20, ((10, 14), (7, 6)), scheduled=2)
    assert confirmed(football, halves) == ["won", "won", None, "lost"]
    quarter = football.stored_wagers()[2]
    football.happened(WagerReversed, wager=quarter.number, change_minor=10_00, reason="result withdrawn")
    assert (quarter.status, football.state.risk.pending["P1"]) == ("open", 10_00)


def test_what_is_open_again_is_in_line_before_and_after_a_restart(football):
    confirmed(football, WHOLE)
    football.house.given(EnterResult("F1", UNKNOWN), ConfirmResult("F1", 2))
    football.settles_a_slice()
    (job,) = football.state.jobs.by_number
    assert football.recovered().settlement.queues == football.state.settlement.queues
    assert football.state.settlement.queues[job] == [row.number for row in football.stored_wagers()]


def test_a_quarter_is_not_settled_by_a_half(football):
    assert confirmed(football, Score(17, 20, ((10, 14), (7, 6)), scheduled=2)) == ["won", "won", None, "lost"]


def test_a_leagues_own_rules_settle_its_tickets(book):
    book.given(player("P1"))
    games = (("C1", "NCAAB"), ("C2", "NBA"))
    for name, league in games:
        book.given(game(name, league=league, sport="basketball"), board(name), wager("P1", 10_00, on=name))
    for name, _ in games:
        book.house.ends(name, 70, 66, length=36)
    book.settles()
    assert [row.result for row in book.stored_wagers()] == ["won", "void"]


# Always


SELECTIONS: list[dict[str, Any]] = [
    {"kind": kind, "side": side, "price": price, "quarters": quarters}
    for kind, side, price, quarters in [
        ("moneyline", "away", "+120", None),
        ("moneyline", "home", "-130", None),
        ("spread", "away", "1.95", 5),
        ("spread", "home", "10/11", -5),
        ("total", "over", "-105", 34),
        ("total", "under", "-115", 34),
    ]
]

ODD_BOARD = (
    line("moneyline", "+120", "-130"),
    line("spread", "1.95", "10/11", quarters=-5),
    line("total", "-105", "-115", quarters=34),
)

scores = st.tuples(st.integers(0, 9), st.integers(0, 9))
tickets = st.lists(
    st.tuples(st.sampled_from(["P1", "P2", "P3"]), st.integers(2_00, 300_00), st.sampled_from(SELECTIONS)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tickets, scores, st.lists(scores | st.none(), max_size=2), st.data())
def test_whatever_is_regraded_and_graded_back_has_changed_nothing(placed, final, detours, data):
    book = HouseStage().open_book("main")
    book.given(game("G1"), board("G1", *ODD_BOARD), agent("A1"), agent("A2", "A1"))
    book.given(player("P1", "A1", 10**7), player("P2", "A2", 10**7), player("P3", credit=10**7))
    book.given([wager(number, amount, **selection) for number, amount, selection in placed])
    book.house.ends("G1", *final)
    book.settles()
    figures = laws.figures(book.state)
    sums = laws.derived(book.state)["sums"]
    paid = [(row.number, row.result, row.returned_minor) for row in book.stored_wagers()]
    for detour in detours:
        if detour is not None:
            book.house.ends("G1", *detour)
            if data.draw(st.booleans(), "the job runs to its end"):
                book.settles()
            laws.all_hold(book.state)
    book.house.ends("G1", *final)
    book.settles()
    assert laws.figures(book.state) == figures
    assert laws.derived(book.state)["sums"] == sums
    assert [(row.number, row.result, row.returned_minor) for row in book.stored_wagers()] == paid
    laws.the_entries_are_the_balances(book.state, book.stored(LedgerEntry))
