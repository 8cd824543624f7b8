"""Served: the demo's engine, in a process of its own that may be killed: the server, the feed, the bettors, the operators.

Started again over the same database it goes on where the day is by now: what it does follows from the plan, the clock and what
the database holds.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec

from runline.bootstrap import open_store, outside, run, running_engine
from runline.config import StoreSettings
from runline.demo.bettors import Bettors
from runline.demo.day import Day, Scenario, fitted, read_day
from runline.demo.operators import Operators
from runline.demo.options import BadOption
from runline.demo.people import BOOKS, FEED, PLATFORM, RESULTS_DESK, people_of, set_up
from runline.demo.terminal import Terminal
from runline.domain.messages import HOUSE, Rejected
from runline.domain.permissions import Permission
from runline.domain.queries.inside import Nothing, OpenBooks
from runline.engine.ports import StoreError
from runline.feeds.replay import Replay
from runline.gateway.app import Doors
from runline.gateway.door import decoded
from runline.gateway.gateway import Gateway
from runline.gateway.limits import BODY_BYTES_MAX
from runline.gateway.server import AddressInUse, listen, make_server
from runline.gateway.web import JSON, answer, body_of, called_by, guarded, headers_of, require_content
from runline.helpers import end_with_parent
from runline.shell import complain

PASSWORD = "in-real-time"
"""Of all sign-ins. The demo listens on this machine only."""

BOOK = "harbor"
SIGN_INS = (
    ("owner", "harbor.owner"),
    ("agent", "agent.A"),
    ("sub-agent, may only look", "agent.A1"),
    ("player", "A1021"),
)
"""(what they are, their user) in the book."""

HOUSE_SIGN_IN = ("results desk", RESULTS_DESK)
"""The same in the house."""

AGENT = "agent.A"
FACTOR = 10
ACTIONS_PER_S = 0.25
HOUR_NS = 3_600 * 10**9


class Plan(msgspec.Struct, frozen=True):
    """What the demo is. began_ns: when the day began, real time. speed: days' time to real time."""

    database: str
    port: int
    scenario: Scenario
    day: str
    began_ns: int
    speed: float
    rate: float
    seed: int
    committer: Literal["inline", "process"]


class Standing(msgspec.Struct, frozen=True):
    """What the page asks the demo for. factor: the load now, as a multiple of `rate`. ends_ns: when the day is over,
    day_ends_ns: what its own clock says then."""

    day: str
    speed: float
    rate: float
    factor: int
    ends_ns: int
    day_ends_ns: int
    agent: str


class LoadBody(msgspec.Struct, forbid_unknown_fields=True):
    """factor: 1 or FACTOR."""

    factor: int


class Controls:
    """The demo's own doors: what it is, ten times the load, and the end of the engine."""

    def __init__(self, plan: Plan, day: Day) -> None:
        self.plan = plan
        self.day = day
        self.bettors: Bettors | None = None
        self.factor = 1

    def doors(self, gateway: Gateway) -> Doors:
        """The doors, by method and path. The book's owner may use them, as they may everything else."""
        decoder: Any = msgspec.json.Decoder(LoadBody)

        async def permitted(scope: Any) -> dict[bytes, bytes]:
            (await gateway.door.standing(await called_by(scope))).require(Permission.SETTINGS_CHANGE)
            return headers_of(scope)

        async def show(scope: Any, receive: Any, send: Any) -> None:
            await permitted(scope)
            await answer(send, 200, self.standing())

        async def load(scope: Any, receive: Any, send: Any) -> None:
            headers = await permitted(scope)
            require_content(headers, JSON)
            asked: LoadBody = decoded(decoder, await body_of(receive, headers, BODY_BYTES_MAX))
            if asked.factor not in (1, FACTOR):
                raise Rejected("limits_invalid", "The load is once or ten times the usual.", least=1, most=FACTOR)
            self.factor = asked.factor
            if self.bettors is not None:
                self.bettors.rate_per_s = self.plan.rate * self.factor
            await answer(send, 200, self.standing())

        async def kill(scope: Any, receive: Any, send: Any) -> None:
            await permitted(scope)
            os.kill(os.getpid(), signal.SIGKILL)

        return {
            ("GET", "/demo"): guarded(show),
            ("POST", "/demo/load"): guarded(load),
            ("POST", "/demo/kill"): guarded(kill),
        }

    def standing(self) -> bytes:
        """What is so just now, as JSON."""
        plan = self.plan
        ends_ns = plan.began_ns + int((self.day.end_ns - self.day.origin_ns) / plan.speed)
        return msgspec.json.encode(
            Standing(self.day.title(), plan.speed, plan.rate, self.factor, ends_ns, self.day.end_ns, AGENT),
        )


async def serve_demo(plan: Plan) -> None:
    """Serve until told to stop.

    Raises BadOption, AddressInUse, StoreError, Rejected.
    """
    whole = read_day(plan.scenario, plan.day if plan.scenario == "baseball" else None)
    day = fitted(whole, plan.began_ns, plan.speed)
    controls = Controls(plan, whole)
    database = Path(plan.database)
    with listen("127.0.0.1", plan.port) as listening:
        store = open_store(StoreSettings(database, plan.committer))
        async with running_engine(store, database=database) as (engine, bus):
            clock = engine.clock
            server = make_server(bus, outside(clock), more=controls.doors)
            if not (await server.gateway.door.ask_inside(HOUSE, "books_open", Nothing(), OpenBooks)).count:
                span_s = (day.end_ns - day.origin_ns) / 1e9
                await set_up(bus, plan.seed, plan.rate * span_s)
            people = [people_of(one) for one in BOOKS]
            feed = Replay(bus, clock, day.games, day.lines, actor=FEED, league=day.league)
            await feed.open()
            terminal = Terminal(bus.vocabulary, [one.book for one in people])
            bettors = Bettors(
                bus,
                clock,
                terminal,
                people,
                plan.rate,
                plan.seed + clock.now_ns() % 1_000_000,
                int(HOUR_NS / plan.speed),
                day.rush,
            )
            controls.bettors = bettors
            operators = Operators(bus, clock, terminal, people, plan.seed, ACTIONS_PER_S)
            tasks = [asyncio.create_task(terminal.follow(bus, stream)) for stream in terminal.streams]
            while not await terminal.is_current(engine):  # noqa: ASYNC110 -- the log is being read
                await asyncio.sleep(0.01)
            tasks += [asyncio.create_task(one.run()) for one in (feed, bettors, operators)]
            signing = server.gateway.signing
            of_house = [(HOUSE, PLATFORM), (HOUSE, RESULTS_DESK)]
            for stream, user in [*of_house, *((BOOK, user) for _, user in SIGN_INS)]:
                if not await signing.has_password(stream, user):
                    await signing.set_first_password(stream, user, PASSWORD)
            print("ready", flush=True)
            try:
                await server.serve(sockets=[listening])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def main() -> int:
    """Run the plan that the first argument holds, as JSON."""
    # However the demo ends, nothing of it goes on.
    end_with_parent()
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    try:
        run(lambda: serve_demo(plan))
    except (BadOption, AddressInUse, StoreError, Rejected) as error:
        return complain(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
