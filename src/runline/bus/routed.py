"""Routed: one bus that leads to whoever owns each stream, here or elsewhere.

Rule: where a stream is, somebody else knows, and says when that has changed. Nobody who sends has to know: what finds no owner is
sent again with its id, for a bounded time. What leads to a stream is in `way`; links are made when they are needed first, one to
each address, and closed when nobody is there any more.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from itertools import count
from typing import Protocol

from runline.bus.astray import is_astray
from runline.bus.gathering import GatheringBus
from runline.bus.limits import ASTRAY_BYTES_MAX, QUESTIONS_BYTES_MAX
from runline.bus.link import LinkBus
from runline.bus.waiting import counted_as, note_who
from runline.bus.watched import RoutedLink
from runline.bus.way import Moved, Parcel, Trip, Way
from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Bus, Question, Who
from runline.engine.ids import Entropy, uuid7
from runline.engine.ports import Clock
from runline.engine.requests import UNAVAILABLE, Request, Sink, unavailable
from runline.engine.subscription import Committed, Lagged
from runline.engine.watching import Link, Watcher
from runline.sharing.sharers import Sharer
from runline.sharing.shares import Shares

NO_BOOK = Rejected("unknown_book", "There is no such book.")


class Places(Protocol):
    """Who owns which stream, as far as is known here. It is asked often, and answers at once."""

    def where(self, stream: str) -> str | None:
        """The address at which a stream is, once it has been taken there; "" for this process, None if nobody has it just now."""
        ...

    def known(self, stream: str) -> bool:
        """Whether there is such a stream."""
        ...

    def anybody(self) -> str | None:
        """The address of somebody who is there, for what is of no stream."""
        ...

    def addresses(self) -> frozenset[str]:
        """The addresses of all who are there."""
        ...

    def listen(self, changed: Callable[[], None]) -> None:
        """Call this soon after any of it has changed, on the loop."""
        ...


def is_void(sink: Sink) -> bool:
    """Whether something was sent to where its stream is no more."""
    return isinstance(sink, Trip) and sink.is_void


class RoutedBus(GatheringBus):
    """The streams of all processes. here: the bus to those of this one, None if it has none. link_to: makes a link to an address.

    ways: to the streams that were asked for. links: by address. sharers: whose sessions are, as far as this was asked. room,
    asking: for requests and for questions that find no owner.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        clock: Clock,
        entropy: Entropy,
        here: Bus | None,
        places: Places,
        link_to: Callable[[str], LinkBus],
    ) -> None:
        self.vocabulary = vocabulary
        self.clock = clock
        self.entropy = entropy
        self.here = here
        self.places = places
        self.link_to = link_to
        self.loop = asyncio.get_running_loop()
        self.numbers = count(1)
        self.ways: dict[str, Way] = {}
        self.links: dict[str, LinkBus] = {}
        self.closing: dict[asyncio.Task[None], None] = {}
        self.sharers: dict[str, Sharer] = {}
        self.room = Shares(ASTRAY_BYTES_MAX)
        self.asking = Shares(QUESTIONS_BYTES_MAX)
        self.left: dict[LinkBus, None] = {}
        """Links on which something was under way to streams that are elsewhere now."""
        self.looking: asyncio.Handle | None = None
        self.closed = False
        places.listen(self.changed)

    async def close(self) -> None:
        """End all links; what waits is answered."""
        self.closed = True
        if self.looking is not None:
            self.looking.cancel()
        ways, self.ways = self.ways, {}
        for way in ways.values():
            way.end(UNAVAILABLE)
        links, self.links = self.links, {}
        for link in links.values():
            self.close_link(link)
        if self.closing:
            await asyncio.wait(self.closing)

    # Where what is

    def changed(self) -> None:
        """The places have changed: they are looked at soon, once for all that has."""
        if self.looking is None and not self.closed:
            self.looking = self.loop.call_soon(self.look)

    def look(self) -> None:
        """See where everything is."""
        self.looking = None
        addresses = self.places.addresses()
        for stream, way in list(self.ways.items()):
            way.look(addresses)
            if way.address is None and not self.places.known(stream):
                del self.ways[stream]
                way.end(NO_BOOK)
        for link in self.left:
            # Or it would be done there if the stream came back, whatever has been said of it since.
            link.withdraw(is_void)
        self.left = {}
        in_use = {way.address for way in self.ways.values()}
        for address in [one for one in self.links if one not in addresses and one not in in_use]:
            self.close_link(self.links.pop(address))

    def bus_at(self, address: str | None) -> Bus | None:
        """What leads to an address."""
        if address is None:
            return None
        return self.link(address) if address else self.here

    def link(self, address: str) -> LinkBus:
        """The link to an address. Raises Rejected `unavailable` once this is closed."""
        link = self.links.get(address)
        if link is None:
            if self.closed:
                raise unavailable()
            link = self.links[address] = self.link_to(address)
            link.sharers = self.sharers
        return link

    def close_link(self, link: LinkBus) -> None:
        """A link is not needed any more."""
        task = self.loop.create_task(link.close())
        self.closing[task] = None
        task.add_done_callback(self.closing.pop)

    def way(self, stream: str) -> Way:
        """The way to a stream. Raises Rejected `unknown_book`, `unavailable`."""
        way = self.ways.get(stream)
        if way is None:
            if self.closed:
                raise unavailable()
            if not self.places.known(stream):
                raise Rejected(NO_BOOK.code, NO_BOOK.message)
            way = self.ways[stream] = Way(self, stream)
            way.look(self.places.addresses())
        return way

    def require(self, way: Way) -> None:
        """A way goes on. Raises Rejected `unknown_book`, `unavailable`."""
        if self.ways.get(way.stream) is not way:
            raise unavailable() if self.closed else Rejected(NO_BOOK.code, NO_BOOK.message)

    # What goes over it

    def new_id(self) -> str:
        """A command id of now."""
        return uuid7(self.clock.now_ns(), self.entropy)

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Send requests; their outcomes come to the sink."""
        if len(requests) == 1:
            self.submit_to(requests[0].stream, (Parcel(next(self.numbers), requests[0], sink, 0),), requests)
            return
        parcels: dict[str, list[Parcel]] = {}
        for index, request in enumerate(requests):
            parcels.setdefault(request.stream, []).append(Parcel(next(self.numbers), request, sink, index))
        for stream, of_stream in parcels.items():
            self.submit_to(stream, of_stream, [parcel.request for parcel in of_stream])

    def submit_to(self, stream: str, parcels: Sequence[Parcel], requests: Sequence[Request]) -> None:
        """Send what is of one stream."""
        try:
            way = self.ways.get(stream) or self.way(stream)
        except Rejected as rejected:
            for parcel in parcels:
                parcel.refuse(rejected)
        else:
            way.submit(parcels, requests)

    async def ask(self, question: Question) -> Answer:
        """The answer to a question."""
        declared = self.vocabulary.queries.get(question.name)
        if not question.stream or (declared is not None and declared.of_cluster):
            # Whoever owns the stream, if anybody does, knows no more of it than others.
            return await self.anybody().ask(question)
        sharer = counted_as(self.sharers, question.stream, question.session, question.actor)
        return await self.way(question.stream).asked(sharer, lambda bus: bus.ask(question))

    def anybody(self) -> Bus:
        """Who is asked what is of no stream. Raises Rejected `unavailable`."""
        bus = self.here or self.bus_at(self.places.anybody())
        if bus is None:
            raise unavailable()
        return bus

    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is."""
        sharer = counted_as(self.sharers, stream, session, "")
        who = await self.way(stream).asked(sharer, lambda bus: bus.who(stream, session))
        note_who(self.sharers, who)
        return who

    async def follow(self, stream: str, after: int) -> AsyncIterator[list[Committed]]:
        """Every durable event of a stream after a position."""
        way = self.way(stream)
        if not way.there or way.bus is None:
            raise unavailable()
        turn, position = way.turn, after
        try:
            async with aclosing(way.bus.follow(stream, after)) as pieces:  # type: ignore[type-var]
                while turn == way.turn:
                    async with way.staying():
                        happened = await anext(pieces)
                    position = happened[-1].seq
                    yield happened
        except Moved:
            pass
        except Rejected as rejected:
            raise (unavailable() if is_astray(rejected.code, rejected.details) else rejected) from None
        raise Lagged(f"It goes on elsewhere after position {position}.")

    def watch(self, stream: str, watcher: Watcher) -> Link:
        """A link to a stream."""
        way = self.way(stream)
        link = RoutedLink(way, watcher)
        way.links[link] = None
        return link
