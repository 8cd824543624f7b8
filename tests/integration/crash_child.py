"""The process that is killed: an engine under load on a real file, noting what it sends and what is acknowledged.

    python crash_child.py DATABASE COMMITTER SEED NOTES

Each line of NOTES is `S REQUEST` (about to be sent, in Base64) or `A STREAM ID POSITION` (acknowledged, with events). It says
`ready` once it has begun.
"""

import asyncio
import os
import sys
import time
from base64 import b64encode
from pathlib import Path
from random import Random

from runline.bootstrap import open_store, run, running_engine
from runline.config import StoreSettings
from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit
from runline.domain.board import MarketLine, PostLines
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.grading import Score
from runline.domain.hierarchy import CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.domain.placing import PlaceWager
from runline.domain.prices import Prices
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.tickets import VoidWager
from runline.engine.codec import encode, request_frame
from runline.engine.requests import Accepted, Request

PLAYERS = 40
IN_FLIGHT = 48
GAME_S = 0.25


class Load:
    """Sends, and notes."""

    def __init__(self, bus, notes, random):
        self.bus = bus
        self.notes = notes
        self.random = random
        self.games = []
        self.tickets = []

    def note(self, *words):
        os.write(self.notes, (" ".join(map(str, words)) + "\n").encode())

    async def send(self, stream, actor, command):
        request = Request(stream, self.bus.new_id(), actor, command)
        self.note("S", b64encode(encode(request_frame(request))).decode())
        outcome = await self.bus.send_one(request)
        if isinstance(outcome, Accepted) and outcome.events:
            self.note("A", stream, request.id, outcome.position)
        return outcome

    async def bettor(self):
        while True:
            chance = self.random.random()
            player = f"P{self.random.randrange(PLAYERS)}"
            if chance < 0.02 and self.tickets:
                await self.send("b1", "owner", VoidWager(self.random.choice(self.tickets), "a slip"))
            elif chance < 0.03:
                await self.send("b1", "owner", AdjustCredit(player, 10**9 + self.random.randrange(1000), "asked"))
            elif chance < 0.04:
                until = time.time_ns() + 100_000_000
                await self.send("b1", "owner", GrantTemporaryCredit(player, 100, until, "tonight"))
            elif chance < 0.05:
                await self.send("b1", "owner", EnterTransaction(player, "receipt", 1_00, "cash"))
            elif self.games:
                side, price = self.random.choice((("away", "-110"), ("home", "+102")))
                market = f"{self.random.choice(self.games)}:game:moneyline"
                outcome = await self.send("b1", player, PlaceWager(player, market, side, None, price, 5_00))
                if isinstance(outcome, Accepted):
                    self.tickets = [*self.tickets[-500:], outcome.position]
            else:
                await asyncio.sleep(0)

    async def season(self):
        """Games follow each other; each is closed by its timer, settled, and now and then settled anew."""
        while True:
            name = f"G{self.bus.new_id()}"
            start = time.time_ns() + int(GAME_S * 1e9)
            rotation = 1 + 2 * (start // 1_000_000 % 1_000_000_000)
            await self.send(HOUSE, "platform", CreateFixture(name, "MLB", rotation, "Visitors", "Home", start))
            line = MarketLine("moneyline", "game", None, Prices(away="-110", home="+102"))
            await self.send(HOUSE, "platform", PostLines(name, 1, (line,)))
            self.games.append(name)
            await asyncio.sleep(GAME_S * 0.9)  # waits: the game is about to begin
            self.games.remove(name)
            await asyncio.sleep(GAME_S * 0.2)  # waits: it is over
            for revision in range(1, self.random.randrange(2, 4)):
                score = Score(self.random.randrange(9), self.random.randrange(9))
                entered = await self.send(HOUSE, "platform", EnterResult(name, score))
                if isinstance(entered, Accepted) and entered.events:
                    await self.send(HOUSE, "platform", ConfirmResult(name, revision))


async def main(path, committer, seed, notes):
    async with running_engine(open_store(StoreSettings(Path(path), committer))) as (engine, bus):
        load = Load(bus, os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND), Random(int(seed)))
        if not engine.view.books.by_name:
            await load.send(HOUSE, "platform", OpenBook("b1", "owner"))
            await load.send(HOUSE, "platform", CreateLeague("MLB", "baseball"))
            for number in range(PLAYERS):
                await load.send("b1", "owner", CreatePlayer(f"P{number}", "root", 10**9))
        print("ready", flush=True)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(load.season())
            for _ in range(IN_FLIGHT):
                group.create_task(load.bettor())


if __name__ == "__main__":
    run(lambda: main(*sys.argv[1:]))
