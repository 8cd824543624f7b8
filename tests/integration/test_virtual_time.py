"""Engine, gateway and connections on a loop whose time is made: an hour passes at once, and always in the same way."""

import asyncio
import json
from random import Random
from typing import Any

from tests.doubles.plain import VOCABULARY
from tests.integration.world import HOUR_NS, MONEYLINE, NOON_NS, SECOND_NS, World

from runline.bootstrap import running_engine
from runline.domain.accounts import TemporaryCreditExpired
from runline.domain.messages import HOUSE
from runline.domain.sessions import SessionEnded, SessionLimits
from runline.engine.envelope import decode_envelope
from runline.gateway.limits import HEARTBEAT_S, KEEP_ALIVE_S
from runline.gateway.server import make_server
from runline.simulate.clocks import VirtualClock
from runline.simulate.loop import VirtualLoop
from runline.simulate.network import Caller
from runline.simulate.nodes import virtual_outside
from runline.store.memory import MemoryStore

PASSWORD = "a long password"
MINUTE_NS = 60 * SECOND_NS
IDLE_NS = 30 * MINUTE_NS
BET = {
    "player": "P1",
    "market": MONEYLINE,
    "side": "home",
    "line_quarters": None,
    "price": "+102",
    "amount_minor": 50_00,
}


class Told:
    """What one hour has shown."""

    def __init__(self) -> None:
        self.frames = b""
        self.answers: list[tuple[int, bytes]] = []
        self.log: list[tuple[Any, ...]] = []

    def happened(self, kind):
        """(when, event) of each event of a kind in the book."""
        envelopes = [decode_envelope(row[4]) for row in self.log if row[0] == "b1"]
        events = [(one.at_ns, one.event(VOCABULARY)) for one in envelopes]
        return [(at_ns, event) for at_ns, event in events if isinstance(event, kind)]


def an_hour(seed):
    """A player watches and wagers for an hour; the owner does something and then nothing."""
    loop = VirtualLoop()
    clock = VirtualClock(loop, NOON_NS)
    told = Told()

    async def ask(caller, method, path, token="", **fields):
        caller.send(method, path, token=token, body=json.dumps(fields).encode() if fields else b"")
        told.answers.append(await caller.answer())
        return told.answers[-1][0], json.loads(told.answers[-1][1] or b"{}")

    async def main():
        store = MemoryStore(Random(seed + 2).randbytes)
        outside = virtual_outside(clock, seed)
        async with running_engine(store, clock=clock, entropy=Random(seed + 1).randbytes) as (engine, bus):
            world = World(engine, bus, clock)
            await world.open_house()
            await world.open_book()
            lasting = {kind: SessionLimits(IDLE_NS, 24 * HOUR_NS) for kind in ("program", "screen")}
            server = make_server(bus, outside, lasting=lasting)
            tokens = {}
            caller = Caller(server)
            for user in ("owner", "P1"):
                await server.gateway.signing.set_first_password("b1", user, PASSWORD)
                _, signed = await ask(caller, "POST", "/v1/sign-in", stream="b1", user=user, password=PASSWORD)
                tokens[user] = signed["token"]
            screen = Caller(server)
            screen.send("GET", "/v1/stream?topics=wagers", token=tokens["P1"])
            fields = {"player": "P1", "credit_minor": 5_00, "until_ns": NOON_NS + 40 * MINUTE_NS, "reason": "asked"}
            assert (await ask(caller, "POST", "/v1/grant-temporary-credit", tokens["owner"], **fields))[0] == 200
            assert (await ask(caller, "POST", "/v1/wagers", tokens["P1"], **BET))[0] == 200
            await asyncio.sleep(2 * KEEP_ALIVE_S)  # waits: this time is made
            assert caller.said.at_eof()
            await asyncio.sleep(3_600 - loop.time())  # waits: this time is made
            caller = Caller(server)
            late = await ask(caller, "POST", "/v1/wagers", tokens["P1"], **BET)
            assert (late[0], late[1]["error"]["code"]) == (409, "past_cutoff")
            assert (await ask(caller, "GET", "/v1/me", tokens["owner"]))[0] == 401
            screen.close()
            caller.close()
            await asyncio.sleep(0)
            told.frames = await screen.said.read()
            await server.gateway.close()
            told.log = [row for stream in (HOUSE, "b1") for row in await store.events(stream, 0, 1_000)]

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    return told


def test_an_hour_passes_at_once_with_its_timers_its_heartbeats_and_what_idles():
    told = an_hour(1)
    ((expired_ns, _),) = told.happened(TemporaryCreditExpired)
    assert expired_ns == NOON_NS + 40 * MINUTE_NS
    ((ended_ns, ended),) = told.happened(SessionEnded)
    assert ended.cause == "idle"
    assert IDLE_NS <= ended_ns - NOON_NS <= IDLE_NS + MINUTE_NS
    assert abs(told.frames.count(b"event: heartbeat") - 3_600 / HEARTBEAT_S) < 10
    assert b"event: image" in told.frames


def test_what_chance_decides_comes_from_the_seed_alone():
    one, again, other = an_hour(1), an_hour(1), an_hour(2)
    assert one.answers == again.answers
    assert one.frames == again.frames
    assert one.log == again.log
    assert one.answers != other.answers
    assert [row[:2] for row in one.log] == [row[:2] for row in other.log]
