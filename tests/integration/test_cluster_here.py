"""The cluster that `make cluster` shows: it starts, what is killed or cut through it comes back, and nothing of it is left."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
ENDS_S = 120


def said(child, pattern):
    """The first line that says so."""
    heard = []
    for line in child.stdout:
        heard.append(line)
        found = re.search(pattern, line)
        if found:
            return found
    raise AssertionError("".join(heard))


def left_of(folder):
    """The processes that have a folder in their command."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if folder.encode() in command.read_bytes():
                found.append(command.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="processes that end with others are Linux's alone")
def test_a_node_and_the_database_are_killed_and_come_back_and_a_link_is_cut_and_mended(tmp_path):
    child = subprocess.Popen(
        [sys.executable, ROOT / "tools" / "cluster.py", "--for", "5m", "--port", "0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
    )  # fmt: skip
    assert child.stdin is not None
    try:
        gateways = [said(child, r"http://\S+")[0] for _ in range(2)]
        folder = said(child, r"what each says is in (\S+)\)")[1]
        page = said(child, r"Break it here: (\S+)")[1]
        before = int(said(child, r"^([\d,]+) wagers accepted")[1].replace(",", ""))
        assert "<button" in httpx.get(page).text
        assert httpx.post(f"{page.rpartition('/')[0]}/guessed/k").status_code == 404
        assert httpx.post(f"{page}/k").status_code == 200
        killed = said(child, r"^(n\d): was killed")[1]
        said(child, rf"^{killed}: is back after")
        child.stdin.write("d\n")
        said(child, "^database: the one that was killed follows, and commits wait for it")
        while int(said(child, r"^([\d,]+) wagers accepted")[1].replace(",", "")) <= before:
            pass
        before = int(said(child, r"^([\d,]+) wagers accepted")[1].replace(",", ""))
        child.stdin.write("h\n")
        cut_off = said(child, r"^network: for 10 s (n\d) and (n\d) hear nothing of each other")
        assert cut_off[1] != cut_off[2]
        said(child, "^network: mended")
        while int(said(child, r"^([\d,]+) wagers accepted")[1].replace(",", "")) <= before:
            pass
        assert [httpx.get(f"{one}/v1/live").json() for one in gateways] == [{"live": True}] * 2
        assert f"{killed}: is back after" in httpx.get(f"{page}/said").text
        child.send_signal(signal.SIGINT)
        rest, _ = child.communicate(timeout=ENDS_S)
        assert (child.returncode, rest.splitlines()[-1]) == (0, "ending ...")
    finally:
        child.kill()
        child.communicate()
    assert left_of(folder) == []
    assert not Path(folder).exists()
