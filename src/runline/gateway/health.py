"""Health: how Runline is, as it is told to those who follow the topic `health`; and what becomes slow, as the house is told."""

import asyncio
from collections.abc import Callable
from typing import Any

from runline.domain.messages import HOUSE
from runline.domain.watch import NoteHealth
from runline.engine.engine import Engine
from runline.engine.requests import Sink
from runline.gateway.fan import Fan
from runline.monitor.health import HealthMonitor
from runline.reads.conditions import conditions_told


class Health:
    """How the process is. report: sends the house what was found."""

    def __init__(self, engine: Engine, fan: Fan, report: Callable[[NoteHealth, Sink], None]) -> None:
        self.engine = engine
        self.fan = fan
        self.monitor = HealthMonitor(engine.probes.commit, engine.probes.answer, fan.delivery, report)
        self.task = asyncio.create_task(self.monitor.run())

    async def close(self) -> None:
        """Look no more."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def told(self, stream: str) -> dict[str, Any]:
        """How fast Runline is just now. Volumes, which are of the whole platform, are for the house's staff."""
        engine, recent = self.engine, self.monitor.percentile_ms
        values: dict[str, Any] = {
            "recoveries": engine.probes.recoveries,
            "commit_ms_p50": recent("commit", 50),
            "commit_ms_p99": recent("commit", 99),
            "answer_ms_p99": recent("answer", 99),
            "delivery_ms_p99": recent("delivery", 99),
            "loop_ms_p99": recent("loop", 99),
            "slow": list(engine.view.watch.slownesses),
            "conditions": conditions_told(engine.conditions.standing.values(), stream, whole=False),
            "server_ns": engine.clock.host_ns(),
        }
        if stream == HOUSE:
            probes = engine.probes
            return values | {
                "accepted": probes.accepted,
                "refused": sum(probes.refused.values()),
                "logged": probes.events,
                "screens": self.fan.count,
            }
        return values
