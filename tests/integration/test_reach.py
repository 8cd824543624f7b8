"""Reach: links over sockets of the file system and over TLS: who is let in, and what is said to whoever is not."""

import asyncio
import os
import socket
import ssl
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography.hazmat.primitives import serialization
from tests.doubles.certificates import Authority
from tests.doubles.coming import comes_true
from tests.doubles.wired import SECRET
from tests.integration.world import acceptance, running, wager

from runline.bus.link import LinkBus
from runline.bus.owner import LinkListener
from runline.bus.reach import ReachError, Tls, connect, listen, require_reachable
from runline.engine.bus import Question
from runline.engine.watching import Began, Enter
from runline.store.memory import MemoryStore

WAIT_S = 60

LOOPS = {"asyncio": asyncio.run, "uvloop": uvloop.run}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nothing waits for long before it is tried again."""
    monkeypatch.setattr("runline.bus.reach.REACH_PAUSE_S_MAX", 0.01)
    monkeypatch.setattr("runline.bus.link.AGAIN_PAUSE_S", 0.005)


@pytest.fixture
def ours(tmp_path):
    """Who gives our certificates."""
    return Authority(tmp_path / "ours")


@pytest.fixture
def folder():
    """Whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="runline-") as name:
        yield Path(name)


def free_address(host="127.0.0.1"):
    """An address of this machine at which nobody listens."""
    with socket.socket() as found:
        found.bind((host, 0))
        return f"{host}:{found.getsockname()[1]}"


class There:
    """An engine with a book, and whoever lets links in to it."""

    def __init__(self, world, address):
        self.world = world
        self.address = address
        self.listener = LinkListener(world.bus, world.clock, os.urandom, SECRET)

    @asynccontextmanager
    async def linked(self, tls, address="", secret=SECRET):
        """A link to it."""
        bus = LinkBus(
            self.world.bus.vocabulary, self.world.clock, os.urandom, secret, connect(address or self.address, tls)
        )
        try:
            yield bus
        finally:
            await bus.close()

    async def works(self, tls, address=""):
        """A link comes to stand, and a wager goes over it."""
        async with self.linked(tls, address) as bus:
            acceptance(await bus.send_one(self.world.request("b1", wager())))


@asynccontextmanager
async def there(address, tls):
    async with asyncio.timeout(WAIT_S), running(MemoryStore(os.urandom)) as world:
        await world.open_house()
        await world.open_book()
        one = There(world, address)
        async with listen(address, one.listener.protocol, tls):
            try:
                yield one
            finally:
                one.listener.close()


class Shown:
    """A watcher that notes what it hears."""

    def __init__(self):
        self.news: list[Any] = []

    async def hear(self, news):
        self.news += news


def said(caplog, sentence):
    """How often something was said in the log."""
    return sum(sentence in one.getMessage() for one in caplog.records)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("way", ["a file", "tcp", "tls"])
