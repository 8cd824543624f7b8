"""Owning: the engine of a node, as the node's duties have it take streams, hand them over, follow them and let go of them, and
as the nodes are told what the house wants of them."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress

from runline.bootstrap import found_house
from runline.cluster.duties import Take
from runline.cluster.registry import RegistryError
from runline.domain.cluster import NodeDrainAsked, NoteToldNodes, StreamMoveAsked, StreamPinAsked, Wish, Wishes
from runline.domain.house import BookOpened
from runline.domain.messages import GATEWAY, HOUSE, Event, Rejected
from runline.engine.bus import Bus
from runline.engine.engine import Engine
from runline.engine.ports import Head
from runline.engine.requests import Refused, Request


async def nobody_there() -> Mapping[str, bool]:
    """As long as nobody says which nodes there are."""
    return {}


class EngineOfNode:
    """The engine of a node, as its streams come and go.

    owner: the user who owns a house that is new. bus: that leads to whoever owns a stream. opened: told of books that the house
    has opened. taking: which nodes there are. wanted: called when the house may want something of the nodes. house_came: called
    when the house has come here.
    """

    def __init__(self, engine: Engine, owner: str, bus: Bus) -> None:
        self.engine = engine
        self.owner = owner
        self.bus = bus
        self.opened: Callable[[list[str]], None] = lambda books: None
        self.taking: Callable[[], Awaitable[Mapping[str, bool]]] = nobody_there
        self.wanted: Callable[[], None] = lambda: None
        self.house_came: Callable[[], None] = lambda: None
        engine.house.hears = (*engine.house.hears, self)
        engine.process.neighbours.taking = {}

    # What the house view hears

    def hear(self, seq: int, event: Event) -> None:
        """The next event of the house."""
        if isinstance(event, BookOpened) and self.owns(HOUSE):
            self.opened([event.book])
        elif isinstance(event, StreamMoveAsked | StreamPinAsked | NodeDrainAsked):
            self.wanted()

    def hear_again(self, after: int) -> None:
        """The view was read anew."""
        if self.owns(HOUSE):
            self.opened(list(self.engine.view.books.by_name))
            self.wanted()

    # What duties ask for

    def owns(self, stream: str) -> bool:
        return stream in self.engine.writers

    async def heads(self, streams: Collection[str]) -> Mapping[str, Head]:
        return await self.engine.store.heads(streams)

    async def adopt(self, seen: Mapping[str, int]) -> Mapping[str, int | Exception]:
        wrong = await self.engine.adopt_all(seen)
        if HOUSE in seen and HOUSE not in wrong:
            await self.found()
        return {stream: wrong.get(stream) or self.engine.owned.claims[stream] for stream in seen}

    async def found(self) -> None:
        """Found a house that is new, and see to it that each of its books is assigned."""
        await found_house(self.engine, self.owner)
        self.opened(list(self.engine.view.books.by_name))
        with suppress(RegistryError):
            await self.look_around()
        self.house_came()

    async def look_around(self) -> None:
        """Know which nodes there are, where the house is: by that is decided what may be wanted of them. Raises RegistryError."""
        if self.owns(HOUSE):
            self.engine.process.neighbours.taking = await self.taking()

    async def release(self, stream: str) -> None:
        await self.engine.release(stream)

    async def hand_over(self, stream: str, take: Take) -> None:
        await self.engine.hand_over(stream, take)

    def rows(self, stream: str) -> int:
        return self.engine.writers[stream].state.held_rows

    def stand_by(self, stream: str) -> None:
        if stream not in self.engine.owned.standbys and not self.owns(stream):
            self.engine.stand_by(stream, self.bus)

    async def stand_down(self, stream: str) -> None:
        await self.engine.owned.stand_down(stream)

    # What the nodes are told

    def wished(self) -> Sequence[Wish]:
        if not self.owns(HOUSE):
            return ()
        return sorted(self.engine.view.part(Wishes).by_subject.values(), key=lambda wish: wish.changed_seq)

    async def note_told(self, wish: Wish) -> None:
        # Who is drained takes nothing by what is known here, before it is wished no more.
        await self.look_around()
        noted = NoteToldNodes(wish.subject, wish.changed_seq)
        outcome = await self.bus.send_one(Request(HOUSE, self.bus.new_id(), GATEWAY, noted))
        if isinstance(outcome, Refused):
            raise Rejected(outcome.code, outcome.message)
