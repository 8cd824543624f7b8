"""The console as it is served: built into the package, small, and strict about what may run in it."""

import asyncio
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.integration.served import served

ROOT = Path(__file__).parents[2]
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


def test_the_console_is_in_the_wheel(tmp_path):
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "runline/console/index.html" in names
    assert any(name.startswith("runline/console/assets/") and name.endswith(".js") for name in names)
    assert not any("node_modules" in name for name in names)
