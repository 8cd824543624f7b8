"""Gateways in processes of their own: what is acknowledged is done once, whichever process ends, hangs, or loses its link."""

import asyncio
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.doubles.coming import comes_true
from tests.integration.served import PASSWORD
from tests.integration.world import NOON_NS, World, agrees, play, wager

from runline import gateways as module
from runline.bootstrap import running_engine
from runline.client import AsyncClient, RefusedError
from runline.config import ServerSettings
from runline.domain.messages import GATEWAY
from runline.domain.passwords import ChangePassword
from runline.domain.sessions import LIMITS
from runline.engine.clock import ScaledClock
from runline.gateway.passwords import hash_password
from runline.gateway.server import AddressInUse, listen, listen_together
from runline.gateways import GatewayFailed, Gateways, gateways
from runline.helpers import LENGTH, Helper, framed
from runline.sharing.limits import FREE_FAILURES
from runline.store.sqlite import SqliteStore

pytestmark = pytest.mark.usefixtures("programs")

PLACE = msgspec.to_builtins(wager())


class Beside:
    """A book behind two gateways, and clients that know by which of them they are answered."""

    def __init__(self, world: World, found: Gateways, address: str) -> None:
        self.world = world
        self.gateways = found
        self.address = address
        self.clients: list[AsyncClient] = []

    @property
    def pids(self) -> list[int]:
        """Of the gateways that are there now."""
        return [one.helper.child.pid for one in self.gateways.kept if one.helper is not None]

    async def one_each(self, user: str = "owner") -> list[AsyncClient]:
        """A client at each of the gateways, who are signed in."""
        found: dict[str, AsyncClient] = {}
        while len(found) < len(self.gateways.kept):
            client = AsyncClient(self.address)
            self.clients.append(client)
            answer = await client.http.get("/v1/ready")
            named = answer.headers["x-request-id"].partition("-")[0]
            if named not in found:
                found[named] = client
                await client.sign_in("b1", user, PASSWORD)
        return list(found.values())

    async def place(self, client: AsyncClient, sent_as: str = "") -> int:
        """Place a wager; its position."""
        return (await client.send_as(sent_as or await client.new_id(), "PlaceWager", PLACE)).position


@asynccontextmanager
async def beside(path: Path, number: int = 2, **settings: Any) -> AsyncIterator[Beside]:
    """An engine with gateways beside it."""
    clock = ScaledClock(NOON_NS, 1.0)
    async with running_engine(SqliteStore(path), clock=clock) as (engine, bus), asyncio.timeout(90):
        world = World(engine, bus, clock)
        await world.open_house()
        await world.open_book(credit_minor=10**12)
        for user in ("owner", "P1"):
            await world.do("b1", ChangePassword(user, hash_password(PASSWORD, bytes(16)), 0, ""), by=GATEWAY)
        sockets = listen_together("127.0.0.1", 0, number)
        try:
            async with gateways(sockets, engine, bus, ServerSettings(**settings), LIMITS) as found:
                host, port = sockets[0].getsockname()
                there = Beside(world, found, f"http://{host}:{port}")
                try:
                    yield there
                finally:
                    for client in there.clients:
                        await client.close()
        finally:
            for listening in sockets:
                listening.close()


async def placed_by(path: Path) -> dict[str, int]:
    """How many wagers there are in the log of each command."""
    found: dict[str, int] = {}
    async with running_engine(SqliteStore(path), clock=ScaledClock(NOON_NS, 1.0)) as (_, bus):
        head = await World(bus.engine, bus, bus.engine.clock).read("b1", lambda book: book.seq)  # type: ignore[attr-defined]
        async for happened in bus.follow("b1", 0):
            for one in happened:
                if type(one.event).__name__ == "WagerPlaced":
                    found[one.command] = found.get(one.command, 0) + 1
            if happened[-1].seq == head:
                break
    return found


def test_people_sign_in_wager_and_see_everything_through_whichever_gateway(tmp_path):
    async def main():
        async with beside(tmp_path / "book.db") as there:
            clients = await there.one_each()
            async with aclosing(clients[0].stream("wagers")) as frames, aclosing(clients[1].stream("wagers")) as others:
                shown = [await anext(frames), await anext(others)]
                positions = [await there.place(client) for client in clients]
                for stream in (frames, others):
                    while shown[-1].position < positions[-1]:
                        shown.append(await anext(stream))
                    shown.append(shown[0])
            for client in clients:
                page = await client.ask("wagers", at_least=positions[-1])
                assert len(page.items) == 2
            monitor = there.gateways.monitor
            await comes_true(lambda: monitor.delivery.count and monitor.loop.count > 20)
            assert (await clients[0].http.get("/v1/ready")).json() == {"ready": True}

    play(main())


