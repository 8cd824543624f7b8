"""Process: what all parts of one engine share: its ports, what it counts, what is wrong with it, and its work beside the loop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from runline.domain.cluster import no_cluster
from runline.domain.context import Neighbours
from runline.domain.vocabulary import Vocabulary
from runline.domain.zones import ZonesOfTheWorld
from runline.engine.conditions import Component, Conditions, Level
from runline.engine.ids import Entropy
from runline.engine.ports import Clock, Store, StoreError
from runline.engine.probes import Probes


def always() -> bool:
    """Where nobody else could own a stream without that being noticed."""
    return True


def never() -> bool:
    """Where somebody else may own all of them: nothing that is known here is said."""
    return False


def nobody_minds() -> None:
    """As long as nothing is in memory."""


async def none_shared() -> Mapping[str, Sequence[Any]]:
    """Where no other process could have any of the streams. Raises Rejected `no_cluster`."""
    raise no_cluster()


class Process:
    """One process that executes.

    store, clock, entropy, zones: its ports. node: its name in the log. vocabulary: what it executes. available: whether it takes
    requests. stopping: whether it ends once all that it has taken is durable. wake: set when the loop has something to do. holds:
    whether what is known here may be said: who shares streams with other processes may have lost them without knowing.
    neighbours: those processes; cluster: the rows of each query about them, by its name. log_id: which log the memory of this
    process is of. another_log: called at once when the store's is another one. level: by which this process
    goes, as all that share its streams do.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        node: str,
        vocabulary: Vocabulary,
        zones: ZonesOfTheWorld,
    ) -> None:
        self.store = store
        self.clock = clock
        self.node = node
        self.vocabulary = vocabulary
        self.zones = zones
        self.neighbours = Neighbours()
        self.cluster: Callable[[], Awaitable[Mapping[str, Sequence[Any]]]] = none_shared
        self.entropy = entropy
        self.probes = Probes()
        self.conditions = Conditions()
        self.wake = asyncio.Event()
        self.available = False
        self.stopping = False
        self.holds: Callable[[], bool] = always
        self.log_id = store.log_id
        self.another_log: Callable[[], None] = nobody_minds
        self.level = vocabulary.level_of_its_own()
        self.reading: Callable[[], AbstractContextManager[None]] = nullcontext
        """Around the reading of a whole stream, beside which others go on."""
        self.leased = False
        """Whether it is by a lease that streams are held: nobody else can own them as long as it is."""
        store.serve(vocabulary, self.hear)

    def hear(self, component: Component, subject: str, level: Level | None, reason: str) -> None:
        """Something is wrong, or (None) is well again."""
        if level is None:
            self.conditions.clear(component, subject)
        else:
            self.conditions.note(component, subject, level, reason, self.clock.host_ns())
        if self.store.log_id != self.log_id:
            self.log_id = self.store.log_id
            self.another_log()

    def hear_damage(self, error: BaseException | None) -> None:
        """Something that was to be read is damaged: what needs it is refused, and somebody should look."""
        if isinstance(error, StoreError) and error.kind == "unreadable":
            self.hear("store", "pages", "degraded", str(error))


class Beside:
    """Work that goes on beside the loop, which wakes when a piece of it is done."""

    def __init__(self, wake: asyncio.Event) -> None:
        self.wake = wake
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a piece of work."""
        self.note(asyncio.create_task(work))

    def note(self, task: "asyncio.Task[None]") -> None:
        """A piece of work has begun."""
        self.tasks.add(task)
        task.add_done_callback(self.done)

    def done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.wake.set()

    async def end(self) -> None:
        """Wait until all of it is done, and what it has begun."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    def __bool__(self) -> bool:
        return bool(self.tasks)
