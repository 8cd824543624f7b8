"""Gateway: everything that the routes need, put together."""

from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from runline.domain.access import ROOT
from runline.domain.messages import HOUSE, Rejected
from runline.domain.sessions import SessionLimits
from runline.engine.ports import History, Outside, Snapshot, StoreError
from runline.gateway.answers import Error
from runline.gateway.door import Asker, Door
from runline.gateway.fair import FairQueue, Member
from runline.gateway.history import answer as answer_from_history
from runline.gateway.history import standing
from runline.gateway.limits import READS_OF_ONE_MAX, READS_WAITING_MAX
from runline.gateway.live import Live
from runline.gateway.pages import Page
from runline.gateway.passwords import Passwords
from runline.gateway.queries import Query, conditions_page, require
from runline.gateway.shares import user_of
from runline.gateway.signing import Signing
from runline.gateway.site import Site

V = TypeVar("V")
P = ParamSpec("P")


class Gateway:
    """Everything that the routes need. history: of the store, for as long as this lasts. lasting: how long sessions last."""

    def __init__(
        self,
        door: Door,
        outside: Outside,
        history: History,
        site: Site,
        lasting: Mapping[str, SessionLimits] | None = None,
    ) -> None:
        self.door = door
        self.clock = outside.clock
        self.passwords = Passwords(outside.workers, outside.entropy)
        self.signing = Signing(door, self.passwords, outside.entropy, lasting)
        self.live = Live(door)
        self.history = history
        self.reads = FairQueue(history.at_once, READS_WAITING_MAX, READS_OF_ONE_MAX)
        self.site = site

    async def close(self) -> None:
        """End the live streams and the helpers."""
        await self.live.close()
        self.passwords.close()
        self.history.close()

    async def ask(self, asker: Asker, query: Query, asked: Any) -> bytes:
        """The answer to a query, as JSON, once it is the asker's turn: what it costs counts against their share.

        Raises Rejected `busy`, and why it may not be answered.
        """
        if query.of_process:
            return await self.answer(asker, query, asked, [])
        user = user_of(self.door.engine.require(asker.stream).state, asker.user)
        spending = self.live.spending
        await spending.begin(user)
        spent: list[int] = []
        try:
            return await self.answer(asker, query, asked, spent)
        finally:
            spending.end(user, sum(spent))

    async def answer(self, asker: Asker, query: Query, asked: Any, spent: list[int]) -> bytes:
        """The answer to a query, as JSON. spent: takes what it costs the loop, in nanoseconds."""
        engine = self.door.engine
        now_ns = engine.clock.now_ns()
        if query.of_process:
            # The stream may have stopped: where the asker stands there is good enough for their place in the line.
            writer = engine.writers.get(asker.stream)
            path = path_of(asker, writer.state if writer is not None else None)
            who = await self.look(path, asker.stream, standing, asker.session, asker.user, now_ns)
            if isinstance(who, Error):
                raise Rejected(who.code, who.message, **who.details)
            position, audience = who
            require(query, kind_of(asker), audience)
            page = conditions_page(engine.conditions.standing.values(), asker.stream, audience, asked)
            return b'{"position":%d,"house":%d,%b' % (position, engine.view.seq, msgspec.json.encode(page)[1:])
        if query.history:

            def path_here(state: Any, user: Any, audience: Any) -> Member:
                require(query, kind_of(asker), audience)
                return path_of(asker, state)

            _, path = await self.door.read(asker, path_here, asked.at_least)
            found = await self.look(
                path, asker.stream, answer_from_history, query.name, asker.session, asker.user, asked, now_ns
            )
            if isinstance(found, Error):
                raise Rejected(found.code, found.message, **found.details)
            return b'{"position":%d,%b' % (found[0], found[1][1:])

        def show(state: Any, user: Any, audience: Any) -> tuple[int, Page]:
            require(query, kind_of(asker), audience)
            house = state if asker.stream == HOUSE else engine.view
            assert query.show is not None
            began_ns = self.clock.host_ns()
            page = query.show(state, house, user, audience, shortened, now_ns)
            spent.append(self.clock.host_ns() - began_ns)
            return house.seq, page

        shortened = msgspec.structs.replace(asked, limit=min(asked.limit, query.rows_max))
        await self.live.turns.turn()
        position, (house, page) = await self.door.read(asker, show, asked.at_least)
        began_ns = self.clock.host_ns()
        body = msgspec.json.encode(page)
        spent.append(self.clock.host_ns() - began_ns)
        self.live.turns.spend(sum(spent))
        return b'{"position":%d,"house":%d,%b' % (position, house, body[1:])

    async def look(
        self, path: Member, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        """What a function makes of a stream's history, once it is somebody's turn.

        Raises Rejected `busy`, `unavailable`, `unreadable`.
        """
        async with self.reads.turn(path):
            try:
                return await self.history.look(stream, read, *args, **kwargs)
            except StoreError as error:
                if error.kind == "unreadable":
                    self.door.engine.hear("store", "history", "degraded", f"What is asked for cannot be read: {error}")
                    raise Rejected("unreadable", f"What is asked for cannot be read: {error}") from None
                raise Rejected("unavailable", f"What is asked for cannot be read now: {error}") from None


def path_of(asker: Asker, state: Any) -> Member:
    """Somebody's place in the line of the readers. Turns go round the books, and the staff at the root of each: neither waits for
    another book's players. Within them they go round the parts of the tree, and their users."""
    known = state.users.get(asker.user) if state is not None else None
    if known is None:
        return (asker.stream, False), "", asker.user
    return (asker.stream, known.node == ROOT and not known.player), state.part_of(known.node), asker.user


def kind_of(asker: Asker) -> Any:
    """Which kind of stream somebody is signed in to."""
    return "house" if asker.stream == HOUSE else "book"
