"""For how long something waits for an owner of whom nothing is heard, on a loop whose time is made."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.doubles.placed import Placed
from tests.doubles.plain import VOCABULARY
from tests.integration.world import NOON_NS, wager

from runline.bus.gateway import GatewayEnd
from runline.bus.limits import AGAIN_S_MAX, BEAT_S
from runline.bus.link import LinkBus
from runline.bus.routed import RoutedBus
from runline.bus.said import Came, Send, Time, decode_asked
from runline.bus.wire import ARRAY, GREETING, HEAD, NONCE_BYTES, proof
from runline.domain.messages import Rejected
from runline.engine.bus import Question
from runline.engine.codec import outcome_frame
from runline.engine.requests import Accepted, Refused, Request
from runline.engine.watching import Enter, TurnedAway
from runline.simulate.clocks import VirtualClock
from runline.simulate.loop import VirtualLoop

SECRET = b"a secret of tests"
NONCE = b"n" * NONCE_BYTES


class Line:
    """A connection to an owner who says that he is there, and takes what is asked. silent: whether nothing of that passes any
    more, and nobody is told. asked: what has reached him."""

    def __init__(self, end: GatewayEnd) -> None:
        self.loop = asyncio.get_running_loop()
        self.end: Any = end
        self.silent = False
        self.over = False
        self.asked: list[Any] = []
        end.connection_made(self)  # type: ignore[arg-type]
        self.tell(GREETING + NONCE)
        self.tell(proof(SECRET, b"owner", NONCE, end.nonce))
        self.beat()

    def tell(self, said: bytes) -> None:
        if not self.silent and not self.over:
            self.end.data_received(HEAD.pack(len(said)) + said)

    def say(self, *said: Any) -> None:
        """The owner says something."""
        self.tell(msgspec.msgpack.encode(said))

    def beat(self) -> None:
        if not self.over:
            self.say(Time(NOON_NS))
            self.loop.call_later(BEAT_S, self.beat)

    def break_off(self) -> None:
        """The connection is closed by the other end."""
        self.over = True
        self.end.connection_lost(None)

    # What an end does with its transport

    def set_write_buffer_limits(self, most: int) -> None:
        pass

    def get_extra_info(self, name: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None:
        frame = data[HEAD.size :]
        if not self.silent and frame[:1] == ARRAY.pack(b"\xdd", 0)[:1]:
            self.asked += [one for one in decode_asked(frame) if isinstance(one, Send)]

    def abort(self) -> None:
        if not self.over:
            self.over = True
            self.loop.call_soon(self.end.connection_lost, None)


class Owner:
    """Somebody who is reached over one line after the other. lets_in: whether another one comes to stand."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.lets_in = True

    async def connect(self, make: Any) -> None:
        if not self.lets_in:
            raise ConnectionRefusedError
        self.lines.append(Line(make()))

    def link(self, loop: VirtualLoop) -> LinkBus:
        return LinkBus(VOCABULARY, VirtualClock(loop, NOON_NS), bytes, SECRET, self.connect)

    def fall_silent(self) -> None:
        """Nothing passes any more, there or back, nor does anybody hear of that."""
        self.lets_in = False
        self.lines[-1].silent = True

    def go(self) -> None:
        """The connection is closed, and there is no other."""
        self.lets_in = False
        self.lines[-1].break_off()


def played(story):
    """Tell a story with an owner, a link to them and a loop, at 10 s of its time."""
    loop = VirtualLoop()

    async def main():
        owner = Owner()
        link = owner.link(loop)
        await passes(10.0)
        await story(owner, link, loop)
        await link.close()

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()


async def passes(seconds):
    await asyncio.sleep(seconds)  # waits: time is made, and nobody waits for it


async def waited_s(loop, awaited):
    """(what came of something, after how long)."""
    began_s = loop.time()
    return await awaited, loop.time() - began_s


def code_of(outcome):
    assert isinstance(outcome, Refused)
    return outcome.code


