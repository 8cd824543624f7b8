"""Laws that no sequence of commands breaks, found by trying."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.doubles import deeds

from runline.domain.accounts import available_minor
from runline.domain.ledger import LedgerEntry
from runline.domain.placed import TicketPlaced
from runline.domain.tickets import WagerPlaced
from runline.simulate import laws

T = TypeVar("T")


class ByHypothesis:
    """Choices that hypothesis makes, and shrinks."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def one(self, of: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(of))

    def between(self, least: int, most: int) -> int:
        return self.data.draw(st.integers(least, most))


class BookLife(RuleBasedStateMachine):
    """A house and a book to which anything may happen. The stage watches every command besides (see there)."""

    def __init__(self) -> None:
        super().__init__()
        self.book = deeds.set_up()

    @rule(data=st.data())
    def someone_places(self, data):
        deeds.places(self.book, ByHypothesis(data))
        if self.book.refusal is None:
            placed = self.book.happened(WagerPlaced)
            player = self.book.state.tree.players[placed.player]
            assert available_minor(self.book.state, player, self.book.at_ns) >= 0

    @rule(data=st.data(), deed=st.sampled_from(sorted(set(deeds.DEEDS), key=lambda deed: deed.__name__)))
    def someone_does_something(self, data, deed):
        deed(self.book, ByHypothesis(data))

    @invariant()
    def every_law_holds(self):
        laws.all_hold(self.book.state)

    @invariant()
    def memory_is_what_a_restart_would_rebuild(self):
        for stage in (self.book, self.book.house):
            laws.memory_is_what_a_restart_would_rebuild(stage.state, stage.recovered())

    def teardown(self):
        self.book.settles()
        self.every_law_holds()
        laws.legs_stand_by_the_results(self.book.state, self.book.view, self.book.stored_wagers())
        laws.the_entries_are_the_balances(self.book.state, self.book.stored(LedgerEntry))


TestBookLife = BookLife.TestCase
TestBookLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, derandomize=True)


def test_the_laws_hold_over_long_seasons():
    placed = 0
    for seed in range(10):
        book = deeds.season(seed, deeds=800)
        laws.all_hold(book.state)
        laws.legs_stand_by_the_results(book.state, book.view, book.stored_wagers())
        laws.the_entries_are_the_balances(book.state, book.stored(LedgerEntry))
        for stage in (book, book.house):
            laws.memory_is_what_a_restart_would_rebuild(stage.state, stage.recovered())
        placed += sum(isinstance(event, TicketPlaced) for _, _, _, event in book.log)
    assert placed > 300
