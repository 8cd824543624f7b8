"""How a server is, as those hear it who watch over it: live, ready, and ready for one book."""

import asyncio
import signal
import subprocess
import sys

import httpx
import pytest
from tests.integration.nodes import filled, nodes_of
from tests.integration.served import PASSWORD, served
from tests.integration.test_gateways import beside
from tests.integration.test_stopped_streams import bearer, broken, open_stage
from tests.integration.world import wager

from runline.client import Client
from runline.domain.tickets import WagerPlaced


async def said(client, where, **more):
    """(status, body) of a route."""
    answer = await client.http.get(where, **more)
    return answer.status_code, answer.json()


def test_a_stopped_book_is_not_ready_the_others_are_and_the_process_lives(path):
    async def main():
        async with served(path) as place:
            world = place.world
            await open_stage(world)
            platform, owner, other = (
                await place.platform(),
                *[await place.sign_in(book, "owner") for book in ("b1", "b2")],
            )
            outsider = place.client()
            assert await said(outsider, "/v1/ready?stream=house") == (200, {"ready": True})
            for client, stream in ((platform, "b1"), (platform, "b2"), (owner, "b1"), (owner, "house")):
                assert await said(client, f"/v1/ready?stream={stream}", headers=bearer(client)) == (
                    200,
                    {"ready": True},
                )
            mend = broken(world, WagerPlaced)
            await world.refused("b1", wager())
            stopped = (503, {"ready": False, "failing": ["stream"]})
            assert await said(outsider, "/v1/ready") == stopped
            assert await said(platform, "/v1/ready?stream=b1", headers=bearer(platform)) == stopped
            # Whoever is of a stopped book cannot be looked up in it: it does not answer.
            status, body = await said(owner, "/v1/ready?stream=b1", headers=bearer(owner))
            assert (status, body["ready"]) == (503, False)
            for client in (platform, other):
                assert await said(client, "/v1/ready?stream=b2", headers=bearer(client)) == (200, {"ready": True})
            assert await said(outsider, "/v1/ready?stream=house") == (200, {"ready": True})
            assert await said(outsider, "/v1/live") == (200, {"live": True})
            mend()

    asyncio.run(main())


def test_which_books_there_are_is_not_told_to_everybody(path):
    async def main():
        async with served(path) as place:
            await open_stage(place.world)
            owner, outsider = await place.sign_in("b1", "owner"), place.client()
            for stream in ("b1", "nothing"):
                status, body = await said(outsider, f"/v1/ready?stream={stream}")
                assert (status, body["error"]["code"]) == (401, "not_signed_in")
            for stream in ("b2", "nothing"):
                status, body = await said(owner, f"/v1/ready?stream={stream}", headers=bearer(owner))
                assert (status, body["error"]["code"]) == (403, "not_permitted")
            platform = await place.platform()
            nowhere = await said(platform, "/v1/ready?stream=nothing", headers=bearer(platform))
            assert nowhere == (503, {"ready": False, "failing": ["stream"]})

    asyncio.run(main())


@pytest.mark.usefixtures("programs")
def test_a_gateway_whose_owner_is_away_is_alive_and_not_ready(path, monkeypatch):
    async def main():
        async with beside(path, 1) as there:
            (client,) = await there.one_each()
            assert await said(client, "/v1/ready") == (200, {"ready": True})
            assert await said(client, "/v1/ready?stream=b1", headers=bearer(client)) == (200, {"ready": True})
            monkeypatch.setattr(there.gateways.listener, "admit", lambda end: False)
            there.gateways.listener.close()
            away = (503, {"ready": False, "failing": ["owner"]})
            assert await said(client, "/v1/ready") == away
            assert await said(client, "/v1/ready?stream=b1", headers=bearer(client)) == away
            assert await said(client, "/v1/live") == (200, {"live": True})

    asyncio.run(main())


def asked(place, where, token=""):
    """(status, body) of a route of a process."""
    answer = httpx.get(f"{place.address}{where}", headers={"authorization": f"Bearer {token}"} if token else {})
    return answer.status_code, answer.json()


def test_every_role_says_for_itself_and_for_a_book_elsewhere(path):
    with nodes_of(filled(path)) as nodes:
        (engine,) = nodes.start("n1", words=("--role", "engine"))
        every, gateway = nodes.start("n2") + nodes.start("g1", words=("--role", "gateway"))
        asyncio.run(nodes.pin({"b1": "n1", "house": "n2"}))
        well = (200, {"ready": True})
        with Client(gateway.address, deadline_s=10) as client:
            token = client.sign_in("b1", "owner", PASSWORD)
        for place in (every, gateway):
            assert asked(place, "/v1/ready") == well
            assert asked(place, "/v1/ready?stream=b1", token) == well
            assert asked(place, "/v1/ready?stream=house") == well
        # Nobody is there who could take over: what is asked for is not ready, and whoever is asked lives.
        for node in (engine, every):
            node.send(signal.SIGKILL)
            node.ended()
        # What was heard of them is good for a moment.
        while asked(gateway, "/v1/ready", token)[0] != 503:
            pass
        for where in ("/v1/ready", "/v1/ready?stream=b1", "/v1/ready?stream=house"):
            assert asked(gateway, where, token)[0] == 503
        assert asked(gateway, "/v1/live") == (200, {"live": True})


def ready(*words):
    """(status, output, complaint) of `runline ready`, as somebody runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "runline", "ready", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_a_command_says_whether_a_server_is_ready_and_lives(path):
    async def main():
        async with served(path) as place:
            await open_stage(place.world)
            here = place.address
            assert await asyncio.to_thread(ready, here) == (0, "ready", "")
            mend = broken(place.world, WagerPlaced)
            await place.world.refused("b1", wager())
            assert await asyncio.to_thread(ready, here) == (1, "", f"runline: {here} is not ready: stream")
            assert await asyncio.to_thread(ready, here, "--live") == (0, "live", "")
            mend()
        status, _, complaint = await asyncio.to_thread(ready, here)
        assert (status, complaint) == (2, f"runline: {here} does not answer: connection refused")
        assert (await asyncio.to_thread(ready, "ftp://x"))[0] == 2

    asyncio.run(main())


def test_a_server_with_a_certificate_of_another_name_is_asked_on_its_own_machine(path, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=book.example",
         "-keyout", key, "-out", certificate],
        capture_output=True, check=True,
    )  # fmt: skip

    async def main():
        async with served(path, certificate=certificate, key=key) as place:
            assert await asyncio.to_thread(ready, place.address) == (0, "ready", "")

    asyncio.run(main())
