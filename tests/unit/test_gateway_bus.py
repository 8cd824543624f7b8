"""A gateway's bus: whether any node answers is asked once for all who ask meanwhile."""

import asyncio
from typing import Any

import msgspec
from tests.doubles.plain import VOCABULARY

from runline.domain.messages import HOUSE
from runline.domain.queries.inside import READY, Readiness
from runline.engine.bus import Answer, Question
from runline.engine.clock import SystemClock
from runline.engine.requests import unavailable
from runline.gate import GatewayBus


class Two:
    """Two nodes, one of which has the house."""

    def where(self, stream):
        return "n1" if stream == HOUSE else None

    def known(self, stream):
        return True

    def anybody(self):
        return "n1"

    def addresses(self):
        return frozenset({"n1", "n2"})

    def listen(self, changed):
        pass


class Node:
    """A link to a node. asked: how often; answers: whether it does."""

    sharers: dict[str, Any]

    def __init__(self, asked, *, answers):
        self.asked = asked
        self.answers = answers

    async def ask(self, question):
        self.asked.append(question.name)
        await asyncio.sleep(0)
        if not self.answers:
            raise unavailable()
        return Answer(0, b"{}")

    async def close(self):
        pass


def ready(answers, times, monkeypatch, kept_s):
    """What those hear who ask at once, and then so often one after the other; how often nodes were asked."""
    monkeypatch.setattr("runline.gate.ANSWERED_S", kept_s)

    async def main():
        asked: list[str] = []

        def link_to(address: str) -> Any:
            return Node(asked, answers=answers)

        bus = GatewayBus(VOCABULARY, SystemClock(), bytes, None, Two(), link_to)
        at_once = await asyncio.gather(*(bus.ask(Question("", READY)) for _ in range(10)))
        later = [await bus.ask(Question("", READY)) for _ in range(times)]
        await bus.close()
        return {msgspec.json.decode(one.body, type=Readiness).ready for one in (*at_once, *later)}, len(asked)

    return asyncio.run(main())


def test_nodes_are_asked_once_for_all_who_ask_at_once_and_a_moment_later(monkeypatch):
    assert ready(True, 5, monkeypatch, 3_600.0) == ({True}, 2)
    assert ready(False, 5, monkeypatch, 3_600.0) == ({False}, 2)


def test_nodes_are_asked_again_when_the_moment_is_over(monkeypatch):
    assert ready(True, 3, monkeypatch, 0.0) == ({True}, 8)
