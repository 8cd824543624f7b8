"""Execution: how a stream takes a command, and how it takes an event. Whoever judges or applies anything does it here.

Rule: a command is judged in this order: is it a repeat, may its sender send it, does their session go on and is somebody
there, what does the noun decide, has its ground moved. Judging changes nothing. An event is folded into a state in one way,
whoever holds the state: the writer, a view of the house, a proof of the log, a screen.
"""

from typing import TYPE_CHECKING, Protocol, final

import msgspec

from runline.domain.access import authorize
from runline.domain.bounds import STEP_NS_MAX
from runline.domain.context import NOBODY, Context, Neighbours
from runline.domain.messages import Command, Decided, Event, Rejected
from runline.domain.nodes import ROOT
from runline.domain.sessions import require_presence, require_session
from runline.domain.state import Need, State
from runline.domain.zones import ONLY_UTC, ZonesOfTheWorld

if TYPE_CHECKING:
    from runline.domain.house import House


class Sent(Protocol):
    """What is sent to a stream: a command, who sends it, in which session ("" for none), and the position as of which they
    have looked at what it is about (None: they do not say)."""

    command: Command
    actor: str
    session: str
    if_position: int | None


@final
class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is known of a command: its content's digest, the position of its first event, the number of its events."""

    digest: bytes
    first: int
    count: int


class Remembered(Protocol):
    """The commands that a stream remembers."""

    def look(self, command: bytes, now_ns: int) -> Seen | None:
        """What is known of an id.

        Raises Rejected `stale_command` or `command_ahead`.
        """
        ...


def time_of(last_ns: int, now_ns: int) -> int:
    """The time of a stream whose last event is not earlier than now: it stands still until the clock has caught up. An event that
    is further ahead than a clock is waited for was stamped by a wrong one, and nothing is judged by its time any more."""
    return last_ns if last_ns - now_ns <= STEP_NS_MAX else now_ns


def needs(state: State, message: Command | Event) -> list[Need]:
    """The rows out of memory without which a command cannot be judged, or an event not be folded."""
    wanted = state.vocabulary.wanted.get(type(message))
    return list(wanted(state, message)) if wanted else []


def judge(
    state: State,
    asked: Sent,
    at_ns: int,
    house: "House | None",
    house_lag_ms: int,
    fetched: tuple[int, ...] = (),
    remembered: Remembered | None = None,
    command_id: bytes = b"",
    digest: bytes = b"",
    zones: ZonesOfTheWorld = ONLY_UTC,
    neighbours: Neighbours = NOBODY,
) -> list[Event] | Seen:
    """The events that a command makes (none: it is so already), or what is known of it if it is a repeat. Changes nothing.

    at_ns: the stream's time. house: the durable house view, which may be house_lag_ms behind (None in the house itself). fetched:
    keys of the rows that were fetched because the command follows them. remembered, command_id, digest: the stream's memory, and
    the command's id and content in it; None for what the engine itself sends. zones: of the world. neighbours: the nodes that
    share the streams.

    Raises Rejected.
    """
    if remembered is not None:
        seen = remembered.look(command_id, at_ns)
        if seen is not None:
            if seen.digest != digest:
                raise Rejected("command_reused", "This id was used for another command.")
            return seen
    command = asked.command
    user = authorize(state, command, asked.actor)
    if asked.session:
        session = require_session(state, asked.session, user, at_ns)
        if at_ns >= session.idle_until_ns and not command.urgent:
            require_presence(session, at_ns)
    context = Context(at_ns, user, asked.session, house, house_lag_ms, fetched, zones, neighbours)
    if asked.if_position is None:
        decided = state.vocabulary.deciders[type(command)](state, command, context)
    else:
        decided = decide_on_ground(state, command, context, asked.if_position)
    return [decided] if type(decided) in state.vocabulary.evolvers else list(decided)  # type: ignore[list-item, arg-type]


def heed(state: State, asked: Sent, at_ns: int, house: "House | None", house_lag_ms: int) -> None:
    """A command was accepted as it changes nothing: what is to be kept in mind of it, is."""
    heeded = state.vocabulary.heeded.get(type(asked.command))
    if heeded is not None:
        user = authorize(state, asked.command, asked.actor)
        heeded(state, asked.command, Context(at_ns, user, asked.session, house, house_lag_ms))


def decide_on_ground(state: State, command: Command, context: Context, if_position: int) -> Decided:
    """Decide a command if its ground has not moved since a position. Whether it has is told to nobody who may not do this to
    it, nor whether it is there.

    Raises Rejected `position_moved`, and whatever the command is refused for.
    """
    vocabulary, kind = state.vocabulary, type(command)
    ground, decide = vocabulary.grounds.get(kind), vocabulary.deciders[kind]
    moved_seq = ground(state, command) if ground else state.seq
    if moved_seq <= if_position:
        return decide(state, command, context)
    try:
        decide(state, command, context)
    except Rejected as rejected:
        if context.user.node != ROOT and hides(rejected.code):
            raise
    raise Rejected("position_moved", "This has changed since you looked.", position=moved_seq)


def hides(code: str) -> bool:
    """Whether what a command is about may be unknown or another's that is refused so: those look alike to those below the root,
    and what is wrong with the request itself is said before anybody has looked whose it is."""
    return code in ("not_permitted", "already_exists") or code.startswith("unknown_") or code.endswith("_invalid")


def fold(state: State, event: Event, seq: int, at_ns: int) -> None:
    """Apply an event to a state that has everything before it: each noun that is told of it evolves its part, in order."""
    state.seq = seq
    state.at_ns = at_ns
    for evolve in state.vocabulary.evolvers[type(event)]:
        evolve(state, event)


def follow(state: State, event: Event, seq: int, at_ns: int) -> None:
    """Fold a durable event into a copy of which nothing is stored and in which no timer is due."""
    fold(state, event, seq, at_ns)
    state.changed.clear()
    state.dropped.clear()
    state.timers.due.clear()