def test_all_that_goes_over_a_link_goes_over_each_way(folder, ours, loop, way):
    tls = ours.give("n1", "127.0.0.1") if way == "tls" else None

    async def main():
        async with there(f"unix:{folder}/n1" if way == "a file" else free_address(), tls) as at, at.linked(tls) as bus:
            world = at.world
            requests = [world.request("b1", wager("P1", 1_00)) for _ in range(2_000)]
            positions = [acceptance(one).position for one in await bus.send(requests[:1_000])]
            positions += [acceptance(one).position for one in await bus.send(requests[1_000:])]
            assert positions == sorted(positions)
            followed: list[int] = []
            async for happened in bus.follow("b1", 0):
                followed += [one.seq for one in happened]
                if followed[-1] == positions[-1]:
                    break
            assert followed == list(range(1, positions[-1] + 1))
            caller = await world.sign_in("b1", "owner")
            shown = Shown()
            watch = bus.watch("b1", shown)
            watch.tell(Enter(1, caller.session, ("wagers", "figures")))
            await comes_true(lambda: any(isinstance(one, Began) for one in shown.news))
            watch.close()
            assert await bus.ask(Question("b1", "board", session=caller.session))
            # The other end goes, and the link is made anew.
            at.listener.close()
            await comes_true(lambda: bus.end is None)
            acceptance(await bus.send_one(world.request("b1", wager())))

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_who_shows_no_good_certificate_is_not_let_in_and_both_logs_say_why(tmp_path, ours, loop, caplog, monkeypatch):
    good, other = ours.give("n1", "127.0.0.1", "localhost"), Authority(tmp_path / "other", "other")
    theirs = other.give("n2", "127.0.0.1")

    async def main():
        async with there(free_address(), good) as at:

            async def is_kept_out(tls, here, there="", secret=SECRET):
                caplog.clear()
                async with at.linked(tls, secret=secret) as bus:
                    await comes_true(lambda: said(caplog, here) and (not there or said(caplog, there)))
                    assert bus.end is None
                assert not at.listener.known

            # Theirs is of another authority, for either side; or ours is too old, or for another name.
            their_key = Tls(theirs.certificate, theirs.key, good.authority)
            closed, unknown = "it ends the connection before it is known who is there", "unable to get local issuer"
            await is_kept_out(theirs, "its certificate is not accepted: self-signed certificate in certificate chain")
            await is_kept_out(their_key, closed, there=unknown)
            await is_kept_out(ours.give("n3", years=1), closed, there="certificate has expired")
            await is_kept_out(good, "it does not have the secret", secret=b"another secret")
            host, _, port = at.address.rpartition(":")
            await at.works(good, f"localhost:{port}")
            # Who speaks without TLS waits in vain for a greeting, or says what is not TLS.
            monkeypatch.setattr("runline.bus.reach.SHAKE_S_MAX", 0.2)
            await is_kept_out(None, closed, there="it does not answer in time")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(b"runline link 2 " + bytes(64))
            assert await reader.read() == b""
            writer.close()
            await comes_true(lambda: said(caplog, "it does not speak TLS as it should: wrong version number"))

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_whoever_connects_sees_that_the_certificate_is_for_the_name(ours, loop, caplog):
    async def main():
        async with there(free_address(), ours.give("n1", "localhost")) as at, at.linked(ours.give("n2")) as bus:
            await comes_true(lambda: said(caplog, "certificate is not valid for '127.0.0.1'"))
            assert bus.end is None

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_older_tls_and_no_certificate_are_not_let_in(ours, loop, caplog):
    tls = ours.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at:
            host, _, port = at.address.rpartition(":")
            old = ssl.create_default_context(cafile=str(tls.authority))
            old.load_cert_chain(tls.certificate, tls.key)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(OSError):  # noqa: PT011
                await asyncio.open_connection(host, int(port), ssl=old)
            await comes_true(lambda: said(caplog, "unsupported protocol"))
            bare = ssl.create_default_context(cafile=str(tls.authority))
            _, writer = await asyncio.open_connection(host, int(port), ssl=bare)
            writer.close()
            await comes_true(lambda: said(caplog, "peer did not return a certificate"))
            assert not at.listener.strangers

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_connections_that_do_not_begin_to_be_encrypted_are_bounded_and_end(ours, loop, monkeypatch):
    monkeypatch.setattr("runline.bus.reach.ARRIVALS_MAX", 3)
    monkeypatch.setattr("runline.bus.reach.SHAKE_S_MAX", 0.2)
    tls = ours.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at:
            host, _, port = at.address.rpartition(":")
            held = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
            # One too many is closed at once, the others when they have had their time.
            assert await held[3][0].read() == b""
            for reader, _ in held[:3]:
                assert await reader.read() == b""
            for _, writer in held:
                writer.close()
            await at.works(tls)

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_one_address_that_begins_and_says_nothing_keeps_no_other_out(ours, loop, monkeypatch):
    monkeypatch.setattr("runline.bus.reach.ARRIVALS_OF_ONE_MAX", 2)
    tls = ours.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at:
            host, _, port = at.address.rpartition(":")
            held = [await asyncio.open_connection(host, int(port), local_addr=("127.0.0.2", 0)) for _ in range(3)]
            assert await held[2][0].read() == b""
            await at.works(tls)
            for _, writer in held:
                writer.close()

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_an_end_that_does_not_read_what_it_is_told_is_closed(ours, loop, monkeypatch, caplog):
    monkeypatch.setattr("runline.bus.wire.UNSENT_BYTES_MAX", 2**20)
    tls = ours.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at, at.linked(tls) as bus:
            await comes_true(lambda: bus.end is not None)
            (end,) = at.listener.known
            assert bus.end is not None
            bus.end.transport.pause_reading()
            told = 0
            while not end.over:
                end.say(b"\xc4\x00" * 2**15)
                told += 2**16
                assert told < 64 * 2**20
                await asyncio.sleep(0)  # waits: what is said goes out with the turn
            assert said(caplog, "it does not read what it is told") == 1

    LOOPS[loop](main())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_link_whose_connection_is_cut_without_a_word_is_made_anew(ours, loop):
    tls = ours.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at, at.linked(tls) as bus:
            await comes_true(lambda: at.listener.known)
            (end,) = at.listener.known
            # As a process ends that is killed: the machine says that nothing more comes, TLS does not.
            number = end.transport.get_extra_info("socket").fileno()
            with socket.socket(fileno=os.dup(number)) as cut:
                cut.shutdown(socket.SHUT_WR)
            await comes_true(lambda: end.over)
            acceptance(await bus.send_one(at.world.request("b1", wager())))

    LOOPS[loop](main())


