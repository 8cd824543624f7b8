"""Connections: whatever a stranger sends, drips or leaves unread has a bound and a deadline, and the others go on."""

import asyncio
import gc
import json
import subprocess
import sys
import weakref

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.ids import uuid7
from tests.integration.served import PASSWORD, raw, served, small_buffer
from tests.integration.world import HOUR_NS, wager

from runline.bootstrap import run as run_program
from runline.gateway.addresses import Addresses
from runline.gateway.limits import (
    BULK_BYTES_MAX,
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    PASSWORDS_WAITING_MAX,
    PIPELINE_MAX,
    SHORT_WAYS_MAX,
    SIGN_IN_BYTES_MAX,
    URL_BYTES_MAX,
)
from runline.gateway.short_way import WagerExchange

WAIT_S = 30
BET = {name: getattr(wager(), name) for name in wager().__struct_fields__}
MANY = 40


@pytest.fixture
def place(path):
    """Run a test against a server with a house, a book and a game."""

    def run(main, **options):
        async def prepared():
            async with served(path, **options) as place, asyncio.timeout(WAIT_S):
                await place.world.open_house()
                await place.world.open_book(players=2, credit_minor=10**9)
                await main(place)

        run_program(prepared)

    return run


def head(place, method, path, *lines, token=""):
    who = [f"authorization: Bearer {token}"] if token else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *who, *lines, "", ""]).encode()


def request(place, method, path, body=b"", kind="application/json", token="", chunked=False):
    """A whole request."""
    key = f"idempotency-key: {uuid7(place.world.clock.at_ns)}"
    if chunked:
        size = "transfer-encoding: chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        size = f"content-length: {len(body)}"
    return head(place, method, path, f"content-type: {kind}", size, key, token=token) + body


async def answer_of(reader):
    """(status, headers, body) of the next answer."""
    top, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(top.split()[1]), headers, body


async def said(reader):
    """(status, code) of the last answer of a connection, which is closed then; (0, "") if it is closed without a word."""
    try:
        status, _, body = await answer_of(reader)
    except asyncio.IncompleteReadError as error:
        return 0, error.partial.decode()
    assert await reader.read() == b""
    return status, json.loads(body).get("error", {}).get("code", "")


def read_to_the_end(connection):
    """Read whatever there is."""
    connection.settimeout(WAIT_S)
    while connection.recv(1_000_000):
        pass


async def is_served(place, owner):
    """A wager on a new connection goes through."""
    async with raw(place) as (reader, writer):
        writer.write(request(place, "POST", "/v1/wagers", json.dumps(BET).encode(), token=owner.token))
        assert (await answer_of(reader))[0] == 200


# Heads

LARGE_HEADS = {
    "one header": (b"GET /v1/ready HTTP/1.1\r\nx: ", b"a" * 1_000, 431, "head_too_large"),
    "one name": (b"GET /v1/ready HTTP/1.1\r\n", b"a" * 1_000, 431, "head_too_large"),
    "many headers": (b"GET /v1/ready HTTP/1.1\r\n", b"a:\r\n" * 200, 431, "head_too_large"),
    "a target": (b"GET /", b"a" * 1_000, 414, "uri_too_long"),
    "a line that never ends": (b"GET /v1/ready ", b" " * 1_000, 431, "head_too_large"),
    "a request for a wager": (b"POST /v1/wagers HTTP/1.1\r\nx: ", b"a" * 1_000, 431, "head_too_large"),
    "a second request": (b"GET /v1/ready HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nx:", b"a" * 1_000, 431, "head_too_large"),
}


