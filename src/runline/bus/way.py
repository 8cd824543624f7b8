"""Way: how one stream is reached, wherever it is just now.

Rule: what is sent to a stream is at one place at a time, and only what is said there counts. When the place is another one, all
that is under way is sent there, with its ids and in its order. What finds no owner waits, for a bounded time; meanwhile the first
of it is sent now and then, and the rest follows once that is taken. Whoever was overtaken by something of their own is not sent
again, but told.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from runline.bus.astray import is_astray
from runline.bus.limits import AGAIN_PAUSE_S, AGAIN_PAUSE_S_MAX, AGAIN_S_MAX, QUESTION_BYTES_MIN, REQUEST_BYTES_MIN
from runline.bus.link import LinkBus
from runline.bus.reach import is_near
from runline.bus.waiting import counted_as
from runline.domain.messages import Rejected
from runline.engine.bus import Bus
from runline.engine.codec import to_json
from runline.engine.requests import BUSY, UNAVAILABLE, Accepted, Outcome, Refused, Request, Sink, refused, unavailable
from runline.sharing.sharers import Sharer

if TYPE_CHECKING:
    from runline.bus.routed import RoutedBus
    from runline.bus.watched import RoutedLink

V = TypeVar("V")


class Moved(Exception):
    """The stream is elsewhere now."""


class Parcel(msgspec.Struct, gc=False):
    """A request on its way.

    until_s: when it is not sent again any more, by the loop's time; 0 before it has had to wait. size, sharer: what it takes of
    the room for what waits, and as whom it is counted.
    """

    number: int
    request: Request
    sink: Sink
    index: int
    until_s: float = 0.0
    size: int = 0
    sharer: Sharer = ("", "", "")

    @property
    def sender(self) -> str:
        """Whose it is."""
        return self.request.session or self.request.actor

    @property
    def lane(self) -> str:
        """With what it keeps its order: commands of another lane may overtake it."""
        return "bulk" if self.request.bulk else self.request.command.lane

    def refuse(self, rejected: Rejected) -> None:
        """It is not sent any more."""
        self.sink.answer(self.index, refused(0, rejected))


class Trip(Sink):
    """Hears what becomes of parcels that were sent together. turn: of the way, as they were; later nothing counts any more."""

    __slots__ = ("parcels", "turn", "way")

    def __init__(self, way: "Way", turn: int, parcels: Sequence[Parcel]) -> None:
        self.way = way
        self.turn = turn
        self.parcels = parcels

    @property
    def is_void(self) -> bool:
        """Whether nobody waits for it any more."""
        return self.turn != self.way.turn

    def answer(self, index: int, outcome: Outcome) -> None:
        way = self.way
        if self.turn == way.turn:
            parcel = self.parcels[index]
            if type(outcome) is Accepted and way.open:
                # As `came` does. Nothing is done more often.
                if way.under_way.pop(parcel.number, None) is not None:
                    parcel.sink.answer(parcel.index, outcome)
            else:
                way.came(parcel, outcome)


class Way:
    """The way to a stream. address: where what is under way is, None for nowhere; far: whether that is another machine; there:
    whether the stream is there just now.

    turn: how often it has moved. open: whether requests go straight on. troubled_s: since when nothing of it is taken, by the
    loop's time, and from the last word on that was heard of whoever had it; 0 while all is well.
    """

    def __init__(self, routed: "RoutedBus", stream: str) -> None:
        self.routed = routed
        self.stream = stream
        self.loop = asyncio.get_running_loop()
        self.address: str | None = None
        self.bus: Bus | None = None
        self.far = False
        self.there = False
        self.turn = 0
        self.open = False
        self.under_way: dict[int, Parcel] = {}
        self.waiting: dict[int, Parcel] = {}
        self.of_sender: dict[str, dict[int, Parcel]] = {}
        self.troubled_s = 0.0
        self.pause_s = AGAIN_PAUSE_S
        self.timer: asyncio.TimerHandle | None = None
        self.changed = asyncio.Event()
        """Set for a moment whenever it has moved, or has ended."""
        self.limits: dict[asyncio.Timeout, None] = {}
        """Of what is awaited where the stream is, and ends when it is elsewhere."""
        self.links: dict[RoutedLink, None] = {}

    # Where it leads

    def look(self, addresses: frozenset[str]) -> None:
        """See where the stream is. addresses: at which there is anybody."""
        where = self.routed.places.where(self.stream)
        bus = self.routed.bus_at(where)
        if where is not None and bus is not None:
            came_back, self.there = not self.there, True
            if where != self.address:
                self.move(where, bus)
            elif came_back and not self.under_way:
                self.go_on()
            return
        self.there = self.open = False
        if self.address is not None and self.address != "" and self.address not in addresses:
            # Who was there is gone, and nobody else has it yet.
            self.move(None, None)

    def move(self, address: str | None, bus: Bus | None) -> None:
        """The stream is elsewhere: what is under way is withdrawn, and goes there."""
        if self.under_way and isinstance(self.bus, LinkBus):
            self.routed.left[self.bus] = None
        if bus is None:
            self.trouble(self.loop.time())
        self.address, self.bus = address, bus
        self.far = address is not None and not is_near(address)
        withdrawn = self.withdraw()
        for link in list(self.links):
            link.move()
        if bus is not None:
            self.go_on(withdrawn)
        else:
            for parcel in withdrawn:
                self.hold(parcel, UNAVAILABLE)

    def withdraw(self) -> list[Parcel]:
        """Whatever is said from now on where the stream was counts no more. Returns what was under way there."""
        self.turn += 1
        withdrawn, self.under_way = list(self.under_way.values()), {}
        limits, self.limits = self.limits, {}
        for limit in limits:
            limit.reschedule(self.loop.time())
        return withdrawn

    def go_on(self, withdrawn: Sequence[Parcel] = ()) -> None:
        """Requests go straight on, and those that wait go first. withdrawn: from where they were sent before."""
        self.open, self.troubled_s, self.pause_s = True, 0.0, AGAIN_PAUSE_S
        self.pulse()
        parcels = [*withdrawn, *self.take(list(self.waiting))]
        if parcels:
            now_s = self.loop.time()
            parcels.sort(key=lambda parcel: parcel.number)
            for parcel in parcels:
                parcel.until_s = parcel.until_s or now_s + AGAIN_S_MAX
                if parcel.until_s <= now_s:
                    parcel.refuse(UNAVAILABLE)
            self.send([parcel for parcel in parcels if parcel.until_s > now_s])

    def pulse(self) -> None:
        """Wake whoever waits for a change."""
        self.changed.set()
        self.changed.clear()

    def end(self, why: Rejected) -> None:
        """It leads nowhere any more."""
        self.there = self.open = False
        if self.timer is not None:
            self.timer.cancel()
        for parcel in (*self.take(sorted(self.waiting)), *self.withdraw()):
            parcel.refuse(why)
        for link in list(self.links):
            link.end(why)
        self.pulse()

    # Requests

    def submit(self, parcels: Sequence[Parcel], requests: Sequence[Request]) -> None:
        """Send parcels, or have them wait. requests: of the parcels."""
        if self.open and not self.far:
            # As `send` does. Nothing is done more often.
            for parcel in parcels:
                self.under_way[parcel.number] = parcel
            self.bus.submit(requests, Trip(self, self.turn, parcels))  # type: ignore[union-attr]
        elif self.open or (self.there and not self.waiting and self.is_given_up(self.loop.time())):
            self.send(parcels)
        else:
            for parcel in parcels:
                self.hold(parcel, BUSY)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send parcels to where the stream is."""
        if not parcels:
            return
        bus = self.bus
        assert bus is not None
        for parcel in parcels:
            self.under_way[parcel.number] = parcel
        if self.far:
            # What this machine's time was as they came is no other's.
            for parcel in parcels:
                parcel.request.received_ns = 0
        bus.submit([parcel.request for parcel in parcels], Trip(self, self.turn, parcels))

    def came(self, parcel: Parcel, outcome: Outcome) -> None:
        """What is said of a parcel where the stream is."""
        if self.under_way.pop(parcel.number, None) is None:
            return
        if type(outcome) is Refused and self.is_astray(outcome.code, outcome.details):
            self.open = False
            self.hold(parcel, UNAVAILABLE)
            return
        parcel.sink.answer(parcel.index, outcome)
        if not self.open:
            self.tell_overtaken(parcel)
            if self.there and not self.under_way:
                self.go_on()

    def hold(self, parcel: Parcel, full: Rejected) -> None:
        """Have a parcel wait, if it may. full: what it is told where there is no room. (What was sent before may be done: `busy`
        would say that it is not.)"""
        now_s = self.loop.time()
        parcel.until_s = parcel.until_s or now_s + AGAIN_S_MAX
        self.trouble(now_s)
        if self.is_given_up(now_s) or parcel.until_s <= now_s:
            parcel.refuse(UNAVAILABLE)
            return
        request = parcel.request
        try:
            parcel.size = REQUEST_BYTES_MIN + len(to_json(request.command))
        except (ValueError, OverflowError) as error:
            parcel.refuse(Rejected("malformed_command", str(error)))
            return
        parcel.sharer = counted_as(self.routed.sharers, self.stream, request.session, request.actor)
        if not self.routed.room.take(parcel.sharer, parcel.size):
            parcel.refuse(full)
            return
        self.waiting[parcel.number] = parcel
        self.of_sender.setdefault(parcel.sender, {})[parcel.number] = parcel
        if self.timer is None:
            self.timer = self.loop.call_later(self.pause_s, self.again)

    def take(self, numbers: Iterable[int]) -> list[Parcel]:
        """Parcels that do not wait any more."""
        parcels = [self.waiting.pop(number) for number in numbers]
        for parcel in parcels:
            of_sender = self.of_sender[parcel.sender]
            del of_sender[parcel.number]
            if not of_sender:
                del self.of_sender[parcel.sender]
            self.routed.room.give_back(parcel.sharer, parcel.size)
        return parcels

    def tell_overtaken(self, taken: Parcel) -> None:
        """What waits of somebody of whom something later was taken would come out of its order."""
        overtaken = [
            number
            for number, one in self.of_sender.get(taken.sender, {}).items()
            if number < taken.number and one.lane == taken.lane
        ]
        for parcel in self.take(overtaken):
            parcel.refuse(UNAVAILABLE)

    def again(self) -> None:
        """See to what waits: what has waited for too long is told so, and the first of the others tries whether it is taken."""
        self.timer = None
        now_s = self.loop.time()
        given_up = self.is_given_up(now_s)
        late = [number for number, one in self.waiting.items() if given_up or one.until_s <= now_s]
        for parcel in self.take(late):
            parcel.refuse(UNAVAILABLE)
        if not self.waiting:
            return
        self.pause_s = min(2 * self.pause_s, AGAIN_PAUSE_S_MAX)
        due_s = min(now_s + self.pause_s, self.given_up_s, *(one.until_s for one in self.waiting.values()))
        self.timer = self.loop.call_at(due_s, self.again)
        if self.there and not self.under_way:
            self.send(self.take([min(self.waiting)]))

    def is_astray(self, code: str, details: Mapping[str, Any]) -> bool:
        """Whether what was refused waits, and is sent again. What has waited for a link that stays away waits no more."""
        return is_astray(code, details) and not (code == UNAVAILABLE.code and self.is_cut_off)

    @property
    def is_cut_off(self) -> bool:
        """Whether the link to where the stream is, or was last, is away for so long that nothing waits for it."""
        return isinstance(self.bus, LinkBus) and self.bus.given_up

    def trouble(self, now_s: float) -> None:
        """Something is not taken."""
        if not self.troubled_s:
            silent_s = self.bus.silent_s if isinstance(self.bus, LinkBus) else 0.0
            self.troubled_s, self.pause_s = now_s - silent_s, AGAIN_PAUSE_S

    @property
    def given_up_s(self) -> float:
        """When nothing waits any more, unless something is taken before."""
        return self.troubled_s + AGAIN_S_MAX

    def is_given_up(self, now_s: float) -> bool:
        """Whether nothing is taken for so long that nothing waits any more."""
        return self.troubled_s > 0 and now_s >= self.given_up_s

    # What is awaited

    @asynccontextmanager
    async def staying(self) -> AsyncIterator[Bus]:
        """Await something where the stream is, or was last. Raises Moved once it is elsewhere, `unavailable` if it is nowhere."""
        if self.bus is None:
            raise unavailable()
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self.limits[limit] = None
                yield self.bus
        except TimeoutError:
            if limit.expired():
                raise Moved from None
            raise
        finally:
            self.limits.pop(limit, None)

    async def asked(self, sharer: Sharer, ask: Callable[[Bus], Awaitable[V]]) -> V:
        """What is asked where the stream is. sharer: who asks. Raises what it raises; `busy` if too much is asked that waits."""
        asking = self.routed.asking
        until_s, pause_s, held = 0.0, AGAIN_PAUSE_S, False
        try:
            while True:
                self.routed.require(self)
                try:
                    if not self.there:
                        raise unavailable()
                    async with self.staying() as bus:
                        found = await ask(bus)
                    if self.open:
                        self.troubled_s = 0.0
                    return found
                except Moved:
                    continue
                except Rejected as rejected:
                    if not is_astray(rejected.code, rejected.details) or (self.there and self.is_cut_off):
                        raise
                    why = rejected if rejected.code == UNAVAILABLE.code else unavailable()
                now_s = self.loop.time()
                until_s = until_s or now_s + AGAIN_S_MAX
                self.trouble(now_s)
                if self.is_given_up(now_s) or until_s <= now_s:
                    raise why
                held = held or asking.take(sharer, QUESTION_BYTES_MIN)
                if not held:
                    raise Rejected(BUSY.code, BUSY.message)
                await self.turns(min(until_s, now_s + pause_s if self.there else self.given_up_s))
                pause_s = min(2 * pause_s, AGAIN_PAUSE_S_MAX)
        finally:
            if held:
                asking.give_back(sharer, QUESTION_BYTES_MIN)

    async def turns(self, until_s: float) -> None:
        """Wait until something has changed, or a time has come."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self.changed.wait()
