"""Questions: they are answered by whoever owns the stream, in turns with everything else on the loop.

Rule: who asks is looked up in the very step that reads. What reading costs counts against the share of whoever asks. Nothing is
said before the position at which it is true is durable, not even that a session is not known.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience, audience_of, reader_of
from runline.domain.bounds import HOUSE_LAG_MS_MAX
from runline.domain.house import House
from runline.domain.messages import HOUSE, Rejected, kind_of
from runline.domain.nodes import ROOT
from runline.domain.queries.declared import Asked, Page, Query, require
from runline.domain.queries.inside import (
    COPY,
    MEASURES,
    PROOF,
    READY,
    TRIED,
    TRY,
    VITALS,
    Begun,
    Inside,
    Readiness,
    Tried,
    Try,
    Vitals,
)
from runline.domain.queries.pages import page_of
from runline.domain.state import State
from runline.domain.times import with_times
from runline.engine.bus import Answer, Question, Who
from runline.engine.conditions import STREAM_COMPONENTS
from runline.engine.engine import Engine
from runline.engine.limits import AT_LEAST_WAIT_S
from runline.engine.ports import History, Snapshot, StoreError
from runline.engine.probes import Measures
from runline.engine.requests import Refused, not_signed_in
from runline.reads.conditions import conditions_told, key_of
from runline.reads.history import answer as answer_from_history
from runline.reads.history import standing
from runline.reads.limits import READS_OF_ONE_MAX, READS_WAITING_MAX
from runline.sharing.fair import FairQueue, Member
from runline.sharing.sharers import sharer_of
from runline.sharing.spending import Spending
from runline.sharing.tries import Tries
from runline.sharing.turns import ReadingTurns

V = TypeVar("V")
P = ParamSpec("P")

encode = msgspec.json.Encoder().encode


@cache
def decoder_of(kind: type) -> Any:
    """What decodes what is asked for."""
    return msgspec.json.Decoder(kind)


def asked_of(kind: type, fields: bytes) -> Any:
    """What is asked for. Raises Rejected `malformed_request`."""
    try:
        return decoder_of(kind).decode(fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed_request", str(error) or type(error).__name__) from None


class Questions:
    """Answers what is asked of an engine's streams. history: of its store; it is closed with this.

    turns, spending: how the loop's time for reading is shared out, also with whoever else reads.
    """

    def __init__(self, engine: Engine, history: History) -> None:
        self.engine = engine
        self.history = history
        self.readers = FairQueue(history.at_once, READS_WAITING_MAX, READS_OF_ONE_MAX)
        self.turns = ReadingTurns()
        self.spending = Spending(engine.clock.host_ns)
        self.tries = Tries()

    def close(self) -> None:
        """Look back no more."""
        self.history.close()

    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is. (That it goes on is no news to who has its token; that it does not may be.)"""
        state = self.engine.peek(stream)
        if state is None:
            lack = self.engine.owned.lack(stream)
            raise lack if lack.code == "not_here" else not_signed_in()
        held = state.sessions.by_name.get(session)
        if held is None:
            await self.engine.query(stream, lambda state: None)
            raise not_signed_in()
        self.engine.require_held()
        return Who(stream, session, held.user, state.access.branch_of(held.user), held.kind == "screen")

    async def ask(self, question: Question) -> Answer:
        """The answer to a question, once it is the turn of whoever asks."""
        if question.name == READY:
            return self.readiness(question.stream)
        if question.name == VITALS:
            return self.vitals(question.stream)
        if question.name == MEASURES:
            probes = self.engine.probes
            return Answer(self.engine.view.seq, encode(Measures(probes.commit, probes.answer, probes.loop)))
        if question.name == PROOF:
            return await self.proof(question.stream)
        if question.name == COPY:
            return Answer(self.engine.copied(question.stream), b"{}")
        if question.name == TRY:
            begun = Begun(self.tries.begin(asked_of(Try, question.fields), self.engine.clock.now_ns()))
            return Answer(self.engine.view.seq, encode(begun))
        if question.name == TRIED:
            tried: Tried = asked_of(Tried, question.fields)
            self.tries.end(tried.tried, right=tried.right)
            return Answer(self.engine.view.seq, b"{}")
        inside = self.engine.vocabulary.inside.get(question.name)
        if inside is not None:
            return await self.answer_inside(question, inside, asked_of(inside.asked, question.fields))
        query = self.engine.vocabulary.queries.get(question.name)
        if query is None:
            raise Rejected("unknown_query", f"There is no query {question.name[:64]!r}.")
        asked: Asked[Any] = asked_of(query.asked, question.fields)
        asked = msgspec.structs.replace(asked, limit=min(asked.limit, query.rows_max))
        if query.of_cluster:
            return await self.answer_of_cluster(question, query, asked)
        name = (await self.who(question.stream, question.session)).user if question.session else question.actor
        if query.of_process:
            return await self.answer_of_process(question, name, query, asked)
        user = sharer_of(self.engine.require(question.stream).state, name)
        await self.spending.begin(user)
        spent: list[int] = []
        try:
            if query.history:
                return await self.answer_from_history(question, name, query, asked)
            return await self.answer_now(question, name, query, asked, spent)
        finally:
            self.spending.end(user, sum(spent))

    async def read(self, question: Question, read: Callable[[Any, User, Audience], V], name: str = "") -> tuple[int, V]:
        """Read from a stream, if whoever asks may: (position, what `read` returns), durable. name: whose question it is, to be
        counted.

        Raises Rejected `not_signed_in`, `signed_out`, `not_permitted`, what `read` raises, and what Engine.query raises.
        """
        session, engine = question.session, self.engine

        def checked(state: State) -> V | Rejected:
            try:
                if not session:
                    user = active(state, question.actor)
                    return read(state, user, audience_of(state, user))
                held = state.sessions.by_name.get(session)
                if held is None:
                    raise not_signed_in()
                engine.presence.used(question.stream, held, acts=False)
                user = reader_of(state, held.user, session, engine.clock.now_ns())
                return read(state, user, audience_of(state, user))
            except Rejected as rejected:
                return rejected

        position, found = await engine.query(question.stream, checked, question.at_least, AT_LEAST_WAIT_S, name)
        if isinstance(found, Rejected):
            raise found
        return position, found

    async def answer_now(
        self, question: Question, name: str, query: Query, asked: Asked[Any], spent: list[int]
    ) -> Answer:
        """The answer of the moment. spent: takes what it costs the loop, in nanoseconds."""
        engine = self.engine
        now_ns = engine.clock.now_ns()

        def show(state: State, user: User, audience: Audience) -> tuple[int, Page]:
            require(query, kind_of(question.stream), audience)
            house = state if isinstance(state, House) else engine.view
            assert query.show is not None
            began_ns = engine.clock.host_ns()
            page = query.show(state, house, user, audience, asked, now_ns)
            spent.append(engine.clock.host_ns() - began_ns)
            return house.seq, page

        await self.turns.turn()
        position, (house, page) = await self.read(question, show, name)
        began_ns = engine.clock.host_ns()
        body = with_times(encode(page))
        spent.append(engine.clock.host_ns() - began_ns)
        self.turns.spend(sum(spent))
        return Answer(position, b'{"position":%d,"house":%d,%b' % (position, house, body[1:]))

    async def answer_from_history(self, question: Question, name: str, query: Query, asked: Asked[Any]) -> Answer:
        """The answer from what is stored."""

        def path_here(state: State, user: User, audience: Audience) -> Member:
            require(query, kind_of(question.stream), audience)
            return path_of(question.stream, user.name, state)

        _, path = await self.read(question, path_here, name)
        now_ns = self.engine.clock.now_ns()
        found = await self.look(
            path,
            question.stream,
            answer_from_history,
            self.engine.vocabulary,
            query.name,
            question.session,
            question.actor,
            asked,
            now_ns,
        )
        position, body = unless_refused(found)
        self.engine.require_held()
        return Answer(position, b'{"position":%d,%b' % (position, body[1:]))

    async def answer_of_process(self, question: Question, name: str, query: Query, asked: Asked[Any]) -> Answer:
        """What is so in this process. Who asks is looked up in what is stored: their stream may have stopped."""
        engine, stream = self.engine, question.stream
        path = path_of(stream, name, engine.peek(stream))
        now_ns = engine.clock.now_ns()
        who = await self.look(path, stream, standing, engine.vocabulary, question.session, question.actor, now_ns)
        position, audience = unless_refused(who)
        require(query, kind_of(stream), audience)
        rows = conditions_told(engine.conditions.standing.values(), stream, audience.node == ROOT)
        page = page_of((row for row in rows if key_of(row) > asked.after), asked, key_of)
        return Answer(
            position, b'{"position":%d,"house":%d,%b' % (position, engine.view.seq, with_times(encode(page))[1:])
        )

    async def answer_of_cluster(self, question: Question, query: Query, asked: Asked[Any]) -> Answer:
        """How the processes are that share the streams. Who asks is looked up in what is stored: their stream may have no
        owner."""
        engine, stream = self.engine, question.stream
        held = engine.view.sessions.by_name.get(question.session) if stream == HOUSE else None
        name, state = (held.user, engine.view) if held is not None else (question.actor, None)
        path = path_of(stream, name, state)
        now_ns = engine.clock.now_ns()
        who = await self.look(path, stream, standing, engine.vocabulary, question.session, question.actor, now_ns)
        position, audience = unless_refused(who)
        require(query, kind_of(stream), audience)
        rows, key = (await engine.process.cluster())[query.name], msgspec.structs.fields(query.row)[0].name
        only = getattr(asked, "cluster_node", "")
        shown = (row for row in rows if getattr(row, key) > asked.after and only in ("", row.cluster_node))
        body = encode(page_of(shown, asked, lambda row: str(getattr(row, key))))
        return Answer(position, b'{"position":%d,"house":%d,%b' % (position, engine.view.seq, body[1:]))

    async def answer_inside(self, question: Question, inside: Inside, asked: Any) -> Answer:
        """What Runline itself asks."""
        now_ns = self.engine.clock.now_ns()

        def show(state: State, user: User | None, audience: Audience | None) -> Any:
            return inside.read(state, asked, user, question.session, now_ns)

        if inside.signed:
            position, found = await self.read(question, show)
            return Answer(position, encode(found))

        def shown(state: State) -> Any:
            try:
                return show(state, None, None)
            except Rejected as rejected:
                return rejected

        position, found = await self.engine.query(question.stream, shown, question.at_least, AT_LEAST_WAIT_S)
        if isinstance(found, Rejected):
            raise found
        return Answer(position, encode(found))

    async def proof(self, stream: str) -> Answer:
        """How far a stream is."""
        proof = await self.engine.prove(stream)
        return Answer(proof.position, encode(proof))

    def readiness(self, stream: str) -> Answer:
        """Whether commands of a stream can be recorded now, of every stream that this process owns if none is named. (A book
        needs the house.)"""
        engine = self.engine
        failing = [
            one
            for one in engine.conditions.failing
            if not stream or one.part not in STREAM_COMPONENTS or one.subject in (stream, HOUSE)
        ]
        parts: set[str] = {one.part for one in failing}
        if stream and stream not in engine.writers:
            parts.add("stream")
        if stream not in ("", HOUSE) and engine.house.lag_ms() > HOUSE_LAG_MS_MAX:
            parts.add("house")
        if not engine.process.holds():
            parts.add("cluster")
        ready = engine.available and not parts
        return Answer(engine.view.seq, encode(Readiness(ready, tuple(sorted(parts)))))

    def vitals(self, stream: str) -> Answer:
        """How this process is, for the people of a stream."""
        engine, probes = self.engine, self.engine.probes
        conditions = tuple(conditions_told(engine.conditions.standing.values(), stream, whole=False))
        slow = tuple(engine.view.watch.slownesses)
        refused = sum(probes.refused.values())
        told = Vitals(probes.recoveries, slow, conditions, probes.accepted, refused, probes.events)
        return Answer(engine.view.seq, encode(told))

    async def look(
        self, path: Member, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        """What a function makes of a stream's history, once it is somebody's turn.

        Raises Rejected `busy`, `unavailable`, `unreadable`.
        """
        async with self.readers.turn(path):
            try:
                return await self.history.look(stream, read, *args, **kwargs)
            except StoreError as error:
                if error.kind == "unreadable":
                    self.engine.hear("store", "history", "degraded", f"What is asked for cannot be read: {error}")
                    raise Rejected("unreadable", f"What is asked for cannot be read: {error}") from None
                raise Rejected("unavailable", f"What is asked for cannot be read now: {error}") from None


def active(state: State, actor: str) -> User:
    """A user who may act, and asks without a session. Raises Rejected `not_permitted`."""
    user = state.access.users.get(actor)
    if user is None or not user.active:
        raise Rejected("not_permitted", "This user may not act here.")
    return user


def unless_refused(found: V | Refused) -> V:
    """What was found, if it was not refused."""
    if isinstance(found, Refused):
        raise Rejected(found.code, found.message, **found.details)
    return found


def path_of(stream: str, name: str, state: State | None) -> Member:
    """Somebody's place in the line of the readers. Turns go round the books, and the staff at the root of each: neither waits for
    another book's players. Within them they go round the branches of the tree, and their users."""
    known = state.access.users.get(name) if state is not None else None
    if state is None or known is None:
        return (stream, False), "", name
    return (stream, known.node == ROOT and not known.player), state.tree.branch_of(known.node), name
