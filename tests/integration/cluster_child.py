"""A node of a cluster: a process that joins, says what it is told of its streams, and owns nothing in truth.

    python cluster_child.py URL NAME [hour=N] [dies_after=N] [stops_before=N]

hour: its clocks are so many hours ahead. dies_after: once it has assigned so many streams, it kills itself. stops_before: when
it is about to assign so many, it stands still. It says in lines:
`joined INCARNATION`, `refused SENTENCE`, `coordinates`, `assigned STREAM NUMBER`, `unassigned STREAM NUMBER`, `lost`, `left`,
`holds BOOLEAN` whenever its guard says another thing, and `woke BOOLEAN` when it runs again after it stood still: what its guard
says as the very first thing. What it hears in lines: `drain`, `leave`.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from math import inf

from runline.cluster.member import LeaseLost, Member, NotJoined
from runline.cluster.postgres import PostgresRegistry
from runline.cluster.registry import Node, Taken
from runline.engine.host import boottime_ns

HOUR_NS = 3_600 * 10**9
STILL_NS = 10**9


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Registry(PostgresRegistry):
    """Says when it coordinates. dies_after, stops_before: how many assignments."""

    def __init__(self, url, name, dies_after, stops_before):
        super().__init__(url, name)
        self.dies_after = dies_after
        self.stops_before = stops_before
        self.assigned = 0

    async def take(self, name, holder, seen):
        taken = await super().take(name, holder, seen)
        if taken is not None and name == "coordinator" and holder:
            say("coordinates")
        return taken

    async def assign(self, given, term):
        if self.assigned + len(given) >= self.stops_before:
            os.kill(os.getpid(), signal.SIGSTOP)
        done = await super().assign(given, term)
        self.assigned += len(done)
        if self.assigned >= self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


class Duties:
    """Takes what is assigned, and hands over what is to go."""

    member: Member

    def __init__(self):
        self.tasks = set()

    def assigned(self, stream):
        say("assigned", stream.stream, stream.number)
        self.begin(self.member.taken([Taken(stream, stream.number)]))

    def unassigned(self, stream):
        say("unassigned", stream.stream, stream.number)

    def coming(self, stream):
        say("coming", stream.stream)

    def going(self, stream):
        if stream.wanted:
            self.begin(self.member.hand_over(stream))

    def begin(self, work):
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def watch_guard(guard):
    """Ask the guard all the time; say what it answers first after this process stood still."""
    before_ns, held = boottime_ns(), True
    while True:
        # waits: it runs beside the loop, to be the first that is awake
        time.sleep(0.001)
        holds, now_ns = guard.holds(), boottime_ns()
        if now_ns - before_ns > STILL_NS:
            say("woke", holds)
        if holds != held:
            say("holds", holds)
        before_ns, held = now_ns, holds


async def hear(member):
    """Do what is said."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        if line == "drain":
            await member.drain()
            say("drained")
        elif line == "leave":
            member.leave()


async def live(url, name, hour, *ends):
    registry = Registry(url, name, *ends)
    duties = Duties()
    me = Node(name, 0, f"{name}.example:8321", "1.0")
    member = duties.member = Member(registry, me, duties, lambda: boottime_ns() + hour * HOUR_NS)
    try:
        await member.join()
    except NotJoined as error:
        say("refused", error)
        return
    say("joined", member.me.incarnation)
    threading.Thread(target=watch_guard, args=(member.guard,), daemon=True).start()
    hearing = asyncio.create_task(hear(member))
    try:
        await member.run()
        say("left")
    except LeaseLost:
        say("lost")
    finally:
        hearing.cancel()
        await registry.close()


def main(url, name, *settings):
    asked = {key: int(value) for key, value in (one.split("=") for one in settings)}
    hour = asked.get("hour", 0)
    if hour:
        wall, wall_ns = time.time, time.time_ns
        time.time, time.time_ns = (lambda: wall() + hour * 3_600), (lambda: wall_ns() + hour * HOUR_NS)
    asyncio.run(live(url, name, hour, asked.get("dies_after", inf), asked.get("stops_before", inf)))


if __name__ == "__main__":
    main(*sys.argv[1:])
