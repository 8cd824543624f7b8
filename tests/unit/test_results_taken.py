"""Results taken: a book takes what the house causes in it once, in the house's order, and owes what comes after."""

import pytest

from runline.domain.book import Book
from runline.domain.results_taken import ResultsTaken


def owes(state, seq):
    return state.aside.owes(("house", "TakeResult", str(seq)))


def test_a_book_owes_what_comes_after_the_position_up_to_which_it_has_taken_results(house, book):
    seq = book.state.results_taken.house_seq
    assert seq == house.state.seq
    assert [owes(book.state, at) for at in (seq - 1, seq, seq + 1)] == [False, False, True]
    assert not owes(Book("new", house.state.vocabulary), 1), "a book that has not begun owes nothing"


@pytest.mark.alone
def test_the_position_goes_forward_and_is_written_only_then(book):
    taken = book.state.results_taken
    row = taken.by_book["main"]
    seq = taken.house_seq
    for at in (seq - 1, seq):
        taken.move(at)
        assert (taken.house_seq, book.state.changed) == (seq, {})
    book.state.changed.clear()
    taken.move(seq + 3)
    assert (taken.house_seq, list(book.state.changed.values())) == (seq + 3, [row])
    assert book.stored(ResultsTaken) == [ResultsTaken("main", seq, row.changed_seq)]
