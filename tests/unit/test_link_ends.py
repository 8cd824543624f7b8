"""Two ends of a link, as they come to know each other."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from runline.bus.gateway import GatewayEnd
from runline.bus.wire import GREETING, HEAD, NONCE_BYTES, proof

SECRET = b"s" * 32
NONCE = b"n" * NONCE_BYTES


class Sent:
    """A transport that keeps what is written."""

    def __init__(self):
        self.written = []
        self.aborted = False

    def set_write_buffer_limits(self, most):
        pass

    def get_extra_info(self, name):
        return None

    def write(self, data):
        self.written.append(data)

    def abort(self):
        self.aborted = True


def at_a_gateway():
    """An end, and what it is connected by."""
    bus: Any = SimpleNamespace(secret=SECRET, entropy=bytes)
    transport: Any = Sent()
    end = GatewayEnd(bus)
    end.connection_made(transport)
    return end, transport


def framed(said):
    return HEAD.pack(len(said)) + said


@pytest.mark.parametrize("wanted", [True, False])
def test_ends_know_each_other_whether_anybody_wants_the_link_still_or_not(wanted, caplog):
    async def story():
        end, transport = at_a_gateway()
        end.data_received(framed(GREETING + NONCE))
        if not wanted:
            # Whoever waits for it is cancelled, and has not had its turn yet.
            end.known.cancel()
        end.data_received(framed(proof(SECRET, b"owner", NONCE, end.nonce)))
        assert (end.open, transport.aborted) == (True, False)
        assert end.known.cancelled() is not wanted
        end.end("")
        assert transport.aborted

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    assert caplog.records == []


def test_one_that_is_longer_than_all_that_may_wait_takes_no_room_from_what_comes_after_it(monkeypatch):
    monkeypatch.setattr("runline.bus.wire.UNSENT_BYTES_MAX", 1_000)
    monkeypatch.setattr("runline.bus.wire.FRAME_BYTES", 64)

    async def story():
        end, transport = at_a_gateway()
        end.pause_writing()
        end.say_later(bytes(5_000))
        for _ in range(10):
            end.say_later(bytes(50))
        assert not transport.aborted
        for _ in range(30):
            end.say_later(bytes(50))
        assert transport.aborted
        end.end("the test is over")

    asyncio.run(story())
