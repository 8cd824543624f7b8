"""The nursery: a helper that was forked is as one that was started as a program."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from runline import helpers
from runline.helpers import CallingHelper, HelperEnded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a nursery")


@pytest.mark.parametrize("nursery", [True, False])
def test_a_helper_is_a_child_of_who_wants_it_stands_where_that_stands_and_is_replaced(tmp_path, monkeypatch, nursery):
    if not nursery:
        monkeypatch.setattr("runline.helpers.subprocess", subprocess)
    assert (vars(helpers)["subprocess"] is subprocess) != nursery
    monkeypatch.chdir(tmp_path)

    async def main():
        helper = CallingHelper(silent_s_max=60.0)
        first = await helper.call(os.getpid)
        assert first != os.getpid()
        assert await helper.call(os.getppid) == os.getpid()
        assert await helper.call(os.getcwd) == str(tmp_path)
        assert len(await helper.call(os.listdir, "/proc/self/fd")) == 5, "three, its pipe, and what it looks with"
        os.kill(first, signal.SIGKILL)
        with pytest.raises(HelperEnded):
            await helper.call(abs, -1)
        assert await helper.call(os.getpid) != first
        assert helper.helper is not None
        child = helper.helper.child
        helper.close()
        assert child.returncode == -signal.SIGKILL

    asyncio.run(main())
