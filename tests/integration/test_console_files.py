"""The console as it is served: built into the package, small, and strict about what may run in it."""

import asyncio
import json
import re

import pytest
from tests.integration.served import served

from runline.gateway.console import FOLDER, compressed

FIRST_LOAD_BYTES_MAX = 120 * 1024


def loaded(*opened):
    """The built files that a page needs once some parts of the source are opened."""
    manifest = json.loads((FOLDER / ".vite" / "manifest.json").read_text(encoding="utf-8"))
    files, waiting, seen = set(), ["index.html", *opened], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        part = manifest[name]
        files |= {part["file"], *part.get("css", ()), *part.get("assets", ())}
        waiting += part.get("imports", ())
    return files


@pytest.mark.parametrize(
    ("opened", "kilobytes_max"),
    [
        (("src/shell/Shell.svelte", "src/rooms/ticker/Ticker.svelte"), 120),
        (("src/shell/Shell.svelte", "src/rooms/board/Board.svelte"), 120),
        (("src/player/Player.svelte",), 60),
    ],
)
def test_who_opens_the_page_is_sent_little(opened, kilobytes_max):
    sizes = {name: len(compressed((FOLDER / name).read_bytes())) for name in loaded(*opened)}
    assert sum(sizes.values()) <= kilobytes_max * 1024, sizes


def test_the_first_load_is_small_and_comes_from_here(path):
    async def main():
        async with served(path) as place:
            http = place.client().http
            page = await http.get("/")
            assert page.status_code == 200
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            names = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
            assert names
            total = 0
            for name in names:
                async with http.stream("GET", name, headers={"accept-encoding": "gzip"}) as answer:
                    assert answer.status_code == 200
                    assert "immutable" in answer.headers["cache-control"]
                    total += len(b"".join([part async for part in answer.aiter_raw()]))
            assert 0 < total < FIRST_LOAD_BYTES_MAX
            plain = await http.get(names[0], headers={"accept-encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert (await http.get("/assets/none.js")).status_code == 404

    asyncio.run(main())
