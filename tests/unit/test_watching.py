"""Watching: whatever goes over a link is encoded and decoded again as it was; screens are written what is heard, in order."""

import asyncio

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY

from runline.engine.clock import SystemClock
from runline.engine.watching import Began, Cut, Enter, Frame, Leave, Moved, News, Resume, Seating, TurnedAway
from runline.gateway.fan import Fan

SAID = [
    (Seating, Enter(1, "s", ("wagers", "lines"), "A1", Resume("l", 2, 3))),
    (Seating, Leave(1)),
    (News, Began(1, "l", [1, 2], b"image", 4, 5, 6)),
    (News, Frame(1, b"delta", 4, 5)),
    (News, Cut([1], "revoked")),
    (News, TurnedAway([1], "busy", "Too many.", {"most": 16})),
    (News, Moved(4, 5, [1])),
]


@pytest.mark.parametrize(("kind", "said"), SAID)
def test_whatever_goes_over_a_link_is_the_same_at_its_other_end(kind, said):
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=kind) == said


class Owner:
    """The owner of all streams, as a screen's side sees it."""

    def __init__(self):
        self.told = []
        self.watcher = None

    def watch(self, stream, watcher):
        self.watcher = watcher
        return self

    def tell(self, seating):
        self.told.append(seating)

    def close(self):
        self.told.append("closed")


def test_what_an_event_is_told_in_is_a_topic_in_which_every_event_counts():
    assert {event.topic for event in VOCABULARY.events.values()} - {""} <= {
        topic.name for topic in VOCABULARY.topics.values() if topic.events
    }


def fan_out(main):
    async def run():
        owner = Owner()
        fan = Fan(owner, SystemClock())
        await main(fan, owner)

    asyncio.run(run())


def test_a_frame_goes_to_the_screens_that_had_begun_when_it_was_made():
    async def main(fan, owner):
        first, second = [await fan.join("b1", "s", ("wagers",), None) for _ in range(2)]
        await owner.watcher.hear([Began(7, "l", [first.seat], b"image;", 1, 1), Frame(7, b"delta;", 1, 2)])
        await owner.watcher.hear([Began(7, "l", [second.seat], b"late;", 1, 2), Frame(7, b"next;", 1, 3)])
        assert await first.next() == b"image;delta;next;"
        assert await second.next() == b"late;next;"

    fan_out(main)


def test_a_screen_that_is_cut_is_told_why_and_nothing_after_it():
    async def main(fan, owner):
        screens = [await fan.join("b1", "s", ("wagers",), None) for _ in range(2)]
        await owner.watcher.hear([Began(7, "l", [one.seat for one in screens], b"image;", 1, 1)])
        await owner.watcher.hear([Cut([screens[0].seat], "revoked"), Frame(7, b"secret;", 1, 2)])
        assert await screens[0].next() == b'image;event: reset\ndata: {"reason":"revoked"}\n\n'
        assert await screens[0].next() == b""
        assert await screens[1].next() == b"image;secret;"

    fan_out(main)


def test_a_stream_is_followed_from_its_first_screen_to_the_last():
    async def main(fan, owner):
        screens = [await fan.join("b1", "s", ("wagers",), None) for _ in range(2)]
        fan.leave(screens[0])
        fan.leave(screens[0])
        assert fan.count == 1
        assert owner.told[2:] == [Leave(screens[0].seat)]
        fan.leave(screens[1])
        assert (fan.count, fan.followed) == (0, {})
        assert owner.told[3:] == [Leave(screens[1].seat), "closed"]

    fan_out(main)


def test_what_is_heard_of_screens_that_have_gone_is_for_nobody():
    async def main(fan, owner):
        gone, here = [await fan.join("b1", "s", ("wagers",), None) for _ in range(2)]
        fan.leave(gone)
        await owner.watcher.hear(
            [
                Began(7, "l", [gone.seat], b"image;", 1, 1),
                Frame(7, b"delta;", 1, 2),
                Cut([gone.seat], "revoked"),
                TurnedAway([gone.seat], "busy", "Too many.", {}),
                Moved(1, 2, []),
            ]
        )
        assert fan.followed["b1"].groups == {}
        assert not here.closed
        assert here.backlog == []

    fan_out(main)
