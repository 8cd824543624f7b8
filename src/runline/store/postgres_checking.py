"""The look that a server takes at its PostgreSQL now and then: whether it is still what it must be (`store/postgres_demands.py`).

A setting that somebody changes, a standby that nobody waits for, a clock that drifts: commits go on, and what they keep is less
than what is demanded at a start. So it is said, and nothing is stopped.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from runline.engine.ports import Report, StoreError
from runline.store.limits import DEMANDS_EVERY_S
from runline.store.postgres_connection import connect
from runline.store.postgres_demands import demand


@asynccontextmanager
async def checking_server(report: Report, url: str, *, replicas: bool) -> AsyncIterator[None]:
    """Look at a database now and then while an engine runs on it; what is found is reported. replicas: whether a standby is
    required."""
    task = asyncio.create_task(look_on(report, url, replicas=replicas))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def look_on(report: Report, url: str, *, replicas: bool) -> None:
    """Look as long as this runs. (Whoever opened it has just done so.)"""
    while True:
        await asyncio.sleep(DEMANDS_EVERY_S)
        await look_once(report, url, replicas=replicas)


async def look_once(report: Report, url: str, *, replicas: bool) -> None:
    """Look once, and say what is found. (That it cannot be reached is said by who must reach it.)"""
    try:
        connection = await connect(url, "runline checking")
        try:
            await demand(connection, url, replicas=replicas)
        finally:
            connection.terminate()
    except StoreError as error:
        if error.kind == "unreadable":
            report("store", "server", "degraded", str(error))
    else:
        report("store", "server", None, "")