def test_certificates_may_be_renewed_while_links_stand(tmp_path, ours, caplog):
    tls, other = ours.give("n1", "127.0.0.1"), Authority(tmp_path / "other", "other")
    theirs = other.give("n1", "127.0.0.1")

    async def main():
        async with there(free_address(), tls) as at:
            await at.works(tls)
            for mine, new in zip(
                (tls.certificate, tls.key, tls.authority),
                (theirs.certificate, theirs.key, theirs.authority),
                strict=True,
            ):
                mine.write_bytes(new.read_bytes() + b"\n")
            await at.works(theirs)
            # What cannot be read is complained of, and nobody is shut out by it.
            tls.certificate.unlink()
            await at.works(theirs)
            assert said(caplog, "cannot be read") == 1

    asyncio.run(main())


def test_what_is_wrong_with_an_address_or_its_certificates_is_said_in_a_sentence(folder, ours, caplog):
    tls = ours.give("n1", "127.0.0.1")
    wrong = {
        "n1": "no address", "n1:": "no address", ":8811": "no address", "n1:0": "no address", "n1:70000": "no address",
        "unix:n1": "whole path", "unix:/" + "n" * 120: "107 bytes",
        "10.0.0.1:8811": "need TLS", "n1.example:8811": "need TLS", "[2001:db8::1]:8811": "need TLS",
    }  # fmt: skip
    for address, sentence in wrong.items():
        with pytest.raises(ReachError, match=sentence):
            require_reachable(address, None)
    for address in ("127.0.0.1:8811", "[::1]:8811", "localhost:8811", f"unix:{folder}/n1"):
        require_reachable(address, None)
    require_reachable("10.0.0.1:8811", tls)

    async def main():
        encrypted = folder / "encrypted.key"
        key: Any = serialization.load_pem_private_key(tls.key.read_bytes(), None)
        encrypted.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"a password"),
            )
        )
        for bad in (Tls(folder / "nowhere", tls.key, tls.authority), Tls(tls.certificate, encrypted, tls.authority)):
            with pytest.raises(ReachError, match="cannot be read"):
                async with listen(free_address(), asyncio.Protocol, bad):
                    pass
        taken = free_address()
        async with listen(taken, asyncio.Protocol, None):
            for again in (None, tls):
                with pytest.raises(ReachError, match=f"Nobody can listen at {taken}"):
                    async with listen(taken, asyncio.Protocol, again):
                        pass
        async with running(MemoryStore(os.urandom)) as world, There(world, "nowhere").linked(None) as bus:
            await comes_true(lambda: said(caplog, "'nowhere' is no address"))
            assert bus.end is None

    asyncio.run(main())


def test_a_socket_is_for_us_alone_and_takes_nobodys_place(folder):
    async def main():
        private = folder / "links"
        address = f"unix:{private}/n1"
        async with there(address, None) as at:
            assert (private.stat().st_mode & 0o777, (private / "n1").stat().st_mode & 0o777) == (0o700, 0o600)
            with pytest.raises(ReachError, match="Somebody listens"):
                async with listen(address, asyncio.Protocol, None):
                    pass
            await at.works(None)
        assert not (private / "n1").exists()
        # What a process that was killed has left is nobody's.
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(private / "n1"))
        async with there(address, None) as at:
            await at.works(None)
            # Somebody else has taken its place.
            (private / "n1").unlink()
            (private / "n1").touch()
        assert (private / "n1").exists()
        with pytest.raises(ReachError, match="no socket"):
            async with listen(address, asyncio.Protocol, None):
                pass
        private.chmod(0o750)
        with pytest.raises(ReachError, match="Others may enter"):
            async with listen(address, asyncio.Protocol, None):
                pass
        with pytest.raises(ReachError, match="Nobody can listen"):
            async with listen(f"unix:{folder}/no/where/n1", asyncio.Protocol, None):
                pass

    asyncio.run(main())
