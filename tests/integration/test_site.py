"""What every answer says to the browser that opens it, and the cookie behind TLS of the server's own or of a proxy."""

import asyncio
import json
import ssl
import subprocess

import httpx
import pytest
from tests.doubles.coming import comes_true
from tests.integration.served import PASSWORD, raw, served
from tests.integration.world import wager

from runline.bootstrap import run
from runline.gateway.console import console_doors
from runline.gateway.site import Site

BET = json.dumps({name: getattr(wager(), name) for name in wager().__struct_fields__}).encode()


def play(path, main, **options):
    async def prepared():
        async with served(path, **options) as place, asyncio.timeout(60):
            await place.world.open_house()
            await place.world.open_book(players=2, credit_minor=10**9)
            await main(place)

    run(prepared)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) of localhost."""
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", key, "-out", made],
        capture_output=True, check=True,
    )  # fmt: skip
    return made, key


def protected(heads):
    """The names of an answer's headers, each of which must be there once."""
    names = [line.partition(b":")[0].lower() for line in heads.split(b"\r\n")[1:] if line]
    for name in (b"content-security-policy", b"x-content-type-options", b"referrer-policy"):
        assert names.count(name) == 1, heads
    assert b"x-content-type-options: nosniff" in heads
    assert b"frame-ancestors 'none'" in heads
    assert b"default-src 'none'" in heads
    return names


def test_every_answer_protects_whoever_opens_it(path):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        document = (await owner.http.get("/v1/schema/openapi.json")).json()
        routes = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
        routes += list(console_doors())
        routes += [
            ("GET", "/v1/schema"),
            ("GET", "/nothing"),
            ("PUT", "/v1/wagers"),
            ("HEAD", "/v1/ready"),
            ("OPTIONS", "/"),
        ]
        assert len(routes) > 40
        who = f"authorization: Bearer {owner.token}\r\n"
        asked = {"/v1/stream": "?topics=log"}
        requests = [
            f"{method} {path}{asked.get(path, '')} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n{more}\r\n{{}}".encode()
            for method, path in routes
            if path != "/v1/sign-out"
            for more in (
                "",
                who,
                who + "content-type: application/json\r\n",
                who + "content-type: application/x-ndjson\r\n",
            )
        ]
        bet = f"POST /v1/wagers HTTP/1.1\r\nhost: x\r\n{who}content-type: application/json\r\n".encode()
        requests += [
            bet + b"content-length: %d\r\n\r\n%b" % (len(BET), BET),
            bet + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BET), BET),
            bet + b"content-length: 9999999999\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nx: " + b"a" * 50_000,
            b"GET /" + b"a" * 50_000,
            b"GET /%ff HTTP/1.1\r\nhost: x\r\n\r\n",
            b"GET /v1/board?limit=no HTTP/1.1\r\nhost: x\r\n" + who.encode() + b"\r\n",
        ]
        seen = set()
        for request in requests:
            async with raw(place) as (reader, writer):
                writer.write(request)
                heads = (await reader.readuntil(b"\r\n\r\n"))[:-2]
                seen.add(heads.split()[1])
                assert b"strict-transport-security" not in protected(heads), request
        assert {b"200", b"400", b"401", b"404", b"405", b"413", b"414", b"415", b"431"} <= seen

    play(path, main)


def test_pages_may_load_what_they_need_and_nothing_from_elsewhere(path):
    async def main(place):
        async with httpx.AsyncClient(base_url=place.address) as browser:
            page = (await browser.get("/v1/schema")).headers["content-security-policy"]
            assert "style-src 'unsafe-inline'" in page
            assert "script-src 'sha256-" in page
            assert "script-src 'self'" in (await browser.get("/")).headers["content-security-policy"]

    play(path, main)


async def sign_in_at_a_screen(browser):
    asked = {"stream": "b1", "user": "owner", "password": PASSWORD, "kind": "screen"}
    return await browser.post("/v1/sign-in", json=asked)


