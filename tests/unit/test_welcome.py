"""Welcoming: whoever owns the house can sign in, however it went at first."""

import asyncio
from types import SimpleNamespace
from typing import Any

from runline.domain.messages import Rejected
from runline.serving import welcoming
from runline.simulate.loop import VirtualLoop


def test_the_owner_of_a_house_gets_a_password_though_the_house_does_not_answer_at_first(monkeypatch):
    tries: list[int] = []
    seen_to = asyncio.Event()

    async def begin(*_: Any, sample: bool) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Rejected("unavailable", "It cannot be recorded now.")
        seen_to.set()

    monkeypatch.setattr("runline.serving.begin", begin)

    async def main():
        node: Any = SimpleNamespace(
            house_here=asyncio.Event(), has_house=lambda: True, engine=SimpleNamespace(clock=None), bus=None
        )
        async with welcoming(node, None, None, False):  # type: ignore[arg-type]
            node.house_here.set()
            await asyncio.wait_for(seen_to.wait(), 60)

    loop = VirtualLoop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert len(tries) == 3
