"""The how-to of a reverse proxy, with a real nginx: commands pass, and a stream does not stall."""

import asyncio
import re
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.doubles.ports import own_port
from tests.integration.served import PASSWORD, served
from tests.integration.world import wager

from runline.client import AsyncClient
from runline.gateway.addresses import Addresses

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reverse-proxy.md"
NGINX = shutil.which("nginx")


def configuration(folder, port, to):
    """The text of the page, as a whole configuration."""
    text = PAGE.read_text().partition("```nginx\n")[2].partition("```")[0]
    text = re.sub(r"listen \d+", f"listen 127.0.0.1:{port}", text).replace("127.0.0.1:8321", to)
    text = text.replace("/etc/ssl/book.example", f"{folder}/localhost")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n"
    )


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)")
def test_the_settings_of_the_page_let_wagers_and_the_stream_through(path, tmp_path):
    port = own_port()
    address = f"https://localhost:{port}"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", tmp_path / "localhost.key", "-out", tmp_path / "localhost.pem"],
        capture_output=True, check=True,
    )  # fmt: skip

    async def main():
        proxied: dict[str, Any] = {"public_url": address, "addresses": Addresses(["127.0.0.1/32"], exempt=())}
        async with served(path, **proxied) as place:
            await place.world.open_house()
            await place.world.open_book(credit_minor=10**9)
            await place.give_password("b1", "owner")
            file = tmp_path / "nginx.conf"
            file.write_text(configuration(tmp_path, port, place.address.removeprefix("http://")))
            child = subprocess.Popen([str(NGINX), "-p", str(tmp_path), "-c", str(file)])  # noqa: ASYNC220
            try:
                trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
                async with AsyncClient(address) as client, asyncio.timeout(30):
                    await client.http.aclose()
                    client.http = httpx.AsyncClient(base_url=address, verify=trusting)
                    await client.sign_in("b1", "owner", PASSWORD)
                    frames = client.stream("wagers")
                    image = await anext(frames)
                    assert image.kind == "image"
                    for _ in range(3):
                        placed = await place.world.do("b1", wager())
                        while placed.position > (await anext(frames)).position:
                            pass
                    assert (await client.ask("wagers")).items
                    await frames.aclose()
                    asked = {"stream": "b1", "user": "owner", "password": PASSWORD, "kind": "screen"}
                    screen = await client.http.post("/v1/sign-in", json=asked)
                    assert screen.headers["set-cookie"].startswith("__Host-runline=")
                    connections: set[Any] = place.server.server_state.connections
                    assert {one.client for one in connections} == {"127.0.0.1"}
                    assert all(one.proxied for one in connections)
                    del client.http.headers["authorization"]
                    own = {"origin": address, "content-type": "application/json"}
                    answer = await client.http.post("/v1/create-agent", content="{", headers=own)
                    assert answer.json()["error"]["code"] == "malformed_command"
            finally:
                child.terminate()
                child.wait()

    asyncio.run(main())
