"""Committing: there is one committer process at a time, however many want something of it at once."""

import asyncio
from typing import Any, ClassVar

from runline.engine.ports import nobody_hears
from runline.store.committer import Begin, Claim, Done, encode
from runline.store.committing import Committing
from runline.store.tables import NO_TABLES


class Store(Committing):
    """One that writes nothing."""

    what = "it"

    def __init__(self) -> None:
        self.report = nobody_hears
        self.prepare()

    def told(self) -> Begin:
        return Begin("postgresql", "", NO_TABLES, "", 0, replicas=False)


class Child:
    """A committer that does all that it is told."""

    started: ClassVar[list["Child"]] = []
    lives = True
    pipe: Any = None

    @classmethod
    async def start(cls, *_: Any, **__: Any) -> "Child":
        child = cls()
        cls.started.append(child)
        await asyncio.sleep(0)
        return child

    def send(self, message: bytes) -> "asyncio.Future[bytes]":
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        done.set_result(encode(Done()))
        return done

    def stop(self) -> None:
        self.lives = False

    async def end(self) -> None:
        self.lives = False


def test_who_finds_at_once_that_the_committer_has_ended_starts_one(monkeypatch):
    monkeypatch.setattr("runline.store.committing.Helper", Child)
    monkeypatch.setattr(Child, "started", [])

    async def main():
        store = Store()
        await asyncio.gather(*(store.order(Claim({f"b{number}": None})) for number in range(3)))
        (first,) = Child.started
        first.lives = False
        await asyncio.gather(*(store.order(Claim({f"b{number}": None})) for number in range(3)))
        assert len(Child.started) == 2
        await store.take_leave()
        assert not any(one.lives for one in Child.started)

    asyncio.run(main())
