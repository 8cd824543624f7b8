"""Health: how fast Runline is just now, and whether that is as fast as it should be.

Rule: what was found is a command like any other. That something is slow, or is so no more, is an event of the house.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import get_args

from runline.domain.messages import Rejected
from runline.domain.watch import Measure, NoteHealth
from runline.engine.probes import Histogram, Measures
from runline.engine.requests import Accepted, Outcome, Sink
from runline.monitor.recent import Recent

SLOW_MS: dict[Measure, int] = {"commit": 250, "answer": 500, "delivery": 250, "loop": 200}
"""The 99th percentile of the last seconds beyond which something is slow; it is fast again at half of it."""

TICK_S = 0.1
TICKS_PER_LOOK = 10

MEASURES: tuple[Measure, ...] = get_args(Measure)

Report = Callable[[NoteHealth, Sink], None]


class Said(Sink):
    """The sink of a report: what the house has accepted need not be said again."""

    def __init__(self, monitor: "HealthMonitor", command: NoteHealth) -> None:
        self.monitor = monitor
        self.command = command

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        if isinstance(outcome, Accepted):
            self.monitor.said[self.command.measure] = self.command.slow


class HealthMonitor:
    """Looks at the measures once a second.

    ask: what was measured where the streams are. delivery: what is measured here. Both count since the start. report: sends
    a command to the house; None where another process does that. loop: takes how late this loop is.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Measures]],
        delivery: Histogram,
        report: Report | None,
        loop: Histogram | None = None,
    ) -> None:
        self.ask = ask
        self.asked = False
        self.delivery = delivery
        self.loop = loop or Histogram()
        sources: dict[Measure, Histogram] = {
            "commit": Histogram(),
            "answer": Histogram(),
            "delivery": delivery,
            "loop": self.loop,
        }
        self.recent = {measure: Recent(sources[measure]) for measure in MEASURES}
        self.loop_there = Recent(Histogram())
        """How late the loop is where the streams are."""
        self.report = report
        self.said: dict[Measure, bool] = {}

    async def run(self) -> None:
        """Look, as long as this runs."""
        loop = asyncio.get_running_loop()
        ticks = 0
        await self.measure()
        while True:
            planned = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.loop.add(max(int((loop.time() - planned) * 1e9), 0))
            ticks += 1
            if ticks % TICKS_PER_LOOK == 0:
                await self.measure()
                self.look()

    async def measure(self) -> None:
        """Ask what was measured where the streams are. Where nobody answers, nothing new was measured."""
        try:
            measures = await self.ask()
        except Rejected:
            return
        sources: dict[Measure, Histogram] = {"commit": measures.commit, "answer": measures.answer}
        for measure, source in sources.items():
            if self.asked:
                self.recent[measure].go_on(source)
            else:
                self.recent[measure] = Recent(source)
        self.loop_there.go_on(measures.loop)
        self.asked = True

    def look(self) -> None:
        """Compare the last seconds with what they should be, and report what has changed."""
        self.loop_there.mark()
        for measure, recent in self.recent.items():
            value_ms = int(recent.histogram().percentile_ms(99))
            recent.mark()
            most_ms = SLOW_MS[measure]
            slow = value_ms > (most_ms // 2 if self.said.get(measure) else most_ms)
            if self.report is not None and self.said.get(measure) is not slow:
                command = NoteHealth(measure, slow, value_ms, most_ms)
                self.report(command, Said(self, command))

    def percentile_ms(self, measure: Measure, percent: float) -> float:
        """A percentile of the last seconds, in milliseconds; of loops that of the later one."""
        here_ms = self.recent[measure].histogram().percentile_ms(percent)
        return max(here_ms, self.loop_there.histogram().percentile_ms(percent)) if measure == "loop" else here_ms
