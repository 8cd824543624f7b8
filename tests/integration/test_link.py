"""A link that is lost, and ends that say what they may not: nothing is done twice, nobody else is harmed."""

import asyncio
import gc
import logging
import os
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.wired import SECRET, Linked, linked
from tests.integration.stores import HeldStore
from tests.integration.world import World, acceptance, play, running, wager

from runline.bus.gateway import GatewayEnd
from runline.bus.limits import ASKED_BYTES_MAX, NEWS_BYTES_MAX, STRANGERS_MAX, TOLD_AHEAD_MAX
from runline.bus.owner import LinkListener
from runline.bus.said import Answered, Happened, Part, Seated, Told, Unwatch, Watch, encode
from runline.bus.watcher import FarWatcher
from runline.bus.wire import GREETING, NONCE_BYTES, proof
from runline.domain.messages import Rejected
from runline.domain.queries.inside import COPY, MEASURES, PROOF
from runline.engine.bus import Question
from runline.engine.codec import encode_committed, request_told
from runline.engine.requests import Accepted, Refused
from runline.engine.subscription import Lagged
from runline.engine.watching import Began, Cut, Enter, Frame, TurnedAway
from runline.store.sqlite import SqliteStore


@asynccontextmanager
async def stage(path: Path, held: bool = False) -> AsyncIterator[tuple[World, Linked, Any]]:
    """A book behind a link: (world, link, store)."""
    store: Any = HeldStore(SqliteStore(path)) if held else SqliteStore(path)
    async with running(store) as world, asyncio.timeout(60):
        await world.open_house()
        await world.open_book()
        async with linked(world.bus) as link:
            try:
                yield world, link, store
            finally:
                if held:
                    store.let_go()


async def watching(link: Linked) -> FarWatcher:
    """A watcher of a gateway's, number 7, as the owner has it."""
    await comes_true(lambda: link.listener.known)
    (end,) = link.listener.known
    watcher = end.watchers[7] = FarWatcher(end, 7)
    return watcher


def follow(bus: Any) -> AsyncGenerator[Any, None]:
    """What happens in the book."""
    found: AsyncGenerator[Any, None] = bus.follow("b1", 0)
    return found


async def one_that_proves(link: Linked, **secrets: bytes) -> Any:
    """The owner's end of the link, once it stands anew where these are the secrets."""
    await link.shut()
    listener = link.listener
    listener.secrets = LinkListener(listener.bus, listener.clock, os.urandom, **secrets).secrets
    await link.open()
    await comes_true(lambda: link.bus.end is not None)
    (end,) = listener.known
    return end


class Shown:
    """A watcher that notes what it hears."""

    def __init__(self):
        self.news = []

    async def hear(self, news):
        self.news += news

    def kinds(self):
        return [type(one) for one in self.news if isinstance(one, Began | Cut | Frame | TurnedAway)]


def test_what_was_under_way_on_a_link_that_is_lost_is_done_once_and_answered_when_it_is_back(path):
    async def main():
        async with stage(path, held=True) as (world, link, store):
            store.hold()
            sent = asyncio.gather(*(link.bus.send_one(world.request("b1", wager())) for _ in range(20)))
            await store.held.wait()
            await link.shut()
            later = asyncio.create_task(link.bus.send_one(world.request("b1", wager())))
            store.let_go()
            await link.open()
            outcomes = [acceptance(one) for one in (*await sent, await later)]
            assert any(one.repeated for one in outcomes)
            assert await world.read("b1", lambda book: book.tickets.open_count) == 21

    play(main())


