"""Bench `overload`: ten times the wagers that the engine can take, open loop, and control commands among them.

Peak and floor: what the engine takes of the same wagers when there are always some hundreds in flight and no control commands,
measured in turns with the overload, for machines change their speed. Who hears `busy` sends the same wager again. Raises if
any wager was accepted between an event that forbids it and the one that allows it again.
"""

import asyncio
import gc
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runline.bootstrap import open_store, running_engine
from runline.config import StoreSettings
from runline.domain.messages import Command
from runline.domain.placing import PlaceWager
from runline.domain.suspension import Reopen, Suspend
from runline.domain.users import RestoreUser, RevokeUser
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.requests import Accepted, Outcome, Request, Sink
from runline.evaluate.bench.load import BOOK, OWNER, Bettors, ClosedLoop, fixture_name, set_up
from runline.evaluate.bench.result import LoopStalls, latencies

PLAYERS = 10_000
SEED = 23
IN_FLIGHT = 512
FACTOR = 10
RISING = (0.5, 1, 2, 5, 10)
"""The load as a multiple of the peak, before control commands are mixed in."""
SENDS_PER_S = 500
CONTROL_PAUSE_S = 0.01
TURNS = 8


class Flood:
    """Wagers at a rate that does not care about answers, taken from a pool; what was `busy` is sent again first."""

    def __init__(self, engine: Engine, pool: deque[Request], rate_per_s: float) -> None:
        self.engine = engine
        self.pool = pool
        self.each = max(round(rate_per_s / SENDS_PER_S), 1)
        self.offered = 0
        self.answered = 0
        self.busy = 0
        self.refused: dict[str, int] = {}
        # Two lists of plain things: the collector would walk over a list of tuples.
        self.positions: list[int] = []
        self.accepted: list[Request] = []
        self.durations_ns: list[int] = []
        self.busy_ns: list[int] = []

    async def run(self, seconds: float) -> float:
        """Send for so long, then wait for the last answer. Returns how long the sending took."""
        pool = self.pool
        between_ns = int(1e9 / SENDS_PER_S)
        began_ns = due_ns = time.perf_counter_ns()
        end_ns = began_ns + int(seconds * 1e9)
        while due_ns < end_ns:
            while due_ns <= time.perf_counter_ns() and due_ns < end_ns:
                requests = [pool.popleft() for _ in range(min(self.each, len(pool)))]
                if len(requests) < self.each:
                    raise RuntimeError("the pool of wagers is empty: everything is in flight")
                self.offered += len(requests)
                self.engine.submit(requests, Sent(self, requests, due_ns))
                due_ns += between_ns
            await asyncio.sleep(max(due_ns - time.perf_counter_ns(), 0) / 1e9)
        took_s = (time.perf_counter_ns() - began_ns) / 1e9
        while self.answered < self.offered:  # noqa: ASYNC110 -- an Event would be set on the way that is measured
            await asyncio.sleep(0.001)
        return took_s


class Sent(Sink):
    """The answers to what a flood has sent at once."""

    def __init__(self, flood: Flood, requests: list[Request], due_ns: int) -> None:
        self.flood = flood
        self.requests = requests
        self.due_ns = due_ns

    def answer(self, index: int, outcome: Outcome) -> None:
        flood = self.flood
        flood.answered += 1
        if type(outcome) is Accepted:
            flood.durations_ns.append(time.perf_counter_ns() - self.due_ns)
            flood.positions.append(outcome.position)
            flood.accepted.append(self.requests[index])
        else:
            flood.durations_ns.append(time.perf_counter_ns() - self.due_ns)
            flood.refused[outcome.code] = flood.refused.get(outcome.code, 0) + 1  # type: ignore[union-attr]

    def answer_all(self, indexes: Sequence[int], outcome: Outcome) -> None:
        flood, requests = self.flood, self.requests
        flood.answered += len(indexes)
        flood.busy += len(indexes)
        flood.busy_ns.append(time.perf_counter_ns() - self.due_ns)
        flood.pool.extendleft([requests[index] for index in reversed(indexes)])


