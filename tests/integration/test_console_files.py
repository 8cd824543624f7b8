"""The console as it is served: built into the package, small, and strict about what may run in it."""

import asyncio
import re

from tests.integration.served import served

FIRST_LOAD_BYTES_MAX = 300 * 1024


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