def test_a_link_that_stays_away_is_answered_for_as_unavailable_until_it_is_back(path, monkeypatch):
    monkeypatch.setattr("runline.bus.link.AGAIN_S_MAX", 0.02)

    async def main():
        async with stage(path) as (world, link, _):
            assert isinstance(await link.bus.send_one(world.request("b1", wager())), Accepted)
            await link.shut()
            outcome = await link.bus.send_one(world.request("b1", wager()))
            assert isinstance(outcome, Refused)
            assert outcome.code == "unavailable"
            for refused in (link.bus.ask(Question("b1", "board")), link.bus.who("b1", "nobody")):
                with pytest.raises(Rejected, match="recorded now"):
                    await refused
            with pytest.raises(Rejected, match="recorded now"):
                link.bus.watch("b1", Shown())
            with pytest.raises(Rejected, match="recorded now"):
                await anext(link.bus.follow("b1", 0))
            await link.open()
            await comes_true(lambda: link.bus.end is not None)
            assert isinstance(await link.bus.send_one(world.request("b1", wager())), Accepted)

    play(main())


def test_a_request_that_ends_each_link_over_which_it_is_sent_is_not_sent_for_ever(path, monkeypatch):
    monkeypatch.setattr("runline.bus.link.AGAIN_S_MAX", 0.2)

    def told(vocabulary, frame):
        if frame.correlation == "poison":
            raise RuntimeError("This is what nobody has thought of.")
        return request_told(vocabulary, frame)

    monkeypatch.setattr("runline.bus.owner.request_told", told)

    async def main():
        async with stage(path) as (world, link, _):
            outcome = await link.bus.send_one(world.request("b1", wager(), correlation="poison"))
            assert isinstance(outcome, Refused)
            assert outcome.code == "unavailable"
            await comes_true(lambda: link.bus.end is not None)
            assert isinstance(await link.bus.send_one(world.request("b1", wager())), Accepted)

    play(main())


def test_what_no_encoding_can_hold_is_refused_and_no_link_is_lost(path):
    async def main():
        async with stage(path) as (_, link, _):
            shown = Shown()
            watch = link.bus.watch("b1", shown)
            watch.tell(Enter(1, "\ud800", ("wagers",)))
            for refused in (link.bus.ask(Question("\ud800", "board")), link.bus.who("b1", "\ud800")):
                with pytest.raises(Rejected, match="surrogates"):
                    await refused
            await comes_true(lambda: shown.news != [])
            assert (shown.news[0].seats, shown.news[0].code) == ([1], "malformed_request")
            await link.shut()
            await link.open()
            await comes_true(lambda: link.bus.end is not None)

    play(main())


def test_a_question_under_way_on_a_link_that_is_lost_is_unavailable(path):
    async def main():
        async with stage(path, held=True) as (world, link, store):
            store.hold()
            caller = asyncio.create_task(world.do("b1", wager()))
            await store.held.wait()
            asked = asyncio.create_task(link.bus.ask(Question("b1", "players", actor="owner")))
            await comes_true(lambda: any(end.tasks for end in link.listener.known))
            await link.shut()
            with pytest.raises(Rejected, match="recorded now"):
                await asked
            assert not link.bus.asked
            store.let_go()
            await caller

    play(main())


def test_a_question_that_a_lost_link_has_left_unanswered_is_gone(path):
    async def main():
        async with stage(path, held=True) as (world, link, store):
            store.hold()
            caller = asyncio.create_task(world.do("b1", wager()))
            await store.held.wait()

            async def ask():
                with suppress(Rejected):
                    await link.bus.ask(Question("b1", "players", actor="owner"))

            asking = asyncio.create_task(ask())
            await comes_true(lambda: any(end.tasks for end in link.listener.known))
            (answer,) = [ref(asked.answer) for asked in link.bus.asked.values()]
            await link.shut()
            await asking
            del asking
            while gc.collect():
                pass
            assert answer() is None
            store.let_go()
            await caller

    play(main())


async def all_of(following, seen):
    """Take what is followed, as long as it goes on."""
    async for happened in following:
        seen += happened


def test_who_follows_over_a_link_that_is_lost_lags_and_goes_on_from_there_without_a_gap(path):
    async def main():
        async with stage(path) as (world, link, _):
            following = link.bus.follow("b1", 0)
            seen = await anext(following)
            await link.shut()
            with pytest.raises(Lagged):
                await all_of(following, seen)
            for _ in range(3):
                await world.do("b1", wager())
            await link.open()
            head = await world.read("b1", lambda book: book.seq)
            async for happened in link.bus.follow("b1", seen[-1].seq):
                seen += happened
                if seen[-1].seq == head:
                    break
            assert [one.seq for one in seen] == list(range(1, head + 1))
            await comes_true(lambda: not any(end.followings for end in link.listener.known))

    play(main())