class Forbidding:
    """Control commands among the flood: a game and a player are closed and opened again, in turns."""

    def __init__(self, bus: Bus, players: list[str]) -> None:
        self.bus = bus
        self.players = players
        self.durations_ns: list[int] = []
        self.closed: dict[str, list[tuple[int, int]]] = {}
        self.turn = 0
        self.stopping = False

    async def command(self, command: Command) -> int:
        """The position after a control command."""
        sent_ns = time.perf_counter_ns()
        outcome = await self.bus.send_one(Request(BOOK, self.bus.new_id(), OWNER, command))
        self.durations_ns.append(time.perf_counter_ns() - sent_ns)
        if not isinstance(outcome, Accepted):
            raise RuntimeError(f"a control command was not accepted: {outcome}")
        return outcome.position

    async def run(self) -> None:
        """Close and open in rounds, until `stop`."""
        self.stopping = False
        while not self.stopping:
            fixture, player = fixture_name(self.turn % 10), self.players[self.turn % len(self.players)]
            begins: list[tuple[str, int]] = []
            begins.append((fixture, await self.command(Suspend("fixture", fixture, "bench"))))
            begins.append((player, await self.command(RevokeUser(player, "bench"))))
            await asyncio.sleep(CONTROL_PAUSE_S)
            opens: list[Command] = [Reopen("fixture", fixture, "bench"), RestoreUser(player, "bench")]
            for (subject, begin), command in zip(begins, opens, strict=True):
                self.closed.setdefault(subject, []).append((begin, await self.command(command)))
            await asyncio.sleep(CONTROL_PAUSE_S)
            self.turn += 1

    def stop(self) -> None:
        """Begin no more rounds."""
        self.stopping = True

    def violations(self, flood: Flood) -> int:
        """Wagers that were accepted while what they need was closed."""
        return sum(
            self.forbidden(position, subject)
            for position, request in zip(flood.positions, flood.accepted, strict=True)
            for subject in subjects_of(request.command)
        )

    def forbidden(self, position: int, subject: str) -> bool:
        spans = self.closed.get(subject, [])
        place = bisect_left(spans, (position, 0)) - 1
        return place >= 0 and spans[place][0] < position < spans[place][1]


def subjects_of(command: Any) -> tuple[str, str]:
    """What a wager is forbidden by here: its game's and its player's name."""
    assert isinstance(command, PlaceWager)
    return command.market.partition(":")[0], command.player


def active(requests: deque[Request]) -> list[str]:
    """Players who wager much, but not the few who wager most: what is refused for them is not accepted."""
    counts: dict[str, int] = {}
    for request in requests:
        counts[request.actor] = counts.get(request.actor, 0) + 1
    return sorted(counts, key=lambda player: -counts[player])[20:40]


def pool_of(bettors: Bettors, wagers: float) -> deque[Request]:
    """Enough new wagers for so many to be accepted. New, because the ids of old ones may be stale by now."""
    pool = deque(bettors.request() for _ in range(int(wagers * 1.5) + 20_000))
    # A collection would be measured as if it were the engine's.
    gc.collect()
    gc.freeze()
    return pool


async def at_capacity(engine: Engine, bettors: Bettors, wagers: int) -> float:
    """Wagers a second when some hundreds are in flight."""
    return wagers / await ClosedLoop(engine, [bettors.request() for _ in range(wagers)], IN_FLIGHT).run()


async def bench_overload(folder: Path, *, wagers: int, seconds: float) -> tuple[dict[str, float], dict[str, float]]:
    """(figures, floor)."""
    async with running_engine(open_store(StoreSettings(folder / "overload.db", "process"))) as (engine, bus):
        await set_up(bus, PLAYERS)
        bettors = Bettors(bus, PLAYERS, SEED)
        await at_capacity(engine, bettors, wagers // 4)
        peak_per_s = await at_capacity(engine, bettors, wagers // 2)
        rising: dict[str, float] = {}
        each_s = seconds / len(RISING)
        for factor in RISING:
            flood = Flood(engine, pool_of(bettors, peak_per_s * each_s), factor * peak_per_s)
            took_s = await flood.run(each_s)
            name = f"at_{factor:g}x".replace(".", "_")
            rising[f"{name}_offered_per_s"] = flood.offered / took_s
            rising[f"{name}_accepted_per_s"] = len(flood.accepted) / took_s
            rising[f"{name}_answer_ms_p99"] = latencies("answer", flood.durations_ns)["answer_ms_p99"]
        each_s = seconds / TURNS
        pool = pool_of(bettors, peak_per_s * each_s)
        flood = Flood(engine, pool, FACTOR * peak_per_s)
        forbidding = Forbidding(bus, active(pool))
        peaks: list[float] = []
        took_s = stall_ms = 0.0
        for _ in range(TURNS):
            peaks.append(await at_capacity(engine, bettors, wagers // TURNS))
            flood.pool = pool_of(bettors, peak_per_s * each_s)
            controlling = asyncio.create_task(forbidding.run())
            async with LoopStalls() as stalls:
                took_s += await flood.run(each_s)
            forbidding.stop()
            await controlling
            stall_ms = max(stall_ms, stalls.longest_ms)
        peak_per_s = sum(peaks) / TURNS
        violations = forbidding.violations(flood)
        if set(flood.refused) - {"market_suspended", "not_permitted"}:
            raise RuntimeError(f"refused for another reason: {flood.refused}")
        if violations:
            raise RuntimeError(f"{violations} wagers were accepted after the event that forbids them")
        figures = {
            "accepted_per_s": len(flood.accepted) / took_s,
            "offered_per_s": flood.offered / took_s,
            "busy_share": flood.busy / flood.offered,
            "forbidden_refused": float(sum(flood.refused.values())),
            "loop_stall_ms_max": stall_ms,
            "control_commands": float(len(forbidding.durations_ns)),
        }
        figures |= latencies("control", forbidding.durations_ns) | latencies("answer", flood.durations_ns)
        figures |= latencies("busy", flood.busy_ns) | rising
    return figures, {"accepted_per_s": peak_per_s}
