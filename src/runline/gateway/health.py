"""Health: how Runline is, as it is told to those who follow the topic `health`; and what becomes slow, as the house is told."""

import asyncio
from collections.abc import Callable
from typing import Any

from runline.domain.messages import HOUSE
from runline.domain.watch import NoteHealth
from runline.engine.requests import Sink
from runline.gateway.door import Door
from runline.gateway.fan import Fan
from runline.monitor.health import HealthMonitor, Report


def always() -> bool:
    """Where nobody else tells the house how things are."""
    return True


def never() -> bool:
    """Where somebody else does."""
    return False


class Health:
    """How Runline is, as whoever owns the streams says over the bus, and as is measured here. reports: whether it is from here
    that the house is told what becomes slow."""

    def __init__(self, door: Door, fan: Fan, *, reports: Callable[[], bool] = always) -> None:
        self.door = door
        self.fan = fan
        self.monitor = HealthMonitor(door.measures, fan.delivery, report_of(door, reports))
        self.task = asyncio.create_task(self.monitor.run())

    async def close(self) -> None:
        """Look no more."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def told(self, stream: str) -> dict[str, Any]:
        """How fast Runline is just now. Volumes, which are of the whole platform, are for the house's staff.

        Raises Rejected `unavailable`.
        """
        vitals, recent = await self.door.vitals(stream), self.monitor.percentile_ms
        values: dict[str, Any] = {
            "recoveries": vitals.recoveries,
            "commit_ms_p50": recent("commit", 50),
            "commit_ms_p99": recent("commit", 99),
            "answer_ms_p99": recent("answer", 99),
            "delivery_ms_p99": recent("delivery", 99),
            "loop_ms_p99": recent("loop", 99),
            "slow": vitals.slow,
            "conditions": vitals.conditions,
            "server_ns": self.door.clock.host_ns(),
        }
        if stream == HOUSE:
            return values | {
                "accepted": vitals.accepted,
                "refused": vitals.refused,
                "logged": vitals.logged,
                "screens": self.fan.count,
            }
        return values


def report_of(door: Door, reports: Callable[[], bool]) -> Report:
    """What tells the house what becomes slow, as long as that is done from here."""

    def report(command: NoteHealth, sink: Sink) -> None:
        if reports():
            door.report(HOUSE, command, sink)

    return report