def test_screens_hear_that_their_stream_is_away_and_come_back_to_it(path):
    async def main():
        async with stage(path) as (world, link, _):
            caller = await world.sign_in("b1", "owner")
            hubs: Any = world.bus
            shown = Shown()
            watch = link.bus.watch("b1", shown)
            watch.tell(Enter(1, caller.session, ("wagers",)))
            await comes_true(lambda: shown.kinds() == [Began])
            await world.do("b1", wager())
            await comes_true(lambda: shown.kinds() == [Began, Frame])
            await link.shut()
            await comes_true(lambda: shown.kinds() == [Began, Frame, Cut])
            assert (shown.news[-1].seats, shown.news[-1].reason) == ([1], "unavailable")
            assert hubs.watching.hubs == {}
            watch.tell(Enter(2, caller.session, ("wagers",)))
            await link.open()
            await comes_true(lambda: shown.kinds() == [Began, Frame, Cut, Began])
            watch.close()
            await comes_true(lambda: hubs.watching.hubs == {})

    play(main())


def test_who_would_watch_what_there_is_not_or_cannot_be_reached_is_turned_away(path, monkeypatch):
    monkeypatch.setattr("runline.bus.link.AGAIN_S_MAX", 0.02)

    async def main():
        async with stage(path) as (world, link, _):
            caller = await world.sign_in("b1", "owner")
            nowhere, here = Shown(), Shown()
            link.bus.watch("b9", nowhere).tell(Enter(1, caller.session, ("wagers",)))
            await comes_true(lambda: nowhere.news != [])
            assert (nowhere.news[0].seats, nowhere.news[0].code) == ([1], "unknown_book")
            watch = link.bus.watch("b1", here)
            await link.shut()
            watch.tell(Enter(2, caller.session, ("wagers",)))
            await comes_true(lambda: here.kinds() == [TurnedAway])
            watch.tell(Enter(3, caller.session, ("wagers",)))
            await comes_true(lambda: here.kinds() == [TurnedAway] * 2)
            assert [(one.seats, one.code) for one in here.news] == [([2], "unavailable"), ([3], "unavailable")]

    play(main())


