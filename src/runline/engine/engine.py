"""Engine: the streams of one process, and the loop that executes what comes for them.

Rule: timers go first, then what waits in the lanes; what was decided is sealed and committed; then it all begins again.
"""

import asyncio
import logging
from collections.abc import Iterable

from runline.domain.bounds import HOUSE_LAG_MS_MAX
from runline.domain.house import House
from runline.domain.invariants import check
from runline.domain.messages import HOUSE, Command
from runline.domain.vocabulary import Vocabulary
from runline.domain.zones import ONLY_UTC, ZonesOfTheWorld
from runline.engine.agenda import Agenda
from runline.engine.answers import Answers
from runline.engine.batch import Batches
from runline.engine.bus import Bus
from runline.engine.deliveries import Deliveries
from runline.engine.executing import Executing
from runline.engine.follower import Follower, HouseCopy
from runline.engine.handing_over import HandingOver
from runline.engine.house_view import HouseView
from runline.engine.ids import Entropy
from runline.engine.owned import Owned
from runline.engine.ports import Clock, Store, StoreError
from runline.engine.process import Process
from runline.engine.queues import Queues
from runline.engine.reads import Reads
from runline.engine.requests import unavailable
from runline.engine.standby import Standby
from runline.engine.subscription import Subscriptions
from runline.engine.turns import Turns
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")


