"""The check of the file that a server has: that it is still there, and now and then every page, table and index, in a process of
its own.

What is read on the way of a command or a query is verified anyway; this finds what nobody has read for long.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from runline.engine.ports import Report
from runline.helpers import CallingHelper, HelperEnded
from runline.store.check import OpenFile, check_file
from runline.store.limits import CHECK_EVERY_S, LOOK_EVERY_S
from runline.store.where import Place

log = logging.getLogger("runline.store")


def looked_after(report: Report, place: Place, *, replicas: bool = False) -> AbstractAsyncContextManager[None]:
    """Look at a database now and then while an engine runs on it; what is found is reported. replicas: whether what PostgreSQL
    acknowledges must be on a standby."""
    if isinstance(place, str):
        from runline.store.postgres_checking import checking_server

        return checking_server(report, place, replicas=replicas)
    return checking(report, place)


@asynccontextmanager
async def checking(report: Report, database: Path) -> AsyncIterator[None]:
    """Check a database while an engine runs on it, at once and then once a day, and where it lies each second; what is found is
    reported."""
    helper = CallingHelper(os.nice, 19)
    tasks = [
        asyncio.create_task(check_on(report, database, helper)),
        asyncio.create_task(look_on(report, OpenFile(database))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        helper.close()


async def look_on(report: Report, file: OpenFile) -> None:
    """Look where the file lies as long as this runs."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        fault = file.fault()
        report("store", "file", "failing" if fault else None, f"{fault}.")


async def check_on(report: Report, database: Path, helper: CallingHelper) -> None:
    """Check as long as this runs."""
    while True:
        await check_once(report, database, helper)
        await asyncio.sleep(CHECK_EVERY_S)


async def check_once(report: Report, database: Path, helper: CallingHelper) -> None:
    """Check once, and say what is found."""
    try:
        checked = await helper.call(check_file, str(database))
    except HelperEnded:
        log.warning("the check of the database has ended early; it is done again the next time")
        return
    if checked.unfinished:
        log.warning("so much is written that these could not be checked: %s", ", ".join(checked.unfinished))
    if checked.faults:
        more = f" (and {len(checked.faults) - 1} more)" if len(checked.faults) > 1 else ""
        report("store", "check", "degraded", f"The database is damaged: {checked.faults[0]}{more}")
    elif not checked.unfinished:
        report("store", "check", None, "")