@pytest.mark.parametrize("later_s", [0.1, 2.0, 4.5])
def test_who_waits_for_an_owner_who_fell_silent_hears_so_five_seconds_after_the_last_word(later_s):
    async def story(owner, link, loop):
        owner.fall_silent()
        await passes(later_s)
        outcome, took_s = await waited_s(loop, link.send_one(Request("b1", "c1", "owner", wager())))
        assert code_of(outcome) == "unavailable"
        assert AGAIN_S_MAX - BEAT_S <= later_s + took_s <= AGAIN_S_MAX + 2 * BEAT_S
        assert link.given_up
        # From now on nobody waits.
        _, took_s = await waited_s(loop, link.send_one(Request("b1", "c2", "owner", wager())))
        assert took_s == 0.0

    played(story)


def test_who_waits_for_an_owner_who_went_with_a_word_waits_for_five_seconds():
    async def story(owner, link, loop):
        owner.go()
        outcome, took_s = await waited_s(loop, link.send_one(Request("b1", "c1", "owner", wager())))
        assert code_of(outcome) == "unavailable"
        assert AGAIN_S_MAX - BEAT_S <= took_s <= AGAIN_S_MAX

    played(story)


def test_a_line_that_fell_silent_is_replaced_in_time_and_what_was_said_on_it_is_said_again_with_its_id():
    async def story(owner, link, loop):
        owner.lines[0].silent = True
        sending = asyncio.create_task(link.send_one(Request("b1", "c1", "owner", wager())))
        await passes(AGAIN_S_MAX)
        (_, line) = owner.lines
        assert not link.given_up
        (sent,) = line.asked
        assert sent.request.id == "c1"
        line.say(Came(sent.number, outcome_frame(Accepted(7, []))))
        assert (await sending).position == 7

    played(story)


def test_whoever_stood_still_themselves_does_not_take_that_for_the_silence_of_others():
    async def story(owner, link, loop):
        loop.passing.passed_ns += int(2 * AGAIN_S_MAX * 1e9)
        owner.go()
        outcome, took_s = await waited_s(loop, link.send_one(Request("b1", "c1", "owner", wager())))
        assert code_of(outcome) == "unavailable"
        assert took_s >= AGAIN_S_MAX - BEAT_S

    played(story)


class Shown:
    """A watcher that notes what it hears, and when."""

    def __init__(self, loop):
        self.loop = loop
        self.news = []

    async def hear(self, news):
        self.news += [(self.loop.time(), one) for one in news]


@pytest.mark.parametrize("silently", [True, False])
@pytest.mark.parametrize("noticed_s", [2.5, 4.6])
def test_who_waits_for_a_stream_whose_owner_is_gone_hears_so_five_seconds_after_the_owners_last_word(
    silently, noticed_s
):
    async def story(owner, link, loop):
        places = Placed({"b1": "a"}, frozenset({"a"}))
        bus = RoutedBus(VOCABULARY, VirtualClock(loop, NOON_NS), bytes, None, places, lambda address: link)
        shown = Shown(loop)
        watch = bus.watch("b1", shown)
        began_s = loop.time()
        (owner.fall_silent if silently else owner.go)()
        sent = asyncio.create_task(waited_s(loop, bus.send_one(Request("b1", "c1", "owner", wager()))))
        asked = asyncio.create_task(waited_s(loop, answered(bus)))
        await passes(noticed_s)
        # That the owner's node is gone is noticed, and nobody takes the stream.
        places.there = frozenset()
        places.put("b1", None)
        await passes(0.1)
        watch.tell(Enter(1, "a session", ("wagers",)))
        outcome, took_s = await sent
        assert code_of(outcome) == "unavailable"
        assert took_s <= AGAIN_S_MAX + 2 * BEAT_S
        assert took_s >= AGAIN_S_MAX - BEAT_S
        code, took_s = await asked
        assert code == "unavailable"
        assert took_s <= AGAIN_S_MAX + 2 * BEAT_S
        await passes(2 * BEAT_S)
        ((at_s, news),) = shown.news
        assert isinstance(news, TurnedAway)
        assert at_s - began_s <= AGAIN_S_MAX + 2 * BEAT_S
        await bus.close()

    played(story)


async def answered(bus):
    """The code for which a question is refused."""
    with pytest.raises(Rejected) as refused:
        await bus.ask(Question("b1", "board"))
    return refused.value.code
