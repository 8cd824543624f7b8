"""The simulator finds what is planted, and tells the shortest run in which it shows."""

import msgspec
import pytest

from runline.domain.access import authorize
from runline.domain.messages import Rejected
from runline.domain.shown import agent_figures
from runline.engine.batch import Batches
from runline.engine.writer import Writer
from runline.simulate.run import simulate, simulated_vocabulary
from runline.simulate.shrink import shrink
from runline.store.memory_history import MemorySnapshot

VOCABULARY = simulated_vocabulary()

SHRINK_S = 180
"""Nothing shorter is found long before that, however busy the machine is."""


def lenient(state, command, actor):
    """Takes it for permitted where it is not."""
    try:
        return authorize(state, command, actor)
    except Rejected as rejected:
        if rejected.code != "not_permitted" or actor not in state.access.users:
            raise
        return state.access.users[actor]


@pytest.fixture
def no_permissions(monkeypatch):
    monkeypatch.setattr("runline.domain.execution.authorize", lenient)


def test_a_permission_that_is_not_checked_is_found_and_shown_in_a_few_steps(no_permissions):
    outcome, _ = simulate(1, 3_000, vocabulary=VOCABULARY)
    assert "not_permitted" in outcome.wrong
    shortest, _ = shrink(
        lambda decisions: simulate(1, 10**9, decisions, VOCABULARY)[0].wrong, outcome.decisions, outcome.wrong, SHRINK_S
    )
    told, _ = simulate(1, 10**9, shortest, VOCABULARY)
    assert "not_permitted" in told.wrong
    assert len(shortest) <= 5
    assert "WRONG" in told.story


def test_an_answer_that_leaves_before_it_is_durable_is_found(monkeypatch):
    store = Batches.store

    async def too_early(batches, stretches):
        for writer, _, filling in stretches:
            batches.answer(writer, filling, batches.clock.host_ns())
        return await store(batches, stretches)

    monkeypatch.setattr(Batches, "store", too_early)
    outcome, _ = simulate(1, 3_000, vocabulary=VOCABULARY)
    assert "is durable" in outcome.wrong


def test_a_row_that_is_written_and_follows_from_no_event_is_found(monkeypatch):
    seal = Writer.seal

    def forgets_a_row(writer):
        state = writer.state
        tickets = [key for key, row in state.changed.items() if row.table == "tickets"]
        if tickets and state.seq % 5 == 0:
            del state.changed[tickets[0]]
        return seal(writer)

    monkeypatch.setattr(Writer, "seal", forgets_a_row)
    outcome, _ = simulate(1, 3_000, vocabulary=VOCABULARY)
    assert "does not write" in outcome.wrong


def found(seeds, *words):
    """Whether one of some runs ends by something of these words."""
    return any(
        all(word in simulate(seed, 4_000, vocabulary=VOCABULARY)[0].wrong for word in words)
        for seed in range(1, 1 + seeds)
    )


def test_a_page_that_shows_what_is_another_agents_is_found(monkeypatch):
    monkeypatch.setattr("runline.domain.hierarchy.Tree.below", lambda tree, top, node: True)
    assert found(4, "must be")


def test_a_figure_that_is_wrong_on_a_page_alone_is_found(monkeypatch):
    right = agent_figures

    def wrong(book, name):
        row = right(book, name)
        row.open_wagers += 1
        return row

    monkeypatch.setattr("runline.domain.queries.moment.agent_figures", wrong)
    assert found(4, "figures", "open_wagers")


def test_a_page_of_history_that_lacks_a_row_is_found(monkeypatch):
    find = MemorySnapshot.find

    def short(snapshot, row_type, wanted, limit, beside=""):
        rows = find(snapshot, row_type, wanted, limit, beside)
        return msgspec.structs.replace(rows, numbers=rows.numbers[1:]) if len(rows.numbers) > 1 else rows

    monkeypatch.setattr(MemorySnapshot, "find", short)
    assert found(4, "row")


def test_what_is_wrong_before_house_and_books_have_begun_ends_the_run(monkeypatch):
    seal = Writer.seal

    def turns_events_round(writer):
        writer.filling.logged.reverse()
        return seal(writer)

    monkeypatch.setattr(Writer, "seal", turns_events_round)
    outcome, _ = simulate(1, 3_000, vocabulary=VOCABULARY)
    assert "in the log" in outcome.wrong