def test_who_guesses_at_several_gateways_waits_as_at_one(tmp_path):
    async def main():
        async with beside(tmp_path / "book.db") as there:
            clients = await there.one_each("P1")
            codes = [await code_of(client, number) for number in range(3) for client in clients]
            assert codes == ["sign_in_failed"] * (FREE_FAILURES + 1) + ["sign_in_delayed"] * 2

    async def code_of(client: AsyncClient, number: int) -> str:
        client.device = ""
        with pytest.raises(RefusedError) as refused:
            await client.sign_in("b1", "P1", f"a wrong password {number}")
        return refused.value.code

    play(main())


def test_a_gateway_that_is_killed_under_load_is_replaced_and_nothing_is_lost_or_done_twice(tmp_path):
    path = tmp_path / "book.db"

    async def main():
        acknowledged: dict[str, int] = {}
        async with beside(path) as there:
            clients = await there.one_each() + await there.one_each()
            number, killed = count(), there.pids[0]

            async def load(client: AsyncClient) -> None:
                while next(number) < 400 or killed in there.pids:
                    sent_as = await client.new_id()
                    acknowledged[sent_as] = await there.place(client, sent_as)

            loading = asyncio.gather(*(load(client) for client in clients for _ in range(4)))
            await comes_true(lambda: len(acknowledged) > 50)
            os.kill(killed, signal.SIGKILL)
            await loading
            assert killed not in there.pids
            for client in await there.one_each():
                await there.place(client)
        placed = await placed_by(path)
        assert {placed[one] for one in acknowledged} == {1}
        assert len(placed) == len(acknowledged) + 2

    play(main())
    agrees(path)


def test_links_that_are_lost_one_after_the_other_are_felt_by_no_command(tmp_path):
    path = tmp_path / "book.db"

    async def main():
        acknowledged: dict[str, int] = {}
        async with beside(path) as there:
            clients = await there.one_each()
            listener = there.gateways.listener
            lost = 0

            async def load(client: AsyncClient) -> None:
                while lost < 4:
                    sent_as = await client.new_id()
                    answer = await client.http.post(
                        "/v1/wagers", content=msgspec.json.encode(PLACE),
                        headers={"idempotency-key": sent_as, "content-type": "application/json"},
                    )  # fmt: skip
                    assert answer.status_code == 200, answer.text
                    acknowledged[sent_as] = answer.json()["position"]

            loading = asyncio.gather(*(load(client) for client in clients for _ in range(4)))
            for _ in range(4):
                before = len(acknowledged)
                await comes_true(lambda before=before: len(acknowledged) > before + 20)
                end = min(listener.known, key=id)
                end.end("")
                await comes_true(lambda: len(listener.known) == 2)
                lost += 1
            await loading
        placed = await placed_by(path)
        assert placed == dict.fromkeys(acknowledged, 1)

    play(main())


