"""What cannot be done is set aside: nothing else waits for it, and it is done when somebody says so."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, agent, board, game, player, staff, wager

from runline.domain.accounts import AdjustCredit, GrantTemporaryCredit
from runline.domain.aside import SetAside
from runline.domain.fixtures import RescheduleFixture
from runline.domain.jobs import DoSlice, Job, JobFinished, job_duty
from runline.domain.messages import ENGINE
from runline.domain.permissions import Permission
from runline.domain.setbacks import PutAside, TryAgain, WorkSetAside, WorkTakenUp
from runline.domain.settlement import ResultTaken, Settlement
from runline.simulate import laws

WHY = "RuntimeError: it cannot be decided"


@pytest.fixture
def open_book(book):
    """A book with two games and a ticket on each."""
    book.given(
        game("G1"), board("G1"), game("G2"), board("G2"), agent("A1"), player("P1", "A1"), player("P2", "A1"),
        wager("P1", 10_00, on="G1"), wager("P2", 10_00, on="G2"),
    )  # fmt: skip
    book.house.books = [book]
    return book


def put_aside(stage, what, kind, subject):
    """The number under which something is set aside."""
    (event,) = stage.execute(PutAside(what, kind, str(subject), WHY), ENGINE)
    assert event == WorkSetAside(what, kind, str(subject), WHY)
    return stage.state.seq


def result_put_aside(stage):
    """(the number under which the result of the first game is set aside, its position in the house)."""
    books, stage.house.books = stage.house.books, []
    stage.house.ends("G1", 3, 1)
    stage.house.books = books
    seq = stage.house.state.catalog.results["G1"].confirmed_seq
    return put_aside(stage, "house", "TakeResult", seq), seq


@pytest.mark.alone
def test_a_job_that_is_set_aside_does_no_slice_and_another_goes_on(open_book):
    for fixture in ("G1", "G2"):
        open_book.house.ends(fixture, 3, 1)
    first, second = open_book.state.jobs.by_number.values()
    number = put_aside(open_book, *job_duty(first))
    assert open_book.execute(DoSlice(first.number), ENGINE) == []
    open_book.state = open_book.recovered()
    assert not open_book.state.jobs.may_go_on(open_book.state.jobs.by_number[first.number])
    assert open_book.execute(DoSlice(first.number), ENGINE) == []
    assert isinstance(open_book.execute(DoSlice(second.number), ENGINE)[-1], JobFinished)
    assert (open_book.balance("P1"), open_book.balance("P2")) == (0, 12_00)
    open_book.when(TryAgain(number, "mended"))
    open_book.happened(WorkTakenUp, number=number, what="job", subject=str(first.number))
    open_book.settles()
    assert open_book.balance("P1") == 12_00
    for kind in (Job, Settlement, SetAside):
        assert open_book.stored(kind) == []
    laws.all_hold(open_book.state)


def test_a_job_that_is_superseded_is_not_set_aside_any_more(open_book):
    open_book.house.ends("G1", 3, 1)
    (job,) = open_book.state.jobs.by_number.values()
    number = put_aside(open_book, *job_duty(job))
    open_book.house.ends("G1", 1, 3)
    open_book.settles()
    assert open_book.balance("P1") == -10_00
    assert (open_book.state.aside.by_number, open_book.state.aside.numbers) == ({}, {})
    open_book.when(TryAgain(number, "too late"))
    open_book.rejected("unknown_work", number=number)


def test_a_result_that_is_set_aside_holds_no_later_one_back_and_is_taken_when_somebody_says_so(open_book):
    number, seq = result_put_aside(open_book)
    assert open_book.state.results_taken.house_seq == seq
    open_book.house.ends("G2", 3, 1)
    open_book.settles()
    later = open_book.state.results_taken.house_seq
    assert (open_book.balance("P1"), open_book.balance("P2")) == (0, 12_00)
    open_book.when(TryAgain(number, "mended"))
    assert [type(event) for event in open_book.events] == [WorkTakenUp, ResultTaken]
    open_book.settles()
    assert open_book.balance("P1") == 12_00
    # It is not taken again: a position once passed is passed.
    assert open_book.state.results_taken.house_seq == later > seq


def test_a_result_that_was_set_aside_and_stands_no_more_is_not_taken(open_book):
    number, _ = result_put_aside(open_book)
    open_book.house.ends("G1", 1, 3)
    open_book.settles()
    open_book.when(TryAgain(number, "mended"))
    assert [type(event) for event in open_book.events] == [WorkTakenUp]
    assert open_book.balance("P1") == -10_00


@pytest.mark.alone
def test_a_timer_that_is_set_aside_is_not_due_until_it_is_taken_up(open_book):
    open_book.given(GrantTemporaryCredit("P1", 500_00, NOON_NS + 10, "weekend"))
    ((kind, subject),) = open_book.state.timers.by_subject
    open_book.state.timers.due.clear()
    open_book.clock_reads(NOON_NS + 20)
    number = put_aside(open_book, "timer", kind, subject)
    open_book.state = open_book.recovered()
    assert open_book.state.timers.due == []
    open_book.given(TryAgain(number, "mended"))
    assert open_book.state.timers.due == [(NOON_NS + 10, kind, subject)]
    open_book.execute(VOCABULARY.timers[kind](subject), ENGINE)
    assert open_book.state.timers.by_subject == {}


def test_a_timer_that_is_moved_is_not_set_aside_any_more(house):
    house.given(game("G1", start_ns=START_NS))
    put_aside(house, "timer", "cutoff", "G1")
    house.given(RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
    assert (house.state.aside.by_number, house.state.aside.numbers, house.stored(SetAside)) == ({}, {}, [])
    house.time_is(START_NS + HOUR_NS)
    assert house.state.catalog.fixtures["G1"].status == "closed"


@pytest.mark.parametrize(
    "duty",
    [("timer", "cutoff", "G9"), ("job", "settlement", "1"), ("house", "TakeResult", "1"), ("weather", "rain", "1")],
    ids=lambda duty: duty[0],
)
def test_what_is_not_owed_is_not_set_aside(open_book, duty):
    what, kind, subject = duty
    assert open_book.execute(PutAside(what, kind, subject, WHY), ENGINE) == []


def test_what_is_set_aside_is_not_set_aside_again(open_book):
    open_book.house.ends("G1", 3, 1)
    (job,) = open_book.state.jobs.by_number.values()
    put_aside(open_book, *job_duty(job))
    assert open_book.execute(PutAside(*job_duty(job), WHY), ENGINE) == []


def test_what_went_wrong_is_kept_as_one_printable_line(open_book):
    open_book.house.ends("G1", 3, 1)
    (job,) = open_book.state.jobs.by_number.values()
    open_book.execute(PutAside(*job_duty(job), "a\nb\ud800" + "c" * 10_000), ENGINE)
    (row,) = open_book.state.aside.by_number.values()
    assert row.reason[:4] == "a b "
    assert len(row.reason) == 500


def test_only_staff_of_the_whole_book_has_something_tried_again(open_book):
    open_book.given(staff("ann", Permission.SETTINGS_CHANGE, at="A1"), staff("bob", Permission.SETTINGS_CHANGE))
    open_book.house.ends("G1", 3, 1)
    (job,) = open_book.state.jobs.by_number.values()
    number = put_aside(open_book, *job_duty(job))
    for name in ("ann", "P1"):
        open_book.when(TryAgain(number, "mended"), by=name)
        open_book.rejected("not_permitted")
    seen = open_book.state.seq
    open_book.given(AdjustCredit("P2", 5_00, "asked"))
    open_book.when(TryAgain(number, "mended"), by="bob", if_position=seen)
    open_book.happened(WorkTakenUp)
    open_book.when(TryAgain(number, "again"), by="bob", if_position=seen)
    open_book.rejected("position_moved")


def test_no_more_is_set_aside_than_may_be(open_book, monkeypatch):
    for fixture in ("G1", "G2"):
        open_book.house.ends(fixture, 3, 1)
    monkeypatch.setattr("runline.domain.setbacks.SET_ASIDE_MAX", 1)
    first, second = open_book.state.jobs.by_number.values()
    number = put_aside(open_book, *job_duty(first))
    open_book.when(PutAside(*job_duty(second), WHY), by=ENGINE)
    open_book.rejected("too_many", most=1)
    open_book.given(TryAgain(number, "mended"))
    put_aside(open_book, *job_duty(second))
