"""Vocabulary: all nouns of the domain, and what they declare: commands, events, rows, parts, and what handles them.

Rule: a noun is a module. What it declares is entered when the vocabulary is made, in the order of the nouns: in that order a
state gets its parts, and several nouns evolve one event. What is declared twice is refused, and so is
what is missing: a vocabulary is complete before anything is decided, and never changes.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import msgspec

from runline.domain import (
    access,
    accounts,
    archive,
    aside,
    board,
    book,
    catalog,
    cluster,
    exposures,
    figures,
    fixtures,
    guard,
    held,
    hierarchy,
    house,
    jobs,
    large_wagers,
    lateness,
    ledger,
    leg_voiding,
    legs,
    lines,
    moving,
    nodes,
    offers,
    passwords,
    placing,
    posted,
    postponement,
    reopening,
    results,
    results_taken,
    risk,
    roles,
    rulings,
    sessions,
    setbacks,
    settings,
    settlement,
    sources,
    suspension,
    ticket_life,
    tickets,
    timers,
    topics,
    users,
    watch,
    zones,
)
from runline.domain.grading import Result
from runline.domain.identifiers import Reason, Remark, reasons_given
from runline.domain.level import LEVEL, Level, newer_in
from runline.domain.messages import DECLARATIONS, ENGINE, GATEWAY, HOUSE, Command, Decided, Declared, Event, events_of
from runline.domain.money import Minor, Rounding
from runline.domain.permissions import Permission, StreamKind
from runline.domain.placed import TicketPlaced
from runline.domain.queries import history, inside, leagues, moment, process
from runline.domain.queries.declared import Query
from runline.domain.queries.inside import Inside
from runline.domain.state import Need, Part, Row, State
from runline.domain.topics import Changes, Topic, TopicRows

if TYPE_CHECKING:
    from runline.domain.context import Context

Decider = Callable[[Any, Any, "Context"], Decided]
Evolver = Callable[[Any, Any], None]
Ground = Callable[[Any, Any], int]
Heeded = Callable[[Any, Any, "Context"], None]
Wanted = Callable[[Any, Any], Sequence[Need]]
Fire = Callable[[str], Command]
Sliced = Callable[[Any, Any, "Context"], Any]
Caused = Callable[[Any, Any], Command]
Missed = Callable[[Any, int], Sequence[Any]]
MadeUp = Callable[[Any, int, "Context"], Sequence[Event]]
Pays = Callable[["tickets.Ticket", Sequence[legs.Ending], Rounding], tuple[Result, Minor]]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

K = TypeVar("K")
V = TypeVar("V")

NOUNS: tuple[ModuleType, ...] = (
    nodes,
    hierarchy,
    moving,
    aside,
    timers,
    jobs,
    access,
    roles,
    users,
    passwords,
    sessions,
    suspension,
    setbacks,
    settings,
    large_wagers,
    accounts,
    ledger,
    lines,
    legs,
    tickets,
    ticket_life,
    leg_voiding,
    placing,
    risk,
    results_taken,
    settlement,
    book,
    catalog,
    fixtures,
    rulings,
    zones,
    lateness,
    guard,
    posted,
    sources,
    board,
    results,
    reopening,
    held,
    postponement,
    archive,
    watch,
    house,
    cluster,
    history,
    inside,
    leagues,
    moment,
    process,
    offers,
    exposures,
    figures,
    topics,
)
"""In the order in which a state gets their parts (each may use those before it), and in which they evolve."""


REASONS = ("reason", "description")
"""The fields of a command in which somebody says why."""


class VocabularyError(Exception):
    """Something is declared twice, or not at all."""


class Vocabulary:
    """What some nouns declare.

    commands, events, queries, topics, topic_rows, inside (questions of Runline's own): by name. rows: by table. parts: of each
    kind of stream, in order. deciders, evolvers (in order), grounds, heeded, wanted, timers, slices, slice_needs, caused, missed,
    made_up, pays, changes (of the rows of topics), upcasters: what handles what (see `messages.py`). used: the permission by
    which somebody makes an event happen. level: of the version that declares it; newer: what older versions do not have.

    Raises VocabularyError for what is declared twice and for what is missing.
    """

    def __init__(self, *nouns: ModuleType, level: int = LEVEL) -> None:
        commands: dict[str, type[Command]] = {}
        events: dict[str, type[Event]] = {}
        rows: dict[str, type[Row]] = {}
        parts: dict[StreamKind, dict[str, type[Part]]] = {"house": {}, "book": {}}
        evolvers: dict[type[Event], dict[str, Evolver]] = {}
        queries: dict[str, Query] = {}
        asked_inside: dict[str, Inside] = {}
        followed: dict[str, Topic] = {}
        topic_rows: dict[str, TopicRows] = {}
        changing: dict[tuple[str, type[Event]], dict[str, Changes]] = {}
        functions: dict[str, dict[Any, Any]] = {what: {} for what in get_args(Declared)}
        causing: list[type[Command]] = []
        for noun in nouns:
            for one in getattr(noun, "DECLARED", ()):
                if isinstance(one, Query):
                    enter(queries, one.name, one, "The query")
                elif isinstance(one, Topic):
                    enter(followed, one.name, one, "The topic")
                elif isinstance(one, TopicRows):
                    enter(topic_rows, one.name, one, "The rows of a topic,")
            for name, value in vars(noun).items():
                if getattr(value, "__module__", None) != noun.__name__:
                    continue
                if isinstance(value, type):
                    if issubclass(value, Command):
                        enter(commands, name, value, "The command")
                    elif issubclass(value, Event):
                        enter(events, name, value, "The event")
                    elif issubclass(value, Row):
                        enter(rows, value.table, value, "The table")
                    elif issubclass(value, Part) and value.name:
                        for kind in value.streams:
                            enter(parts[kind], value.name, value, f"The {kind}'s part")
                for what, about in getattr(value, DECLARATIONS, ()):
                    if what == "evolves":
                        enter(evolvers.setdefault(about, {}), noun.__name__, value, f"What evolves {about.__name__} in")
                    elif what == "shows":
                        enter(queries, about.name, about, "The query")
                    elif what == "reads":
                        enter(asked_inside, about.name, about, "The question")
                    elif what == "changes":
                        enter(
                            changing.setdefault(about, {}), noun.__name__, value, f"What changes the rows {about[0]} in"
                        )
                    elif what == "causes":
                        event, command = about
                        enter(functions[what], event, value, f"What {what}")
                        causing.append(command)
                    else:
                        enter(functions[what], about, value, f"What {what}")
        self.commands: Mapping[str, type[Command]] = MappingProxyType(commands)
        self.events: Mapping[str, type[Event]] = MappingProxyType(events)
        self.rows: Mapping[str, type[Row]] = MappingProxyType(rows)
        self.parts: Mapping[StreamKind, tuple[type[Part], ...]] = MappingProxyType(
            {kind: tuple(found.values()) for kind, found in parts.items()}
        )
        self.deciders: Mapping[type[Command], Decider] = MappingProxyType(
            {kind: reasons_given(kind, decide) for kind, decide in functions["decides"].items()}
        )
        self.evolvers: Mapping[type[Event], tuple[Evolver, ...]] = MappingProxyType(
            {event: tuple(found.values()) for event, found in evolvers.items()}
        )
        self.grounds: Mapping[type[Command], Ground] = MappingProxyType(functions["grounds"])
        self.heeded: Mapping[type[Command], Heeded] = MappingProxyType(functions["heeds"])
        self.wanted: Mapping[type[Command] | type[Event], Wanted] = MappingProxyType(functions["wants"])
        self.timers: Mapping[str, Fire] = MappingProxyType(functions["fires"])
        self.slices: Mapping[str, Sliced] = MappingProxyType(functions["slices"])
        self.slice_needs: Mapping[str, Wanted] = MappingProxyType(functions["slice_wants"])
        self.caused: Mapping[type[Event], Caused] = MappingProxyType(functions["causes"])
        self.missed: Mapping[type[Command], Missed] = MappingProxyType(functions["misses"])
        self.made_up: Mapping[type[Command], MadeUp] = MappingProxyType(functions["makes_up"])
        self.pays: Mapping[str, Pays] = MappingProxyType(functions["pays"])
        self.upcasters: Mapping[tuple[str, int], Upcaster] = MappingProxyType(functions["upcasts"])
        self.queries: Mapping[str, Query] = MappingProxyType(queries)
        self.inside: Mapping[str, Inside] = MappingProxyType(asked_inside)
        self.topics: Mapping[str, Topic] = MappingProxyType(followed)
        self.topic_rows: Mapping[str, TopicRows] = MappingProxyType(topic_rows)
        self.require_rows(list(changing))
        self.changes: Mapping[type[Event], tuple[tuple[TopicRows, Changes], ...]] = MappingProxyType(
            {
                kind: tuple(
                    (topic_rows[rows], change)
                    for (rows, event), found in changing.items()
                    if issubclass(kind, event)
                    for change in found.values()
                )
                for kind in events.values()
            }
        )
        self.nouns = nouns
        self.level = level
        self.require_whole(causing)
        try:
            self.newer = MappingProxyType(newer_in([*commands.values(), *events.values()]))
        except ValueError as error:
            raise VocabularyError(str(error)) from None
        for message, newer in self.newer.items():
            if newer.highest > level:
                raise VocabularyError(f"{message.__name__} is since level {newer.highest}, and this is level {level}.")
        self.used: Mapping[str, Permission] = MappingProxyType(self.permissions_used())

    def require_whole(self, causing: Sequence[type[Command]]) -> None:
        """Refuse what is declared in part: messages that nothing handles, handlers of what is not there, rows of two parts.
        causing: the commands that the house causes.

        Raises VocabularyError.
        """
        commands, events = list(self.commands.values()), list(self.events.values())
        require_same("decides", commands, self.deciders)
        require_same("evolves", events, self.evolvers)
        require_known("grounds", self.grounds, commands)
        require_same("says the ground of", [kind for kind in commands if kind.needs is not None], self.grounds)
        require_known("keeps in mind", self.heeded, commands)
        require_known("causes commands by", self.caused, events)
        require_known("causes", dict.fromkeys(causing), commands)
        for command in causing:
            if "house_seq" not in command.__struct_fields__:
                raise VocabularyError(f"{command.__name__} is caused by the house, and has no house_seq.")
        require_same("gives a book what it has missed of", causing, self.missed)
        require_same("makes up for what is set aside of", causing, self.made_up)
        for command in commands:
            for field in msgspec.structs.fields(command):
                if field.name in REASONS and command.needs is not None and field.type not in (Reason, Remark):
                    raise VocabularyError(
                        f"What {command.__name__} says for a {field.name} is no Reason and no Remark."
                    )
        require_known("wants rows for", self.wanted, [*commands, *events])
        for kind in events:
            for version in range(1, kind.version):
                if (kind.__name__, version) not in self.upcasters:
                    raise VocabularyError(f"Nothing upcasts {kind.__name__} of version {version}.")
            if issubclass(kind, TicketPlaced) and kind.taken is TicketPlaced.taken:
                raise VocabularyError(f"{kind.__name__} writes a ticket, and does not say what that takes on.")
            if kind.topic and kind.topic not in self.topics:
                raise VocabularyError(f"{kind.__name__} is told in the topic {kind.topic}, which no noun declares.")
        for stream, parts in self.parts.items():
            kept: dict[str, type[Part]] = {}
            for part in parts:
                for row in part.keeps:
                    enter(kept, row.table, part, f"What keeps in a {stream} the table")
                    if self.rows.get(row.table) is not row:
                        raise VocabularyError(f"{part.__name__} keeps {row.__name__}, which no noun declares.")

    def require_rows(self, changing: Sequence[tuple[str, type[Event]]]) -> None:
        """Refuse topics of which nobody would ever be sent anything, and rows that nobody could follow. changing: the rows, each
        with an event that changes them.

        Raises VocabularyError.
        """
        places: dict[tuple[str, str], TopicRows] = {}
        for rows in self.topic_rows.values():
            enter(places, (rows.topic, rows.under), rows, f"What a frame of {rows.topic} has under {rows.under},")
            topic = self.topics.get(rows.topic)
            if topic is None or topic.events or topic.timed:
                raise VocabularyError(f"The rows {rows.name} are of {rows.topic}, which is no topic of rows.")
            if not any(name == rows.name for name, _ in changing):
                raise VocabularyError(f"Nothing changes the rows {rows.name}.")
        kinds = list(self.events.values())
        for name, event in changing:
            if name not in self.topic_rows or not any(issubclass(kind, event) for kind in kinds):
                raise VocabularyError(f"Something changes the rows {name} by {event.__name__}: one is not declared.")
        of_rows = [rows.topic for rows in self.topic_rows.values()]
        for topic in self.topics.values():
            if not (topic.events or topic.timed or topic.name in of_rows):
                raise VocabularyError(f"The topic {topic.name} has neither events nor rows.")

    def permissions_used(self) -> dict[str, Permission]:
        """By the name of each event that somebody makes happen, the permission that they need for it: there is one."""
        made_up = [kind for make_up in self.made_up.values() for kind in events_of(make_up)]
        found: dict[str, Permission] = {}
        for command, decide in self.deciders.items():
            needs, kinds = command.needs, events_of(decide)
            if needs is None:
                continue
            if not kinds:
                raise VocabularyError(f"What decides {command.__name__} does not say which events it makes.")
            # What takes up anything that was set aside makes what makes up for it.
            for kind in (one for named in kinds for one in (made_up if named is Event else (named,))):
                if (other := found.setdefault(kind.__name__, needs)) is not needs:
                    raise VocabularyError(f"{kind.__name__} happens by {other} and by {needs}: no entry says which.")
        return found

    def permission_used(self, event: str, actor: str) -> str:
        """The permission by which an actor made an event happen; "" for Runline itself, which needs none."""
        return "" if actor in (ENGINE, GATEWAY) else self.used.get(event, "")

    def level_of_its_own(self) -> Level:
        """The level that a process goes by which nobody of another version is beside."""
        return Level(self.newer, self.level)

    def state_of(self, stream: str) -> State:
        """An empty state for a stream."""
        return house.House(self) if stream == HOUSE else book.Book(stream, self)

    def kept(self) -> frozenset[str]:
        """The tables whose rows belong in memory, all of them or those of one value."""
        return frozenset(row.table for parts in self.parts.values() for part in parts for row in part.keeps)


def enter(known: dict[K, V], name: K, value: V, what: str) -> None:
    """Enter a declaration.

    Raises VocabularyError if there is one already.
    """
    if name in known:
        called = name.__name__ if isinstance(name, type) else name
        raise VocabularyError(f"{what} {called} is declared twice.")
    known[name] = value


def require_same(what: str, kinds: Sequence[type[Any]], handled: Mapping[Any, Any]) -> None:
    require_known(what, handled, kinds)
    for kind in kinds:
        if kind not in handled:
            raise VocabularyError(f"Nothing {what} {kind.__name__}.")


def require_known(what: str, handled: Mapping[Any, Any], kinds: Sequence[type[Any]]) -> None:
    for kind in handled:
        if kind not in kinds:
            raise VocabularyError(f"Something {what} {kind.__name__}, which no noun declares.")


def plain_vocabulary() -> Vocabulary:
    """All that Runline declares. It is made where a program begins (`bootstrap.py`, a tool), and handed on from there."""
    return Vocabulary(*NOUNS)
