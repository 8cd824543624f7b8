"""Loop: an event loop whose time is made: an hour passes at once. It knows whose each task is, so that a process can die on it.

Rule: time passes only when nobody has anything to do, or by as much as work is said to take. Nothing waits for the machine; where
nothing would ever happen again, that is an error.
"""

import asyncio
import selectors
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from heapq import heapify, heappop, heappush
from typing import Any

OWNER: ContextVar["Owner | None"] = ContextVar("OWNER", default=None)
"""The process that the present code belongs to, None for the world around it."""


TIMERS_MIN = 100
"""Of so many timers those that were cancelled are dropped once they are most."""


class Owner:
    """What a simulated process has on the loop: its tasks, in the order in which they were made. dead: it begins nothing more.
    held: while it does not run, what it would go on with; None while it does. timers: of a process that does not run."""

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self.dead = False
        self.held: list[asyncio.Handle] | None = None
        self.timers: list[tuple[float, int, asyncio.TimerHandle]] = []

    def ended(self, task: "asyncio.Task[Any]") -> None:
        """A task has ended."""
        del self.tasks[task]
        if task.cancelled():
            # Else it keeps what it was cancelled with, and that all that it has had in hand.
            with suppress(asyncio.CancelledError):
                task.result()

    def end_all(self) -> None:
        """Cancel all that is going on."""
        for task in list(self.tasks):
            task.cancel()


class Passing(selectors.BaseSelector):
    """Where a loop would wait for the machine, time passes."""

    def __init__(self) -> None:
        self.passed_ns = 0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again")
        if timeout > 0:
            self.passed_ns += max(round(timeout * 1e9), 1)
        return ()

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        """Of files there are only the loop's own, which nobody writes to."""

    def unregister(self, fileobj: Any) -> Any:
        """The same."""

    def get_map(self) -> Any:
        return {}

    def get_key(self, fileobj: Any) -> Any:
        raise KeyError(fileobj)

    def close(self) -> None:
        """There is nothing to close."""


class Soon(asyncio.Handle):
    """What is ready, made without a look at whether anybody wants to know where."""

    __slots__ = ()

    def __init__(self, callback: Callable[..., object], args: Any, loop: Any, context: Context | None) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = self._source_traceback = None


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes at once."""

    def __init__(self) -> None:
        self.passing = Passing()
        super().__init__(self.passing)
        self.timers_made = 0
        self.set_task_factory(make_task)
        self.paused: list[Owner] = []

    def time(self) -> float:
        return self.passing.passed_ns / 1e9

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:  # type: ignore[override]
        handle = Soon(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer: Any = asyncio.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True
        self.timers_made += 1
        # Timers of one moment go off in the order in which they were set.
        heappush(self._scheduled, (when, self.timers_made, timer))  # type: ignore[attr-defined]
        return timer  # type: ignore[no-any-return]

    def _run_once(self) -> None:
        """A round, as every loop of asyncio has it, but with nothing in it for other threads or the machine, of which there are
        none here."""
        for owner in self.paused:
            self.hold_back(owner)
        ready: Any = self._ready  # type: ignore[attr-defined]
        scheduled: Any = self._scheduled  # type: ignore[attr-defined]
        cancelled: int = self._timer_cancelled_count  # type: ignore[has-type]
        if len(scheduled) > TIMERS_MIN and 2 * cancelled > len(scheduled):
            scheduled[:] = [entry for entry in scheduled if not entry[2]._cancelled]
            heapify(scheduled)
            cancelled = 0
        while scheduled and scheduled[0][2]._cancelled:
            heappop(scheduled)[2]._scheduled = False
            cancelled -= 1
        self._timer_cancelled_count = cancelled
        if not ready and not self._stopping:  # type: ignore[attr-defined]
            self.passing.select(max(scheduled[0][0] - self.time(), 0.0) if scheduled else None)
        # None goes off before its time: one that is set anew for what is left would go off again and again at one moment.
        now_s = self.time()
        while scheduled and scheduled[0][0] <= now_s:
            timer = heappop(scheduled)[2]
            timer._scheduled = False
            ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                try:
                    handle._context.run(handle._callback, *handle._args)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    self.call_exception_handler({"message": f"in {handle!r}", "exception": error, "handle": handle})

    def after_hops(self, hops: int, place: int, callback: Callable[[], object]) -> None:
        """Call something after so many rounds of the loop, then at a place among what is ready there."""
        if hops > 0:
            self.call_soon(self.after_hops, hops - 1, place, callback)
            return
        handle = self.call_soon(callback)
        ready: Any = self._ready  # type: ignore[attr-defined]
        if place < len(ready) - 1:
            ready.pop()
            ready.insert(place, handle)

    def pause(self, owner: Owner) -> None:
        """A process does not run, from the next round on, until it is to go on."""
        owner.held = []
        self.paused.append(owner)

    def hold_back(self, owner: Owner) -> None:
        """Keep from a process that does not run whatever would happen in it: in the order in which it would have."""
        loop: Any = self
        assert owner.held is not None
        timers = [one for one in loop._scheduled if one[2]._context.get(OWNER) is owner]
        if timers:
            loop._scheduled = [one for one in loop._scheduled if one[2]._context.get(OWNER) is not owner]
            heapify(loop._scheduled)
            owner.timers = sorted((*owner.timers, *timers))
        while owner.timers and owner.timers[0][0] <= self.time():
            owner.held.append(owner.timers.pop(0)[2])
        held = [one for one in loop._ready if one._context.get(OWNER) is owner]
        if held:
            owner.held += held
            rest = [one for one in loop._ready if one._context.get(OWNER) is not owner]
            loop._ready.clear()
            loop._ready.extend(rest)

    def go_on(self, owner: Owner) -> None:
        """A process runs again: what has waited comes at once, and what was to come later in its time."""
        loop: Any = self
        if owner.held is None:
            return
        self.hold_back(owner)
        self.paused.remove(owner)
        loop._ready.extend(owner.held)
        for timer in owner.timers:
            heappush(loop._scheduled, timer)
        owner.held, owner.timers = None, []

    def forget_timers_of(self, owner: Owner) -> None:
        """No timer of a process goes off any more."""
        for _, _, handle in list(self._scheduled):  # type: ignore[attr-defined]
            if not handle.cancelled() and handle._context.get(OWNER) is owner:
                handle.cancel()


def make_task(loop: asyncio.AbstractEventLoop, work: Any, **details: Any) -> "asyncio.Task[Any]":
    """A task, noted with the process that makes it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **details)
    context = details.get("context")
    owner = context.get(OWNER) if context is not None else OWNER.get()
    if owner is not None:
        owner.tasks[task] = None
        task.add_done_callback(owner.ended)
        if owner.dead:
            task.cancel()
    return task
