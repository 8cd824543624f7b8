"""Collecting: what a stream brings with it that comes beside others is looked at by the collector a little at a time."""

import gc
import os

import pytest
from tests.integration.world import play, running

from runline.bootstrap import GC_THRESHOLDS, READING_THRESHOLDS, building, reading, running_engine
from runline.engine.ports import StoreError
from runline.store.memory import MemoryStore


class Looked(MemoryStore):
    """A store that notes how the collector stands as rows are read. fails: whether nothing can be read."""

    fails = False

    def __init__(self):
        super().__init__(os.urandom)
        self.thresholds = []

    async def held_rows(self, stream, row_type):
        self.thresholds.append(gc.get_threshold())
        if self.fails:
            raise StoreError("transient", "on purpose")
        return await super().held_rows(stream, row_type)


@pytest.fixture(autouse=True)
def as_it_was():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def adopted(store, fails):
    """How the collector stands after a book was adopted, or could not be."""

    async def main():
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1")
        async with running_engine(store, alone=False) as (engine, _):
            await engine.adopt("house")
            store.thresholds.clear()
            store.fails = fails
            if fails:
                with pytest.raises(StoreError):
                    await engine.adopt("b1")
            else:
                await engine.adopt("b1")
            store.fails = False
            after.append(gc.get_threshold())

    after: list[tuple[int, int, int]] = []
    play(main())
    return after


@pytest.mark.parametrize("fails", [False, True])
def test_a_stream_that_comes_beside_others_comes_to_the_old_a_little_at_a_time(fails):
    store = Looked()
    assert adopted(store, fails) == [GC_THRESHOLDS]
    assert set(store.thresholds) == {READING_THRESHOLDS}


def test_of_several_that_are_read_at_once_the_last_one_sets_the_collector_back():
    gc.set_threshold(*GC_THRESHOLDS)
    one, other = reading(), reading()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert gc.get_threshold() == READING_THRESHOLDS
    other.__exit__(None, None, None)
    assert gc.get_threshold() == GC_THRESHOLDS


def test_where_everything_is_built_nothing_is_collected_at_all():
    with building(), reading():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold() == GC_THRESHOLDS