class Engine:
    """Executes the streams that it is given to own.

    store, clock, entropy: its ports. vocabulary: what it executes. node: the process's name in the log. founds: whether books
    that the house opens begin here. zones: where games are played.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        vocabulary: Vocabulary,
        node: str = "n1",
        *,
        founds: bool = True,
        zones: ZonesOfTheWorld = ONLY_UTC,
    ) -> None:
        process = self.process = Process(store, clock, entropy, node, vocabulary, zones)
        self.store, self.clock, self.entropy, self.vocabulary = store, clock, entropy, vocabulary
        self.probes, self.conditions, self.wake = process.probes, process.conditions, process.wake
        self.house = HouseView(process)
        self.owned = Owned(process, self.house)
        self.answers = Answers(process, self.owned)
        self.subscriptions = Subscriptions(store, vocabulary)
        self.batches = Batches(process, self.owned, self.answers, self.house, self.subscriptions)
        self.queues = Queues(process, self.owned, self.answers, self.batches)
        self.deliveries = Deliveries(self.house, self.owned, self.queues, founds=founds)
        self.agenda = Agenda(process, self.owned, self.queues, self.batches, self.deliveries)
        self.executing = Executing(
            process, self.owned, self.house, self.answers, self.queues, self.batches, self.agenda
        )
        self.turns = Turns(process, self.owned, self.queues, self.batches, self.agenda, self.executing)
        self.reads = Reads(process, self.owned, self.house, self.batches, self.subscriptions)
        self.house.hears = (self.reads, self.deliveries)
        self.owned.hand_over = self.batches.hand_over_refusals_of
        self.owned.gone = self.subscriptions.gone
        self.owned.keepers = (
            self.house, self.agenda, self.queues, self.batches, self.deliveries, self.reads,
        )  # fmt: skip
        process.another_log = self.begin_anew
        self.handing_over = HandingOver(process, self.owned, self.queues, self.agenda)
        self.following: Follower | None = None
        self.running: asyncio.Task[None] | None = None
        # The doors
        self.submit = self.queues.submit
        self.query = self.reads.query
        self.subscribe = self.reads.subscribe
        self.require = self.reads.require
        self.require_held = self.reads.require_held
        self.require_own = self.reads.require_own
        self.peek = self.reads.peek
        self.presence = self.queues.presence
        self.durable = self.batches.durable
        self.durable_seq = self.reads.durable_seq
        self.hear = process.hear
        self.adopt = self.owned.adopt
        self.adopt_all = self.owned.adopt_all
        self.release = self.owned.release
        self.hand_over = self.handing_over.hand_over
        self.prove = self.reads.prove
        self.start_stopped = self.owned.start_stopped
        self.writers: dict[str, Writer] = self.owned.writers

    @property
    def view(self) -> House:
        """The house as the books of this process see it."""
        return self.house.state

    @property
    def available(self) -> bool:
        """Whether requests are taken."""
        return self.process.available

    @property
    def ready(self) -> bool:
        """Whether commands of every stream can be recorded now."""
        return self.process.available and not self.conditions.failing and self.process.holds()

    async def start(self, streams: Iterable[str]) -> None:
        """Own these streams, and begin to execute. Of the others only the house is read, as their books see it.

        Raises StoreError if what is stored cannot be read.
        """
        # Books are judged by what the house's view is, so it comes first.
        owned = list(streams)
        if HOUSE in owned:
            await self.owned.adopt(HOUSE)
        else:
            await self.owned.reach(0)
        for stream in owned:
            await self.owned.adopt(stream)
        if not owned:
            # Whatever commits is started now: the first stream that comes would wait for that.
            await self.store.claim_all({})
        self.process.available = True
        self.running = asyncio.create_task(self.run())

    def follow_house(self, bus: Bus) -> Follower:
        """Keep the house view up to date by a bus that leads to the house's owner, whenever that is not this engine."""
        check(self.following is None, "the house is followed once")
        self.following = Follower(HOUSE, bus, HouseCopy(self.owned), self.clock, self.store.hear_of)
        return self.following

    def stand_by(self, stream: str, bus: Bus) -> Follower:
        """Follow a stream, by a bus that leads to its owner, so that it can be adopted at once."""
        check(stream not in self.writers and stream not in self.owned.standbys, f"{stream} is here already")
        standby = Standby(self.process, stream)
        follower = Follower(stream, bus, standby, self.clock, self.store.hear_of)
        self.owned.standbys[stream] = follower, standby
        return follower

    def copied(self, stream: str) -> int:
        """Up to which position a stream that is followed here could go on at once; 0 if it would have to be read.

        Raises Rejected `unavailable` as long as a book would take no wagers here, since the house's view is not current.
        """
        if stream != HOUSE and self.house.lag_ms() > HOUSE_LAG_MS_MAX // 2:
            raise unavailable()
        _, standby = self.owned.standbys.get(stream, (None, None))
        return standby.position if standby is not None and standby.proved_ns else 0

    async def stop_following(self) -> None:
        """Follow nothing any more."""
        if self.following is not None:
            await self.following.end()
        for stream in list(self.owned.standbys):
            await self.owned.stand_down(stream)

    async def stop(self) -> None:
        """Execute and commit what was submitted, then stop. Requests from now on are `unavailable`.

        Raises StoreError if the store cannot be closed; the engine has stopped nevertheless.
        """
        self.process.stopping = True
        self.process.available = False
        for writer in self.writers.values():
            if writer.held:
                self.handing_over.go_on(writer)
        self.wake.set()
        await self.stop_following()
        if self.running is not None:
            await self.running
        self.agenda.setbacks.forget()
        try:
            await self.store.close(self.process.node, self.batches.next_sealed_ns(), self.batches.durable_ns)
        except StoreError as error:
            raise StoreError(
                error.kind, f"It was not closed cleanly, though what was acknowledged is durable: {error}"
            ) from error

    def begin_anew(self) -> None:
        """The store has lost what was durable: nothing holds that is in memory of it. All of it is read again, the house before
        the books."""
        self.house.sound = False
        for _, standby in self.owned.standbys.values():
            standby.state = None
        self.subscriptions.end_all("The log is another one since")
        self.owned.doubt_all("the store has lost what was durable, and is another log since")

    def cause(self, stream: str, command: Command) -> None:
        """Let a stream execute a command of the engine itself."""
        self.queues.cause(self.owned.writers[stream], command)

    # The loop

    async def run(self) -> None:
        """Execute until stopped."""
        while True:
            executed = self.execute()
            self.answers.give_settled()
            self.batches.begin()
            if self.process.stopping and not self.is_busy():
                await self.owned.starting.end()
                await self.answers.reading.end()
                return
            if executed and any(self.queues.turns.values()):
                await asyncio.sleep(0)
            else:
                await self.rest()

    def execute(self) -> bool:
        """Execute what is due and what waits, for a slice of time. Returns whether there was anything."""
        try:
            if self.process.available:
                self.agenda.fire_due(self.clock.now_ns(), self.executing.step)
            return self.turns.slice()
        except Exception as error:
            log.exception("a fault in the loop; every stream is read again")
            self.owned.doubt_all(f"a fault in the loop: {type(error).__name__}: {error}")
            return False

    def is_busy(self) -> bool:
        """Whether something that was taken is not durable yet."""
        batches = self.batches
        on_its_way = batches.filling or batches.committing or batches.refusing or self.executing.fetching
        return bool(any(self.queues.turns.values()) or on_its_way)

    async def rest(self) -> None:
        """Wait for a request, a commit, the next timer, or until refusals are to be stored."""
        self.wake.clear()
        timer_s = self.agenda.timer_wait_s() if self.process.available else None
        waits_s = [wait_s for wait_s in (timer_s, self.batches.refusals_wait_s()) if wait_s is not None]
        if not waits_s:
            await self.wake.wait()
            return
        try:
            async with asyncio.timeout(max(min(waits_s), 0.0)):
                await self.wake.wait()
        except TimeoutError:
            pass
