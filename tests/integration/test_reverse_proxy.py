"""The how-to of a reverse proxy, with a real nginx: commands pass, and a stream does not stall."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.integration.served import PASSWORD, served
from tests.integration.world import wager

from runline.client import AsyncClient
from runline.gateway.server import listen

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "reverse-proxy.md"
NGINX = shutil.which("nginx")


def configuration(folder, port, to):
    """The text of the page, as a whole configuration."""
    text = PAGE.read_text().partition("```nginx\n")[2].partition("```")[0]
    text = re.sub(r"listen \d+", f"listen 127.0.0.1:{port}", text).replace("127.0.0.1:8321", to)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{text}\n}}\n"
    )


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)")
def test_the_settings_of_the_page_let_wagers_and_the_stream_through(path, tmp_path):
    async def main():
        async with served(path) as place:
            await place.world.open_house()
            await place.world.open_book(credit_minor=10**9)
            await place.give_password("b1", "owner")
            with listen("127.0.0.1", 0) as listening:
                port = listening.getsockname()[1]
            file = tmp_path / "nginx.conf"
            file.write_text(configuration(tmp_path, port, place.address.removeprefix("http://")))
            child = subprocess.Popen([NGINX, "-p", str(tmp_path), "-c", str(file)])  # noqa: ASYNC220
            try:
                async with AsyncClient(f"http://127.0.0.1:{port}") as client, asyncio.timeout(30):
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
            finally:
                child.terminate()
                child.wait()

    asyncio.run(main())
