"""Vocabularies: they are handed in, so that engines with different nouns run beside each other in one process, each with its own
store, gateway, live stream and proof."""

import asyncio
from contextlib import aclosing

import pytest
from tests.doubles import bells, ids
from tests.doubles.wired import BUSES
from tests.integration.served import served
from tests.integration.stores import COMMITTERS
from tests.integration.world import play

from runline.client import RefusedError
from runline.domain.suspension import Suspend
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.evaluate.verify import verify
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_process import SqliteProcessStore

KINDS = {"inline": SqliteStore, "process": SqliteProcessStore}


async def open_stage(place):
    """A house with a book, whose owner is signed in."""
    await place.world.open_house()
    await place.world.open_book()
    return await place.sign_in("b1", "owner")


async def first_rows(frames, topic):
    """The next rows that are told of a topic."""
    while True:
        frame = await anext(frames)
        rows = frame.topics.get(topic, {}).get("rows", [])
        if rows:
            return rows


@pytest.mark.parametrize("way", BUSES)
@pytest.mark.parametrize("kind", COMMITTERS)
def test_an_engine_with_one_noun_more_runs_beside_one_with_the_plain_vocabulary(tmp_path, kind, way):
    more, plain = tmp_path / "more.db", tmp_path / "plain.db"
    vocabulary = Vocabulary(*NOUNS, bells)

    async def main():
        store = KINDS[kind](more)
        bells.bells_table(more, vocabulary)
        async with (
            served(more, store=store, vocabulary=vocabulary, way=way) as with_bells,
            served(plain, store=KINDS[kind](plain), way=way) as without,
        ):
            owner, other = await open_stage(with_bells), await open_stage(without)
            async with aclosing(owner.stream("bells")) as frames:
                await anext(frames)
                rung = await owner.send_as(ids.uuid7(with_bells.world.clock.at_ns), "RingBell", {"bell": "great"})
                assert [event["type"] for event in rung.events] == ["BellRung"]
                assert await first_rows(frames, "bells") == [{"bell": "great", "times": 1}]
            page = await owner.ask("bells", at_least=rung.position)
            assert page.items == [{"bell": "great", "times": 1}]
            logged = await owner.ask("log", type="BellRung", at_least=rung.position)
            assert [row["event"]["bell"] for row in logged.items] == ["great"]
            for ask in (
                other.send_as(ids.uuid7(without.world.clock.at_ns), "RingBell", {"bell": "great"}),
                other.ask("bells"),
            ):
                with pytest.raises(RefusedError) as refused:
                    await ask
                assert refused.value.code == "not_found"
            with pytest.raises(RefusedError) as refused:
                async with aclosing(other.stream("bells")) as frames:
                    await anext(frames)
            assert refused.value.code == "topic_invalid"
            await without.world.do("b1", Suspend("all", "", "night"))
        async with served(more, with_bells.world.clock, vocabulary=vocabulary) as again:
            told = await again.world.read("b1", lambda book: book.part(bells.Bells).by_name["great"].times)
            assert told == 1

    play(main())
    assert verify(more, vocabulary=vocabulary).differences == []
    assert verify(plain).differences == []
    assert verify(more).differences


def test_two_engines_of_one_process_have_a_vocabulary_each(tmp_path):
    async def main():
        async with served(tmp_path / "one.db") as one, served(tmp_path / "other.db") as other:
            assert one.world.engine.vocabulary is not other.world.engine.vocabulary
            assert one.gateway.door.vocabulary is one.world.bus.vocabulary is one.world.engine.vocabulary

    asyncio.run(main())