def test_behind_a_proxy_that_speaks_tls_only_the_strict_cookie_is_set_and_taken(path):
    async def main(place):
        owner = await place.sign_in("b1", "owner")
        async with httpx.AsyncClient(base_url=place.address) as browser:
            answer = await sign_in_at_a_screen(browser)
            assert answer.headers["set-cookie"].startswith("__Host-runline=b1.")
            cookies = answer.headers.get_list("set-cookie")
            assert [one.partition("=")[0] for one in cookies] == ["__Host-runline", "__Host-runline-device"]
            assert all("; Secure" in one and "HttpOnly" in one and "; Path=/" in one for one in cookies)
            assert answer.headers["strict-transport-security"]
            token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]

            async def user(cookie):
                answer = await browser.get("/v1/me", headers={"cookie": cookie})
                return answer.json()["items"][0]["user"] if answer.status_code == 200 else answer.status_code

            assert await user(f"runline={owner.token}") == 401
            assert await user(f"__Host-runline={token}") == "owner"
            assert await user(f"__Host-runline=b1.thief; runline={owner.token}") == 401
            own = {"cookie": f"__Host-runline={token}", "content-type": "application/json"}
            for origin, status in (("https://book.example", 200), (place.address, 403), ("http://book.example", 403)):
                answer = await browser.post("/v1/wagers", content=BET, headers=own | {"origin": origin})
                assert answer.status_code == status or answer.json()["error"]["code"] == "command_ahead"
                assert (answer.status_code == 403) == (status == 403)

    play(path, main, public_url="https://book.example")


def test_with_tls_of_its_own_it_does_the_same(path, certificate):
    made, key = certificate
    trusting = ssl.create_default_context(cafile=made)

    async def main(place):
        await place.give_password("b1", "owner")
        address = place.address.replace("127.0.0.1", "localhost")
        async with httpx.AsyncClient(base_url=address, verify=trusting) as browser:
            answer = await sign_in_at_a_screen(browser)
            assert "; Secure" in answer.headers["set-cookie"]
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert (await browser.get("/v1/me")).json()["items"][0]["user"] == "owner"
            assert len((await browser.get("/v1/schema/openapi.json")).content) > 50_000
            large = await browser.post(
                "/v1/commands", content=b" " * 300_000, headers={"content-type": "application/x-ndjson"}
            )
            assert large.status_code == 200

    play(path, main, certificate=made, key=key)


def test_a_handshake_that_does_not_come_ends_in_time_and_keeps_nobody_out(path, certificate, monkeypatch):
    monkeypatch.setattr("runline.gateway.guest.HEAD_WAIT_S_MAX", 0.1)
    made, key = certificate

    async def main(place):
        place.server.entrance.connections.most = 40
        crowd = [raw(place) for _ in range(100)]
        opened = [await one.__aenter__() for one in crowd]
        for _, writer in opened[50:]:
            if not writer.is_closing():
                writer.write(b"\x16\x03\x01")
        trusting = ssl.create_default_context(cafile=made)
        address = place.address.replace("127.0.0.1", "localhost")
        async with httpx.AsyncClient(base_url=address, verify=trusting) as browser:
            assert (await browser.get("/v1/ready")).status_code == 200
        for reader, _ in opened:
            try:
                await reader.read()
            except ConnectionError:
                pass
        await comes_true(lambda: not place.server.server_state.connections)
        connections = place.server.entrance.connections
        assert (connections.unsigned, connections.signed) == ({}, {})
        for one in crowd:
            await one.__aexit__(None, None, None)

    play(path, main, certificate=made, key=key)


def test_a_request_that_comes_with_the_end_of_the_handshake_is_not_lost(path, certificate):
    made, key = certificate
    trusting = ssl.create_default_context(cafile=made)

    def ask(port):
        import socket

        for _ in range(30):
            with (
                socket.create_connection(("127.0.0.1", port)) as plain,
                trusting.wrap_socket(plain, server_hostname="localhost") as wrapped,
            ):
                wrapped.sendall(b"GET /v1/ready HTTP/1.1\r\nhost: x\r\n\r\n")
                assert b"200 OK" in wrapped.recv(100)

    async def main(place):
        await asyncio.to_thread(ask, int(place.address.rpartition(":")[2]))

    play(path, main, certificate=made, key=key)


def test_the_headers_of_a_site_end_each_in_a_line():
    for site in (Site(), Site(tls=True)):
        assert site.headers.endswith(b"\r\n")
        assert b"\r\n\r\n" not in site.headers