def test_a_gateway_that_hangs_is_replaced(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(module, "GATEWAY_SILENT_S_MAX", 4.0)

    async def main():
        async with beside(tmp_path / "book.db", number=1) as there:
            (hung,) = there.pids
            os.kill(hung, signal.SIGSTOP)
            await comes_true(lambda: there.pids != [hung])
            (client,) = await there.one_each()
            await there.place(client)

    play(main())
    assert re.search(r"gateway \d+ hangs, and is replaced", caplog.text)


def test_a_gateway_that_says_of_itself_what_cannot_be_taken_is_replaced(tmp_path, caplog):
    async def main():
        async with beside(tmp_path / "book.db", number=1) as there:
            (kept,) = there.gateways.kept

            def replaced(first: Helper | None, strange: bytes) -> bool:
                """Whether it is, by which time it has said something strange."""
                if first is not None and kept.helper is first:
                    first.pipe.data_received(strange)
                return kept.helper is not first

            await comes_true(partial(replaced, kept.helper, framed(b"nothing")))
            await comes_true(partial(replaced, kept.helper, LENGTH.pack(module.SIGN_BYTES_MAX + 1)))
            (client,) = await there.one_each()
            await there.place(client)

    play(main())
    assert "says what cannot be taken, and is replaced" in caplog.text
    assert "bytes at once, which is too much" in caplog.text


def test_a_gateway_that_ends_again_and_again_is_replaced_at_growing_intervals(monkeypatch):
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await turn(0)

    class Brief(module.Kept):
        """A gateway that ends as soon as it has started."""

        async def start(self) -> Any:
            if len(pauses) % 2:
                raise GatewayFailed("it does not start")
            return gone

    async def end() -> None:
        pass

    async def main():
        keeping = asyncio.create_task(Brief(listening, listening, b"", print).keep(gone))
        await comes_true(lambda: len(pauses) >= 11)
        keeping.cancel()

    gone: Any = SimpleNamespace(lives=False, child=SimpleNamespace(pid=1), stop=bool, end=end)
    turn = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", pause)
    with socket.socket() as listening:
        play(main())
    assert [round(one, 1) for one in pauses[:11]] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_a_gateway_that_cannot_start_is_said_before_anything_is_served(tmp_path):
    async def main():
        async with beside(tmp_path / "book.db", tls_certificate=tmp_path / "nothing.pem"):
            pytest.fail("it serves")

    with pytest.raises(GatewayFailed):
        play(main())


def test_an_address_at_which_gateways_listen_is_taken_for_everybody_else():
    sockets = listen_together("127.0.0.1", 0, 2)
    port = sockets[0].getsockname()[1]
    for take in (lambda: listen("127.0.0.1", port), lambda: listen_together("127.0.0.1", port, 2)):
        with pytest.raises(AddressInUse):
            take()
    for listening in sockets:
        listening.close()


# As a server


def children_of(pid: int) -> list[int]:
    """The processes that it has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def path():
    """A database in a folder of its own, in which a server that is killed leaves what else it has made."""
    with tempfile.TemporaryDirectory(prefix="runline-") as folder:
        yield Path(folder) / "book.db"


def start(path: Path, until: str = r"http://\S+") -> tuple[subprocess.Popen[str], str]:
    """`runline serve` with two gateways in a session of its own, and what it says of what is looked for: where it is."""
    command = [sys.executable, "-m", "runline", "serve", "--database", str(path), "--port", "0", "--gateways", "2"]
    child = subprocess.Popen(
        [*command, "--sample"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(path.parent), "PGPASSWORD": "a secret"}, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    for line in child.stdout:
        found = re.search(until, line)
        if found:
            return child, found[0]
    raise AssertionError(child.communicate())


def faults(complaints: str) -> list[str]:
    """What a server complains of, but for links that a starved machine has taken for silent."""
    return [line for line in complaints.splitlines() if "a link to" not in line]


async def watched(address: str) -> None:
    """Sign in to the sample, and see its book."""
    async with AsyncClient(address) as client:
        await client.sign_in("sample", "owner", "only-a-sample")
        async with aclosing(client.stream("wagers")) as frames:
            assert (await anext(frames)).kind == "image"


def test_a_server_with_gateways_ends_well_when_it_is_told_to_with_all_of_them(path):
    child, address = start(path)
    asyncio.run(watched(address))
    started = children_of(child.pid)
    of_gateways = [one for one in started if b"runline.gateways" in Path(f"/proc/{one}/cmdline").read_bytes()]
    assert len(of_gateways) == 2
    assert not any(b"a secret" in Path(f"/proc/{one}/environ").read_bytes() for one in of_gateways)
    child.send_signal(signal.SIGTERM)
    said, complaints = child.communicate(timeout=30)
    assert (child.returncode, said, faults(complaints)) == (0, "", [])
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_while_its_gateways_start_ends_well(path, told):
    child, _ = start(path, until="shown once")
    # Ctrl-C is for the whole group of a terminal.
    os.killpg(child.pid, told)
    said, complaints = child.communicate(timeout=60)
    assert (child.returncode, faults(complaints)) == (0, [])
    assert "http://" not in said


def test_gateways_end_with_a_server_that_is_killed(path):
    child, address = start(path)
    asyncio.run(watched(address))
    gone = [os.pidfd_open(pid) for pid in children_of(child.pid)]
    assert len(gone) >= 3
    child.kill()
    child.communicate(timeout=30)
    for one in gone:
        is_over(one)
    # Nothing is left but the database.
    assert [one.name for one in path.parent.iterdir() if not one.name.startswith(path.name)] == []


def is_over(process: int) -> None:
    """Wait until a process has ended."""
    assert select.select([process], [], [], 30)[0]
    os.close(process)
