"""Jobs: long work is owed slice by slice, and each slice has what it needs."""

import pytest
from tests.doubles.words import board, game, player, wager

from runline.domain.bounds import SETTLE_SLICE_WAGERS
from runline.domain.execution import needs
from runline.domain.jobs import DoSlice, Job, JobFinished, job_duty
from runline.domain.messages import ENGINE
from runline.domain.setbacks import PutAside
from runline.domain.state import Following
from runline.domain.tickets import Ticket


@pytest.fixture
def book(book):
    """A book that settles a game's only ticket."""
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    book.house.books = [book]
    book.house.ends("G1", 3, 1)
    return book


def only_job(book):
    (job,) = book.state.jobs.by_number.values()
    return job


def test_a_job_owes_its_next_slice_until_it_is_over(book):
    job = only_job(book)
    assert job_duty(job) == ("job", "settlement", str(job.number))
    assert book.state.aside.owes(job_duty(job))
    assert not book.state.aside.owes(("job", "settlement", str(job.number + 1)))
    book.settles()
    book.happened(JobFinished, job=job.number, kind="settlement", subject="G1", done=1)
    assert not book.state.aside.owes(job_duty(job))


def test_a_slice_needs_the_rows_that_its_kind_says_for_as_long_as_it_may_be_done(book):
    state = book.state
    assert needs(state, DoSlice(only_job(book).number)) == []
    book.settles()
    book.house.ends("G1", 1, 3)
    job = only_job(book)
    assert (job.stage, job.cursor) == ("closed", 0)
    closed = [Following(Ticket, "G1", 0, SETTLE_SLICE_WAGERS)]
    assert needs(state, DoSlice(job.number)) == closed
    assert needs(state, DoSlice(job.number + 1)) == []
    book.execute(PutAside(*job_duty(job), "it cannot be read"), ENGINE)
    assert needs(state, DoSlice(job.number)) == []


@pytest.mark.alone
def test_a_job_that_begins_takes_the_place_of_those_of_its_kind_and_subject_alone(book):
    jobs = book.state.jobs
    first = only_job(book)
    others = [Job(901, "settlement", "G2", "open"), Job(902, "tidying", "G1", "open")]
    assert [jobs.start(one) for one in others] == [[], []]
    assert jobs.start(Job(903, "settlement", "G1", "open")) == [first.number]
    assert sorted(jobs.by_number) == [901, 902, 903]