@pytest.mark.parametrize(("size", "ahead"), [(1, TOLD_AHEAD_MAX), (NEWS_BYTES_MAX // 2, 1)])
def test_an_owner_waits_for_a_gateway_that_has_not_heard_what_it_was_told(path, size, ahead):
    async def main():
        async with stage(path) as (_, link, _):
            watcher = await watching(link)
            news = [Frame(1, b"x" * size, 1, 1)]
            for _ in range(ahead):
                await watcher.hear(news)
            telling = asyncio.create_task(watcher.hear(news))
            await asyncio.sleep(0)
            assert not telling.done()
            watcher.heard()
            await telling

    play(main())


def test_no_stream_waits_for_a_gateway_that_has_not_said_anything_for_a_while(path, monkeypatch):
    monkeypatch.setattr("runline.bus.wire.BEAT_S", 0.01)

    async def main():
        async with stage(path) as (world, link, _):
            caller = await world.sign_in("b1", "owner")
            reader, writer = await stranger(link)
            assert await frame_of(reader) is not None
            writer.write(framed(said(Watch(1, "b1"), Seated(1, Enter(1, caller.session, ("wagers",))))))
            await comes_true(lambda: any(end.watchers for end in link.listener.known))
            shown = Shown()
            link.bus.watch("b1", shown).tell(Enter(1, caller.session, ("wagers",)))
            for _ in range(TOLD_AHEAD_MAX + 2):
                before = len(shown.news)
                await world.do("b1", wager())
                await comes_true(lambda before=before: len(shown.news) > before)
            writer.close()

    play(main())


def said(*items):
    """What an end says in one frame."""
    return b"\xdd" + struct.pack(">I", len(items)) + b"".join(map(encode, items))


def test_events_that_were_not_told_end_the_following_before_what_comes_after_them(path):
    async def main():
        async with stage(path) as (_, link, _):
            following = link.bus.follow("b1", 0)
            seen = await anext(following)
            (number,) = link.bus.followed
            after = seen[-1].seq + 1
            link.bus.hear(Happened(number, after, after + 1, encode_committed(seen[-1:])))
            with pytest.raises(Lagged):
                await all_of(following, seen)
            await comes_true(lambda: not any(end.followings for end in link.listener.known))

    play(main())


# What ends a link


async def frame_of(reader):
    """What is said next; None once the connection is closed."""
    try:
        (length,) = struct.unpack("<I", await reader.readexactly(4))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def framed(said):
    """It as it goes over the connection."""
    return struct.pack("<I", len(said)) + said


async def stranger(link, secret=SECRET):
    """A connection on which the secret is proved, or another one."""
    reader, writer = await asyncio.open_unix_connection(str(link.path))
    nonce = bytes(NONCE_BYTES)
    greeting = await frame_of(reader)
    writer.write(framed(nonce + proof(secret, b"gateway", greeting.removeprefix(GREETING), nonce)))
    return reader, writer


async def is_closed(reader):
    """Whether the connection is closed without a word that is more than a sign of life."""
    while (said := await frame_of(reader)) is not None:
        assert len(said) < 64
    return True


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (framed(b"\xc1 no list"), "cannot be read"),
        (framed(b"\x91\x92\x63\x01"), "cannot be read"),
        (struct.pack("<I", ASKED_BYTES_MAX + 1), "too long"),
        (framed(b"\x91\x94\x07\x05\x00\x00"), "cannot be read"),
        (
            framed(b"\x91\x92\x08\x05") + framed(b"\x91\x93\x07\x05\x82\xa4type\xa5Leave\xa4seat\x01"),
            "nothing is watched",
        ),
    ],
)
def test_a_link_that_is_garbage_or_too_long_is_closed_with_a_sentence_and_no_other_is(path, caplog, said, why):
    async def main():
        async with stage(path) as (world, link, _):
            await comes_true(lambda: link.listener.known)
            reader, writer = await stranger(link)
            assert await frame_of(reader) is not None
            writer.write(said)
            assert await is_closed(reader)
            writer.close()
            assert isinstance(await link.bus.send_one(world.request("b1", wager())), Accepted)
            assert len(link.listener.known) == 1

    with caplog.at_level(logging.WARNING, "runline.bus"):
        play(main())
    assert [why in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", framed(b"x" * 64), framed(b"")])
def test_who_does_not_have_the_secret_is_heard_in_nothing(path, caplog, first):
    async def main():
        async with stage(path) as (_, link, _):
            await comes_true(lambda: link.listener.known)
            reader, writer = await asyncio.open_unix_connection(str(link.path))
            greeting = await frame_of(reader)
            assert greeting.startswith(GREETING)
            writer.write(first)
            assert await is_closed(reader)
            writer.close()
            reader, writer = await stranger(link, b"another secret")
            assert await is_closed(reader)
            writer.close()
            assert len(link.listener.known) == 1

    with caplog.at_level(logging.WARNING, "runline.bus"):
        play(main())
    assert len(caplog.records) == 2
    assert "does not have the secret" in caplog.records[1].getMessage()
    assert SECRET.decode() not in caplog.text


def test_a_flood_of_connections_that_say_nothing_closes_no_link(path, caplog):
    async def main():
        async with stage(path) as (world, link, _):
            await comes_true(lambda: link.listener.known)
            flood = [await asyncio.open_unix_connection(str(link.path)) for _ in range(STRANGERS_MAX + 4)]
            for reader, _ in flood[STRANGERS_MAX:]:
                assert await frame_of(reader) is None
            assert len(link.listener.strangers) == STRANGERS_MAX
            assert isinstance(await link.bus.send_one(world.request("b1", wager())), Accepted)
            for _, writer in flood:
                writer.close()

    play(main())


def test_an_end_that_says_nothing_any_more_is_taken_for_gone(path, monkeypatch):
    monkeypatch.setattr("runline.bus.wire.BEAT_S", 0.005)

    async def main():
        async with stage(path) as (_, link, _):
            reader, writer = await stranger(link)
            while await frame_of(reader) is not None:
                pass
            writer.close()
            await comes_true(lambda: link.bus.end is not None)

    play(main())


def test_a_gateway_believes_no_owner_that_does_not_have_the_secret(path):
    async def main():
        async with stage(path) as (_, link, _):
            await link.shut()
            link.listener.secrets = [(b"another secret", False)]
            await link.open()
            await comes_true(lambda: link.listener.strangers)
            await comes_true(lambda: not link.listener.strangers)
            assert link.bus.end is None

    play(main())


def test_no_stream_waits_for_who_has_left_before_hearing_what_they_were_told(path):
    async def main():
        async with stage(path) as (_, link, _):
            watcher = await watching(link)
            watcher.is_slow = True
            news = [Frame(1, b"x" * NEWS_BYTES_MAX, 1, 1)]
            telling = asyncio.create_task(watcher.hear(news))
            await asyncio.sleep(0)
            assert not telling.done()
            watcher.end.unwatch(Unwatch(7))
            await telling
            await watcher.hear(news)
            assert len(watcher.unheard) == 1

    play(main())


def test_a_gateway_that_hears_nothing_keeps_nobody_waiting_and_what_is_too_much_ends_its_link(path, monkeypatch):
    monkeypatch.setattr("runline.bus.watcher.HEARD_S_MAX", 0.2)

    async def main():
        async with stage(path) as (_, link, _):
            watcher = await watching(link)
            for _ in range(20 * TOLD_AHEAD_MAX):
                await watcher.hear([Frame(1, b"", 1, 1)])
            assert watcher.is_slow
            for _ in range(20 * TOLD_AHEAD_MAX):
                watcher.heard()
            assert not watcher.is_slow
            await watcher.hear([Frame(1, b"x" * NEWS_BYTES_MAX, 1, 1)])
            assert watcher.end.over

    play(main())


def test_a_frame_that_is_long_does_not_count_as_one_that_is_not_read(path, monkeypatch):
    monkeypatch.setattr("runline.bus.wire.UNSENT_BYTES_MAX", 4096)

    async def main():
        async with stage(path) as (world, link, _):
            await comes_true(lambda: link.listener.known)
            (end,) = link.listener.known
            end.say(encode(Told(7, [Frame(1, b"x" * 2**24, 1, 1)])))
            end.say(end.sign_of_life())
            await asyncio.sleep(0)
            await link.bus.send_one(world.request("b1", wager()))
            assert not end.over
            # Of what is said after it no more may wait.
            for _ in range(64):
                end.say(encode(Told(7, [Frame(1, b"x" * 2**24, 1, 1)])))
            assert end.over

    play(main())


def test_a_gateway_acts_as_itself_or_in_a_session_and_follows_nothing(path):
    async def main():
        async with stage(path) as (world, link, _):
            end = await one_that_proves(link, gateways=SECRET)
            assert end.is_gateway
            refused: Any = await link.bus.send_one(world.request("b1", wager()))
            assert refused.code == "not_permitted"
            with pytest.raises(Rejected) as rejected:
                await link.bus.ask(Question("b1", "log", actor="owner"))
            assert rejected.value.code == "not_permitted"
            for name in (PROOF, COPY):
                with pytest.raises(Rejected) as rejected:
                    await link.bus.ask(Question("b1", name))
                assert rejected.value.code == "not_permitted"
            with pytest.raises(Lagged):
                await anext(link.bus.follow("b1", 0))
            await comes_true(lambda: link.bus.end is not None)
            # What it is there for.
            assert (await link.bus.ask(Question("", MEASURES))).body
            caller = await world.sign_in("b1", "owner")
            assert (await link.bus.who("b1", caller.session)).user == "owner"

    play(main())


def test_an_engine_that_has_the_engines_secret_follows_streams_and_one_that_has_the_gateways_is_a_gateway(path):
    async def main():
        async with stage(path) as (world, link, _):
            end = await one_that_proves(link, engines=SECRET, gateways=b"a lesser secret")
            assert not end.is_gateway
            assert (await link.bus.ask(Question("b1", PROOF))).position == world.engine.writers["b1"].durable_seq
            async with aclosing(follow(link.bus)) as pieces:
                assert await anext(pieces)
            end = await one_that_proves(link, engines=b"a greater secret", gateways=SECRET)
            assert end.is_gateway
            await link.shut()
            link.listener.secrets = LinkListener(world.bus, world.clock, os.urandom).secrets
            await link.open()
            await comes_true(lambda: link.listener.strangers)
            await comes_true(lambda: not link.listener.strangers)
            assert link.bus.end is None

    play(main())


def test_what_is_longer_than_a_frame_is_said_in_parts_and_heard_whole(path, monkeypatch):
    for where, name, value in (("owner", "FRAME_BYTES", 64), ("wire", "FRAME_BYTES", 64), ("wire", "PART_BYTES", 24)):
        monkeypatch.setattr(f"runline.bus.{where}.{name}", value)

    async def main():
        async with stage(path) as (world, link, _):
            heard = []
            joined = GatewayEnd.joined

            def hearing(end, part):
                heard.append(part.last)
                return joined(end, part)

            monkeypatch.setattr(GatewayEnd, "joined", hearing)
            outcomes = await asyncio.gather(*(link.bus.send_one(world.request("b1", wager())) for _ in range(20)))
            assert [acceptance(one).repeated for one in outcomes] == [False] * 20
            over, here = [await bus.ask(Question("b1", "board", actor="owner")) for bus in (link.bus, world.bus)]
            assert over == here
            async with aclosing(follow(link.bus)) as pieces:
                assert (await anext(pieces))[0].seq == 1
            assert heard.count(True) > 20
            assert heard.count(False) > 40

    play(main())


def test_an_answer_goes_between_the_parts_of_what_is_long_and_waits_for_none_of_them(path):
    async def main():
        async with stage(path) as (_, link, _):
            watcher = await watching(link)
            bus: Any = link.bus
            heard = []

            def heeding(hear):
                def hearing(said):
                    heard.append(type(said))
                    return hear(said)

                return hearing

            await comes_true(lambda: bus.end is not None)
            bus.hear, bus.end.joined = heeding(bus.hear), heeding(bus.end.joined)
            bus.end.transport.pause_reading()
            watcher.end.say_later(encode(Told(7, [Frame(1, b"x" * 2**24, 1, 1)])))
            watcher.end.say_later(encode(Told(7, [Frame(1, b"after it", 1, 1)])))
            asked = asyncio.create_task(link.bus.ask(Question("", MEASURES)))
            await comes_true(lambda: watcher.end.tasks)
            await comes_true(lambda: not watcher.end.tasks)
            bus.end.transport.resume_reading()
            await asked
            await comes_true(lambda: heard.count(Told) == 2)
            parts = heard.count(Part)
            assert parts > 400
            # As much as is on its way was said before it: some frames, and not all of it.
            assert heard[: heard.index(Answered)].count(Part) < parts // 2
            assert heard.index(Told) > heard.index(Answered)

    play(main())


def test_what_is_too_long_in_all_its_parts_ends_the_link(path, monkeypatch, caplog):
    monkeypatch.setattr("runline.bus.gateway.TOLD_BYTES_MAX", 2**20)

    async def main():
        async with stage(path) as (_, link, _):
            watcher = await watching(link)
            watcher.end.say_later(encode(Told(7, [Frame(1, b"x" * 2**21, 1, 1)])))
            await comes_true(lambda: watcher.end.over)

    with caplog.at_level(logging.WARNING):
        play(main())
    assert "what it says is too long, more than 1048576 bytes" in caplog.text
