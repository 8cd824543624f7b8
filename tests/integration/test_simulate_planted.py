"""The simulator finds what is planted, and tells the shortest run in which it shows."""

import pytest

from runline.domain.access import authorize
from runline.domain.messages import Rejected
from runline.domain.vocabulary import plain_vocabulary
from runline.engine.batch import Batches
from runline.engine.writer import Writer
from runline.simulate.run import simulate
from runline.simulate.shrink import shrink

VOCABULARY = plain_vocabulary()


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
        lambda decisions: simulate(1, 10**9, decisions, VOCABULARY)[0].wrong, outcome.decisions, outcome.wrong, 30
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