@pytest.mark.parametrize("what", LARGE_HEADS)
@pytest.mark.parametrize("piece", [100, 10**6])
def test_a_head_is_bounded_and_no_more_of_it_is_read(place, what, piece):
    begin, more, status, code = LARGE_HEADS[what]

    async def main(place):
        async with raw(place) as (reader, writer):
            writer.write(begin)
            if piece < 1_000:
                for _ in range(HEAD_BYTES_MAX * 3 // len(more)):
                    writer.write(more)
                    await asyncio.sleep(0)
            else:
                writer.write(more * (40_000 // len(more)))
            if what == "a second request":
                assert (await answer_of(reader))[0] == 200
            assert await said(reader) == (status, code)

    place(main)


def test_whoever_sends_100_megabytes_of_head_is_cut_long_before(place):
    async def main(place):
        async def send(writer):
            for _ in range(100):
                writer.write(b"a" * 1_000_000)
                await writer.drain()

        async with raw(place) as (_, writer):
            writer.write(b"GET / HTTP/1.1\r\nx: ")
            with pytest.raises(ConnectionError):
                await send(writer)
        assert len(place.server.entrance.connections.unsigned) <= 1

    place(main)


def test_a_head_within_the_bounds_is_read_however_it_comes(place):
    async def main(place):
        lines = [f"x{number}: {'a' * 100}" for number in range(HEADERS_MAX - 1)]
        query = "x=" + "a" * (URL_BYTES_MAX - 100)
        plain, queried = head(place, "GET", "/v1/ready", *lines), head(place, "GET", f"/v1/ready?{query}")
        for whole, status in ((plain, 200), (queried, 400)):
            # (What is read whole is answered: there is no such parameter.)
            assert len(whole) < HEAD_BYTES_MAX
            for size in (len(whole), 1_000, 7):
                async with raw(place) as (reader, writer):
                    for start in range(0, len(whole), size):
                        writer.write(whole[start : start + size])
                        await asyncio.sleep(0)
                    assert (await answer_of(reader))[0] == status
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", f"/v1/ready?{'a' * URL_BYTES_MAX}"))
            assert await said(reader) == (414, "uri_too_long")
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/ready", *["x: y"] * HEADERS_MAX))
            assert await said(reader) == (431, "head_too_large")

    place(main)


def test_many_requests_at_once_are_answered_in_order_and_never_kept_all(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        bet = json.dumps(BET).encode()
        wagers = b"".join(request(place, "POST", "/v1/wagers", bet, token=owner.token) for _ in range(600))
        assert len(wagers) > 10 * HEAD_BYTES_MAX
        async with raw(place) as (reader, writer):
            writer.write(wagers)
            positions = []
            for _ in range(600):
                status, _, body = await answer_of(reader)
                assert status == 200
                positions.append(json.loads(body)["position"])
                assert all(len(one.waiting) <= PIPELINE_MAX for one in place.server.server_state.connections)
            assert positions == sorted(set(positions))
        # What is very short is turned away, after those before it.
        async with raw(place) as (reader, writer):
            writer.write(b"GET /v1/ready HTTP/1.1\r\n\r\n" * 10_000)
            statuses = []
            while not reader.at_eof():
                try:
                    statuses.append((await answer_of(reader))[0])
                except (asyncio.IncompleteReadError, ConnectionError):
                    break
            assert set(statuses[:-1]) == {200}
            assert statuses[-1] == 429
        await is_served(place, owner)

    place(main)


FLOODS = {
    "chunks of a byte": b"1\r\nx\r\n" * 20_000,
    "an extension": b"1;" + b"x" * 100_000 + b"\r\nx\r\n",
    "extensions": (b"8;" + b"x" * 100 + b"\r\n12345678\r\n") * 1_000,
    "a trailer": b"1\r\nx\r\n0\r\nx: " + b"a" * 100_000,
    "trailers": b"1\r\nx\r\n0\r\n" + b"a:\r\n" * 20_000,
}


@pytest.mark.parametrize("what", FLOODS)
def test_a_body_that_is_long_without_holding_much_is_refused(place, what):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for path, kind in (("/v1/commands", "application/x-ndjson"), ("/v1/create-agent", "application/json")):
            async with raw(place) as (reader, writer):
                lines = (f"content-type: {kind}", "transfer-encoding: chunked")
                writer.write(head(place, "POST", path, *lines, token=owner.token) + FLOODS[what])
                status, code = await said(reader)
                assert (status, code) in ((413, "too_large"), (431, "head_too_large"))
        await is_served(place, owner)
        assert place.server.entrance.connections.body_bytes == 0

    place(main)


# Deadlines


@pytest.fixture
def hasty(monkeypatch):
    """Nothing is waited for long."""
    for name in ("HEAD_WAIT_S_MAX", "BODY_WAIT_S_MAX", "BODY_SILENCE_S_MAX"):
        monkeypatch.setattr(f"runline.gateway.intake.{name}", 0.05)
    monkeypatch.setattr("runline.gateway.protocol.BODY_SILENCE_S_MAX", 0.05)
    monkeypatch.setattr("runline.gateway.guest.HEAD_WAIT_S_MAX", 0.05)


def test_a_head_that_does_not_come_is_waited_for_no_longer_than_its_deadline(place, hasty, monkeypatch):
    async def main(place):
        async def drips(*parts):
            async with raw(place) as (reader, writer):
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(0.001)  # waits: the parts come one by one
                return await said(reader)

        assert await drips() == (0, "")
        assert await drips(b"GET /v1/rea") == (408, "head_timeout")
        assert await drips(b"GET /v1/ready HTTP/1.1\r\n", b"x:", *[b"y"] * 5) == (408, "head_timeout")
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/ready"))
            assert (await answer_of(reader))[0] == 200
            writer.write(b"GET /")
            assert await said(reader) == (408, "head_timeout")
        monkeypatch.setattr("runline.gateway.connections.KEEP_ALIVE_S", 0.05)
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/ready"))
            assert (await answer_of(reader))[0] == 200
            assert await said(reader) == (0, "")
        await comes_true(lambda: not place.server.server_state.connections)

    place(main)


def late_bodies(place, token):
    """Requests whose bodies never come to their end, one for each kind of door."""
    return {
        "a wager": head(
            place, "POST", "/v1/wagers", "content-type: application/json", "content-length: 100", token=token
        ),
        "a wager in chunks": head(
            place, "POST", "/v1/wagers", "content-type: application/json", "transfer-encoding: chunked", token=token
        ),
        "commands": head(
            place, "POST", "/v1/commands", "content-type: application/x-ndjson", "content-length: 100", token=token
        ),
        "a command": head(
            place, "POST", "/v1/create-agent", "content-type: application/json", "content-length: 100", token=token
        ),
        "a sign-in": head(place, "POST", "/v1/sign-in", "content-type: application/json", "content-length: 100"),
    }


def test_a_body_that_comes_late_is_one_clean_refusal_at_every_door(place, hasty, caplog):
    async def main(place):
        owner = await place.sign_in("b1", "owner")

        async def late(begin):
            async with raw(place) as (reader, writer):
                writer.write(head(place, "GET", "/v1/ready"))
                assert (await answer_of(reader))[0] == 200
                writer.write(begin)
                return await said(reader)

        for begin in late_bodies(place, owner.token).values():
            assert set(await asyncio.gather(*(late(begin) for _ in range(MANY)))) == {(408, "body_timeout")}
        assert place.server.entrance.connections.body_bytes == 0

    place(main)
    assert "Traceback" not in caplog.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_body_that_nobody_reads_ends_its_connection_too(place, hasty):
    async def main(place):
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/ready", "content-length: 100"))
            assert (await answer_of(reader))[0] == 200
            assert await reader.read() == b""

    place(main)


def test_whoever_goes_in_the_middle_of_a_body_leaves_no_trace(place, caplog):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for begin in late_bodies(place, owner.token).values():
            for how in ("close", "abort"):
                _, writer = await asyncio.open_connection(*place.address.removeprefix("http://").split(":"))
                writer.write(begin)
                await asyncio.sleep(0.01)  # waits: the server may be anywhere in reading it
                writer.close() if how == "close" else writer.transport.abort()
        await owner.close()
        await comes_true(lambda: not place.server.server_state.connections)
        await comes_true(lambda: not place.server.server_state.tasks)
        connections = place.server.entrance.connections
        assert (connections.unsigned, connections.signed, connections.body_bytes) == ({}, {}, 0)

    place(main)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_server_that_stops_does_not_wait_for_bodies(place, caplog):
    left = []

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        for begin in late_bodies(place, owner.token).values():
            _, writer = await asyncio.open_connection(*place.address.removeprefix("http://").split(":"))
            writer.write(begin)
            left.append(writer)
        await comes_true(
            lambda: sum(one.current is not None for one in place.server.server_state.connections) == len(left)
        )

    place(main)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_connection_that_has_ended_leaves_nothing_for_the_collector(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        bet = request(place, "POST", "/v1/wagers", json.dumps(BET).encode(), token=owner.token)
        asked = [bet, head(place, "GET", "/v1/ready"), b"nonsense\r\n\r\n", head(place, "GET", "/", *["x: y"] * 200)]
        gc.collect()
        gc.disable()
        try:
            for whole in asked:
                async with raw(place) as (reader, writer):
                    writer.write(whole)
                    await answer_of(reader)
                    (ours,) = [
                        weakref.ref(one)
                        for one in place.server.server_state.connections
                        if one.transport.get_extra_info("peername") == writer.get_extra_info("sockname")
                    ]
                await comes_true(lambda ours=ours: ours() is None)
        finally:
            gc.enable()

    place(main)


def test_a_half_closed_connection_gets_its_answer_and_is_closed(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        bet = json.dumps(BET).encode()
        line = json.dumps({"type": "PlaceWager", "command": BET}).encode()
        agent = json.dumps({"agent": "A7", "parent": "root"}).encode()
        user = json.dumps({"stream": "b1", "user": "owner", "password": PASSWORD}).encode()
        token = owner.token
        asked = {
            "a wager": request(place, "POST", "/v1/wagers", bet, token=token),
            "a wager in chunks": request(place, "POST", "/v1/wagers", bet, token=token, chunked=True),
            "commands": request(place, "POST", "/v1/commands", line, "application/x-ndjson", token),
            "a command": request(place, "POST", "/v1/create-agent", agent, token=token),
            "a query": request(place, "GET", "/v1/me", token=token),
            "history": request(place, "GET", "/v1/wagers", token=token),
            "a sign-in": request(place, "POST", "/v1/sign-in", user),
        }
        for what, whole in asked.items():
            async with raw(place) as (reader, writer):
                writer.write(whole)
                writer.write_eof()
                assert (await answer_of(reader))[0] == 200, what
                assert await reader.read() == b""
        # Several at once too; and what was only begun is not waited for.
        async with raw(place) as (reader, writer):
            writer.write(asked["a query"] + asked["history"] + asked["a query"] + b"GET /")
            writer.write_eof()
            assert [(await answer_of(reader))[0] for _ in range(3)] == [200] * 3
            assert await reader.read() == b""
        await comes_true(lambda: len(place.server.server_state.connections) <= 1)

    place(main)


ENDS = {
    "of 1.1": ("1.1", [], 200, False),
    "of 1.1 that says that it goes on": ("1.1", ["connection: keep-alive"], 200, False),
    "of 1.1 that ends": ("1.1", ["connection: close"], 200, True),
    "of 1.0": ("1.0", [], 200, True),
    "of 1.0 that would go on": ("1.0", ["connection: keep-alive"], 200, True),
    "of 1.0 that would go on, in older words": ("1.0", ["proxy-connection: keep-alive"], 200, True),
    # What follows such a head is no body any more.
    "that would become another, in older words": (
        "1.1",
        ["proxy-connection: upgrade", "upgrade: websocket"],
        400,
        True,
    ),
    "that would become another protocol": ("1.1", ["connection: upgrade", "upgrade: websocket"], 400, True),
}


@pytest.mark.parametrize("which", ENDS)
def test_a_wager_ends_its_connection_or_not_whichever_way_it_goes(place, which):
    version, lines, status, ends = ENDS[which]

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        me = head(place, "GET", "/v1/me", token=owner.token)
        for asked_before in (False, True):
            async with raw(place) as (reader, writer):
                if asked_before:
                    # From now on its wagers go the short way.
                    writer.write(me)
                    assert (await answer_of(reader))[0] == 200
                bet = request(place, "POST", "/v1/wagers", json.dumps(BET).encode(), token=owner.token)
                start, rest = bet.split(b"\r\n", 1)
                said = "".join(f"{line}\r\n" for line in lines).encode()
                writer.write(start.replace(b"1.1", version.encode()) + b"\r\n" + said + rest)
                found, headers, _ = await answer_of(reader)
                assert (found, headers.get("connection")) == (status, "close" if ends else None)
                if ends:
                    assert await reader.read() == b""
                else:
                    writer.write(me)
                    assert (await answer_of(reader))[0] == 200

    place(main)


# Who does not read


def test_a_stream_that_is_not_read_is_cut_and_its_socket_is_gone(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.wire.STALLED_S_MAX", 0.1)
    monkeypatch.setattr("runline.gateway.pulse.HEARTBEAT_S", 0.01)
    monkeypatch.setattr("runline.gateway.pulse.HEALTH_S", 0.01)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        host, port = place.address.removeprefix("http://").split(":")
        deaf = small_buffer(host, int(port))
        deaf.sendall(head(place, "GET", "/v1/stream?topics=log,figures,health", token=owner.token))
        await comes_true(lambda: place.gateway.fan.count == 1)
        (connection,) = [one for one in place.server.server_state.connections if one.streams]
        while place.gateway.fan.count:
            await place.world.do("b1", wager())
        await comes_true(lambda: connection not in place.server.server_state.connections)
        # The system has forgotten what was not read: the client hears of a reset, not of an end.
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(read_to_the_end, deaf)
        deaf.close()

    place(main)


def test_an_answer_that_is_not_read_is_not_kept_for_ever(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.wire.STALLED_S_MAX", 0.1)
    monkeypatch.setattr("runline.gateway.connections.KEEP_ALIVE_S", 0.1)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        host, port = place.address.removeprefix("http://").split(":")
        deaf = [small_buffer(host, int(port)) for _ in range(5)]
        for connection in deaf:
            connection.sendall(head(place, "GET", "/v1/schema/openapi.json", token=owner.token) * 20)
        await owner.close()
        await comes_true(lambda: not place.server.server_state.connections)
        for connection in deaf:
            connection.close()

    place(main)


def test_a_stream_behind_which_something_was_asked_leaves_with_its_client(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/stream?topics=log", token=owner.token))
            writer.write(head(place, "GET", "/v1/me", token=owner.token) * 2)
            await reader.readuntil(b"event: image")
            assert place.gateway.fan.count == 1
            writer.transport.abort()
        await place.world.do("b1", wager())
        await comes_true(lambda: place.gateway.fan.count == 0)
        await owner.close()
        await comes_true(lambda: not place.server.server_state.tasks)

    place(main)


# The crowd


def test_silent_connections_keep_nobody_out(place):
    async def main(place):
        place.server.entrance.connections.most = 64
        owner = await place.sign_in("b1", "owner")
        crowd = [await asyncio.open_connection(*place.address.removeprefix("http://").split(":")) for _ in range(300)]
        await is_served(place, owner)
        assert (await owner.ask("me")).items
        assert len(place.server.server_state.connections) <= 64
        for _, writer in crowd[-40:]:
            if not writer.is_closing():
                writer.write(b"GET / HTTP/1.1\r\nx: y")
        await is_served(place, owner)
        for _, writer in crowd:
            writer.close()

    place(main)


def test_one_address_cannot_crowd_the_others_out(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.connections.ADDRESS_CONNECTIONS_MAX", 5)

    async def main(place):
        owner = await place.sign_in("b1", "owner")
        async with raw(place, "127.0.0.3") as (reader, writer):
            host, port = place.address.removeprefix("http://").split(":")
            crowd = [await asyncio.open_connection(host, port, local_addr=("127.0.0.2", 0)) for _ in range(30)]
            await comes_true(lambda: len(place.server.entrance.connections.by_address.get("127.0.0.2", ())) == 5)
            await comes_true(lambda: sum(one.at_eof() or one.exception() is not None for one, _ in crowd) == 25)
            # Whoever signs in is not counted by the address any more.
            for _, theirs in crowd[-5:]:
                theirs.write(head(place, "GET", "/v1/me", token=owner.token))
            for ours, _ in crowd[-5:]:
                assert (await answer_of(ours))[0] == 200
            assert "127.0.0.2" not in place.server.entrance.connections.by_address
            writer.write(head(place, "GET", "/v1/ready"))
            assert (await answer_of(reader))[0] == 200
            for _, theirs in crowd:
                theirs.close()

    place(main, addresses=Addresses(exempt=()))


def test_one_address_opens_so_many_connections_in_a_second_and_others_theirs(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.connections.ADDRESS_OPENED_MAX", 5)

    async def main(place):
        # This second does not end while the test goes on.
        place.server.entrance.connections.opened_since_ns = place.world.clock.host_ns() + HOUR_NS
        host, port = place.address.removeprefix("http://").split(":")
        crowd = [await asyncio.open_connection(host, port, local_addr=("127.0.0.2", 0)) for _ in range(30)]
        for reader, _ in crowd[5:]:
            assert await said(reader) == (429, "busy")
        async with raw(place, "127.0.0.3") as (reader, writer):
            writer.write(head(place, "GET", "/v1/ready"))
            assert (await answer_of(reader))[0] == 200
        for _, theirs in crowd:
            theirs.close()

    place(main, addresses=Addresses(exempt=()))


def test_a_connection_with_a_live_stream_is_counted_apart_and_closed_after_it(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        connections = place.server.entrance.connections
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/me", token=owner.token))
            assert (await answer_of(reader))[0] == 200
            assert (connections.by_user, connections.streaming) == ({("b1", "", "owner"): 1}, {})
            writer.write(head(place, "GET", "/v1/stream?topics=nothing", token=owner.token))
            assert await said(reader) == (400, "topic_invalid")
        await comes_true(lambda: connections.streaming == {})
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/stream?topics=log", token=owner.token))
            assert b"connection: close" in await reader.readuntil(b"\r\n\r\n")
            assert (connections.by_user, connections.streaming) == ({}, {("b1", "", "owner"): 1})
        await comes_true(lambda: connections.streaming == {})

    place(main)


def test_one_user_cannot_take_the_connections_of_the_others(place):
    async def main(place):
        one, other = await place.sign_in("b1", "P1"), await place.sign_in("b1", "P2")
        place.server.entrance.connections.most = 64
        crowd = [await asyncio.open_connection(*place.address.removeprefix("http://").split(":")) for _ in range(40)]
        answers = []
        for reader, writer in crowd:
            writer.write(head(place, "GET", "/v1/me", token=one.token))
            answers.append(await answer_of(reader))
        assert answers[0][0] == 200
        assert answers[-1][0] == 429
        assert json.loads(answers[-1][2])["error"]["code"] == "busy"
        # It would cost as much as any other if it could be asked on again and again.
        assert await crowd[-1][0].read() == b""
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/me", token=other.token))
            assert (await answer_of(reader))[0] == 200
        for _, writer in crowd:
            writer.close()

    place(main)


def test_unfinished_bodies_of_one_user_are_bounded_and_the_others_send_theirs(place, monkeypatch):
    monkeypatch.setattr("runline.gateway.connections.BODIES_BYTES_MAX", 8 * 1024 * 1024)

    async def main(place):
        one, other = await place.sign_in("b1", "P1"), await place.sign_in("b1", "P2")
        size = 1024 * 1024
        lines = ("content-type: application/x-ndjson", f"content-length: {size}")
        body = b" " * size
        crowd = [await asyncio.open_connection(*place.address.removeprefix("http://").split(":")) for _ in range(12)]
        refused = 0
        for reader, writer in crowd:
            writer.write(head(place, "POST", "/v1/commands", *lines, token=one.token) + body[:-1])
            try:
                async with asyncio.timeout(0.1):
                    assert await said(reader) == (429, "busy")
                    refused += 1
            except (TimeoutError, ConnectionError):
                pass
        connections = place.server.entrance.connections
        assert refused >= 9
        # What was raised in the middle of a body would keep it.
        latest = [one.latest for one in place.server.server_state.connections]
        assert all(one.refused.__traceback__ is None for one in latest if getattr(one, "refused", None))
        assert connections.body_bytes_of["b1", "A1", "P1"] <= 2 * size
        async with raw(place) as (reader, writer):
            writer.write(head(place, "POST", "/v1/commands", *lines, token=other.token) + body)
            assert (await answer_of(reader))[0] == 200
        for _, writer in crowd:
            writer.close()
        await comes_true(lambda: connections.body_bytes == 0)

    place(main)


def test_nothing_is_kept_of_a_body_of_whoever_is_not_signed_in(place):
    async def main(place):
        connections = place.server.entrance.connections
        for path, kind, size in (
            ("/v1/commands", "application/x-ndjson", BULK_BYTES_MAX),
            ("/v1/create-agent", "application/json", 60_000),
            ("/v1/wagers", "application/json", 60_000),
        ):
            async with raw(place) as (reader, writer):
                lines = (f"content-type: {kind}", f"content-length: {size}", "expect: 100-continue")
                writer.write(head(place, "POST", path, *lines))
                status, _, body = await answer_of(reader)
                assert (status, json.loads(body)["error"]["code"]) == (401, "not_signed_in")
            async with raw(place) as (reader, writer):
                writer.write(head(place, "POST", path, *lines[:2]) + b"{" * 1_000)
                assert (await answer_of(reader))[0] == 401
                writer.write(b"x" * 20_000)
                await asyncio.sleep(0.01)  # waits: for what must not happen
                assert connections.body_bytes == 0
        async with raw(place) as (reader, writer):
            body = b"{" * (SIGN_IN_BYTES_MAX + 1)
            writer.write(request(place, "POST", "/v1/sign-in", body))
            assert (await answer_of(reader))[0] == 413

    place(main)


# Pace


def test_many_refused_wagers_in_one_piece_are_taken_a_few_at_a_time(place, monkeypatch):
    taken, passes = [], [0]
    submitted = WagerExchange.complete

    def noted(exchange):
        taken.append(passes[0])
        submitted(exchange)

    async def count():
        while True:
            passes[0] += 1
            await asyncio.sleep(0)

    async def main(place):
        player = await place.sign_in("b1", "P1")
        counting = asyncio.create_task(count())
        async with raw(place) as (reader, writer):
            # Whose a connection is has been asked before its wagers go the short way.
            writer.write(head(place, "GET", "/v1/me", token=player.token))
            assert (await answer_of(reader))[0] == 200
            writer.write(request(place, "POST", "/v1/wagers", b"{}", token=player.token) * MANY)
            statuses = [(await answer_of(reader))[0] for _ in range(MANY)]
        counting.cancel()
        assert statuses == [400] * MANY
        assert max(map(taken.count, taken)) <= SHORT_WAYS_MAX

    monkeypatch.setattr(WagerExchange, "complete", noted)
    place(main)


def test_what_waits_for_its_turn_is_answered_in_order_even_if_the_client_sends_no_more(place, monkeypatch):
    # Each request ends the round.
    monkeypatch.setattr("runline.gateway.pace.ROUND_NS", 1)

    async def main(place):
        player, owner = await place.sign_in("b1", "P1"), await place.sign_in("b1", "owner")
        bet, me = json.dumps(BET).encode(), head(place, "GET", "/v1/me", token=player.token)
        crowd = [await asyncio.open_connection(*place.address.removeprefix("http://").split(":")) for _ in range(20)]
        for _, writer in crowd:
            for piece in (request(place, "POST", "/v1/wagers", bet, token=player.token), me, b"x" * 10):
                writer.write(piece)
            writer.write_eof()
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/me", token=owner.token))
            assert (await answer_of(reader))[0] == 200
        for reader, writer in crowd:
            assert [(await answer_of(reader))[0] for _ in range(3)] == [200, 200, 400]
            assert await reader.read() == b""
            writer.close()
        pace = place.server.entrance.pace
        assert not pace.waits

    place(main)


# Shares


def test_one_players_reading_of_history_does_not_keep_the_owner_waiting(place):
    async def main(place):
        owner, player = await place.sign_in("b1", "owner"), await place.sign_in("b1", "P1")
        for _ in range(20):
            await place.world.do("b1", wager())
        crowd = [await asyncio.open_connection(*place.address.removeprefix("http://").split(":")) for _ in range(60)]
        for _, writer in crowd:
            writer.write(head(place, "GET", "/v1/wagers?limit=1000", token=player.token))
        async with raw(place) as (reader, writer):
            writer.write(head(place, "GET", "/v1/log", token=owner.token))
            await comes_true(lambda: ("b1", True) in place.world.bus.questions.readers.line.within)
            assert (await answer_of(reader))[0] == 200
        statuses = [(await answer_of(reader))[0] for reader, _ in crowd]
        assert set(statuses) == {200, 429}
        for _, writer in crowd:
            writer.close()

    place(main)


def test_a_crowd_at_sign_in_from_everywhere_keeps_nobody_out_who_is_known(place):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        body = {"stream": "b1", "user": "owner", "password": PASSWORD}
        device = (await owner.http.post("/v1/sign-in", json=body)).json()["device"]
        line = place.gateway.passwords.queue
        crowd = [
            asyncio.create_task(place.gateway.signing.sign_in("b1", f"u{n}", "a wrong one", "program", address=f"a{n}"))
            for n in range(3 * PASSWORDS_WAITING_MAX)
        ]
        await comes_true(lambda: line.line.size == PASSWORDS_WAITING_MAX)
        before = len([one for one in crowd if one.done()])
        again, change = await asyncio.gather(
            place.client().http.post("/v1/sign-in", json={**body, "device": device}),
            owner.http.post("/v1/change-password", json={"old": PASSWORD, "new": PASSWORD}),
        )
        assert (again.status_code, change.status_code) == (200, 200)
        served = len([one for one in crowd if one.done()]) - before
        assert served < PASSWORDS_WAITING_MAX // 2
        strange = await place.client().http.post("/v1/sign-in", json={**body, "user": "P1"})
        assert strange.status_code in (401, 429)
        await asyncio.gather(*crowd, return_exceptions=True)

    place(main)


def test_sign_ins_from_one_address_do_not_close_sign_in_for_the_others(place):
    async def main(place):
        await place.give_password("b1", "owner")
        host, port = place.address.removeprefix("http://").split(":")
        crowd = [await asyncio.open_connection(host, port, local_addr=("127.0.0.2", 0)) for _ in range(100)]
        for number, (_, writer) in enumerate(crowd):
            body = {"stream": "b1", "user": f"nobody{number}", "password": "a wrong password"}
            writer.write(request(place, "POST", "/v1/sign-in", json.dumps(body).encode()))
        async with raw(place, "127.0.0.3") as (reader, writer):
            body = {"stream": "b1", "user": "owner", "password": PASSWORD}
            writer.write(request(place, "POST", "/v1/sign-in", json.dumps(body).encode()))
            assert (await answer_of(reader))[0] == 200
        statuses = [(await answer_of(reader))[0] for reader, _ in crowd]
        assert set(statuses) == {401, 429}
        for _, writer in crowd:
            writer.close()

    place(main)


# Files


def test_a_server_takes_as_many_files_as_the_system_allows():
    code = (
        "import resource; from runline.gateway.connections import raise_files\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4096)); print(raise_files())\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4096", "4096"]
