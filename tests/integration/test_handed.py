"""Sockets that a service manager holds and hands over: a server, and a node after the other, is started again under load, and
nobody who asks notices."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import aclosing, closing

import pytest
from tests.doubles.coming import comes_true
from tests.integration.nodes import BOOKS, Bettor, Door, NodeProcess, fill, filled, nodes_of
from tests.integration.test_nodes import bettors, is_all_there_once, load
from tests.integration.world import agrees, play

from runline.config import ServerSettings
from runline.domain.messages import HOUSE
from runline.gateway.server import AddressInUse
from runline.handed import handed_over, listening
from runline.store.sqlite import SqliteStore

pytestmark = pytest.mark.usefixtures("programs")


@pytest.fixture
def door():
    found = Door()
    with closing(found.socket):
        yield found


def patient(found):
    """Those who wait however long the machine takes to start a server."""
    for one in found:
        for client in one.clients:
            client.http.timeout = 120.0
    return found


async def go_on(found):
    """Everybody places some more."""
    before = {id(one): len(one.acknowledged) for one in found}
    await comes_true(lambda: all(len(one.acknowledged) > before[id(one)] + 20 for one in found))


@pytest.mark.parametrize("words", [(), ("--gateways", "2")], ids=["alone", "gateways"])
def test_a_server_is_started_again_under_load_and_nobody_who_asks_notices(tmp_path, door, words):
    path = tmp_path / "book.db"
    asyncio.run(fill(SqliteStore(path)))
    servers = []

    def start():
        servers.append(NodeProcess(str(path), "n1", tmp_path, *words, door=door))
        assert servers[-1].address == door.address

    async def main():
        await asyncio.to_thread(start)
        found = patient([Bettor(book, "owner", [door.address]) for book in BOOKS])
        await asyncio.gather(*(one.sign_in() for one in found))
        async with load(found):
            for _ in range(2):
                servers[-1].send(signal.SIGTERM)
                assert await asyncio.to_thread(servers[-1].ended) == 0
                await asyncio.to_thread(start)
                await go_on(found)
        assert [one.seen for one in found] == [{}] * len(found)
        for one in found:
            await one.close()
        servers[-1].send(signal.SIGTERM)
        assert await asyncio.to_thread(servers[-1].ended) == 0

    try:
        play(main())
        assert [one.complaints for one in servers] == [""] * len(servers)
    finally:
        for one in servers:
            one.end()
    agrees(path)


def answer_to(connection):
    """The answer to whoever has asked whether the server is there."""
    answer = b""
    while not answer.endswith(b'{"live":true}'):
        piece = connection.recv(65_536)
        assert piece, answer
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 ")
    return answer


def test_who_has_connected_and_asks_only_once_the_server_stops_is_answered_and_told_to_come_anew(tmp_path, door):
    server = NodeProcess(str(tmp_path / "book.db"), "n1", tmp_path, door=door)
    try:
        assert server.address == door.address
        place = ("127.0.0.1", int(door.address.rpartition(":")[2]))
        ask = b"GET /v1/live HTTP/1.1\r\nhost: here\r\n\r\n"
        with socket.create_connection(place) as idle, socket.create_connection(place) as busy:
            idle.sendall(ask)
            assert b"connection: close" not in answer_to(idle)
            # Part of what is asked has come.
            busy.sendall(ask[:10])
            server.send(signal.SIGTERM)
            # From when on nobody is let in, and waits.
            with socket.create_connection(place) as late:
                late.sendall(ask)
                idle.sendall(ask)
                busy.sendall(ask[10:])
                for one in (idle, busy):
                    while b"connection: close" not in answer_to(one):
                        # It was asked before the signal was heard.
                        one.sendall(ask)
                    assert one.recv(1) == b""
                assert server.ended() == 0
                again = NodeProcess(str(tmp_path / "book.db"), "n1", tmp_path, door=door)
                try:
                    assert b"connection: close" not in answer_to(late)
                finally:
                    again.end()
    finally:
        server.end()


def test_a_screen_comes_back_from_where_it_was_when_the_server_is_started_again(tmp_path, door):
    path = tmp_path / "book.db"
    asyncio.run(fill(SqliteStore(path)))
    servers = []

    def start():
        servers.append(NodeProcess(str(path), "n1", tmp_path, door=door))
        assert servers[-1].address == door.address

    async def main():
        await asyncio.to_thread(start)
        bettor = Bettor("b1", "owner", [door.address])
        await bettor.sign_in()
        (client,) = bettor.clients
        client.deadline_s = 60.0
        async with aclosing(client.stream("wagers")) as frames:
            assert (await anext(frames)).kind == "image"
            servers[-1].send(signal.SIGTERM)
            assert await asyncio.to_thread(servers[-1].ended) == 0
            await asyncio.to_thread(start)
            await bettor.place()
            while not (frame := await anext(frames)).topics.get("wagers", {}).get("events"):
                assert frame.kind != "image"
        await bettor.close()

    try:
        play(main())
    finally:
        for one in servers:
            one.end()


def test_nodes_are_started_again_one_after_the_other_and_who_asks_them_at_their_own_doors_notices_nothing(path, door):
    other = Door()
    with closing(other.socket), nodes_of(filled(path)) as nodes:
        doors = {"n1": door, "n2": other}

        def start(name):
            node = NodeProcess(nodes.url, name, nodes.folder, door=doors[name])
            nodes.processes.append(node)
            assert node.address == doors[name].address
            return node

        async def main():
            running = {name: await asyncio.to_thread(start, name) for name in doors}
            # How the house moves is another test's: a busy machine makes it stale meanwhile.
            await asyncio.to_thread(nodes.start, "n3", words=("--role", "engine"))
            await nodes.pin({HOUSE: "n3", "b1": "n1", "b2": "n1", "b3": "n2", "b4": "n2"})
            ones = await bettors(running["n1"], streams=("b1", "b3"))
            found = patient([*ones, *await bettors(running["n2"], streams=("b2", "b4"))])
            async with load(found):
                for name in doors:
                    running[name].send(signal.SIGTERM)
                    assert await asyncio.to_thread(running[name].ended) == 0
                    running[name] = await asyncio.to_thread(start, name)
                    await nodes.registered(lambda status: {one.state for one in status.nodes} == {"there"})
                    await go_on(found)
            assert [one.seen for one in found] == [{}] * len(found)
            await is_all_there_once(nodes, found)

        play(main())


# What is handed over


def handed(door, *words, number=1):
    """What a server says to which something is handed over, and how it ends."""
    command, files = door.handed(sys.executable, "-m", "runline", "serve", *words, number=number)
    done = subprocess.run(command, pass_fds=files, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_what_cannot_be_used_is_said(tmp_path, door):
    database = ("--database", str(tmp_path / "book.db"))
    status, said = handed(door, *database, number=2)
    assert status == 2
    assert "What was handed over as file 4 is no socket" in said
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        pair = Door.__new__(Door)
        pair.socket = ours
        status, said = handed(pair, *database)
        assert status == 2
        assert "What was handed over as file 3 is no socket of TCP" in said


def test_what_was_handed_to_another_process_is_not_ours(monkeypatch):
    for name, value in (("LISTEN_PID", str(os.getppid())), ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "door")):
        monkeypatch.setenv(name, value)
    assert list(handed_over()) == []
    # Nor is it said to those that this one starts.
    assert [name for name in os.environ if name.startswith("LISTEN_")] == []


def test_an_engine_without_http_refuses_a_socket_and_gateways_more_than_they_are(tmp_path, door, monkeypatch):
    status, said = handed(door, "--role", "engine", "--store", "postgresql://x@/x", "--links", f"unix:{tmp_path}/x")
    assert (status, "an engine speaks no HTTP" in said) == (2, True)
    with Door().socket as other:
        monkeypatch.setattr("runline.handed.handed_over", lambda: [door.socket.dup(), other.dup()])
        with (
            pytest.raises(AddressInUse, match="2 sockets were handed over, more than"),
            listening(ServerSettings(gateways=1)),
        ):
            pass
        with listening(ServerSettings(gateways=3)) as found:
            assert [one.getsockname() for one in found.sockets] == [
                one.getsockname() for one in (door.socket, other, door.socket)
            ]
            assert found.stays
