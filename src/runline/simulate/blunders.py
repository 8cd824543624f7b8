"""Blunders: faults of the program itself. Something in an engine fails once, or what a stream owes fails for a while, each time.

Rule: what fails so costs what it is about, and what is promised holds nevertheless. Whoever is asked for something does not
blunder: that would be answered as a fault, and is one.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from runline.domain.messages import ENGINE, Command
from runline.domain.vocabulary import Decider, Vocabulary
from runline.simulate.decisions import Decisions


class Blunder(Exception):
    """What was planted has failed."""


def is_planted(error: BaseException | None) -> bool:
    """Whether an error comes of a blunder."""
    while error is not None:
        if isinstance(error, Blunder):
            return True
        error = error.__cause__ or error.__context__
    return False


PLACES: tuple[tuple[str, str], ...] = (
    ("writer", "apply"),
    ("writer", "seal"),
    ("writer", "durable"),
    ("writer", "release"),
    ("batches", "seal"),
    ("batches", "let_out"),
    ("batches", "follow"),
    ("store", "commit"),
    ("store", "heads"),
    ("house", "follow"),
    ("subscriptions", "publish"),
    ("agenda", "fire_due"),
    ("agenda", "fire"),
    ("agenda", "note_timer"),
    ("agenda", "enter"),
    ("agenda", "leave"),
    ("turns", "turn"),
    ("turns", "slice"),
    ("executing", "take_rows"),
    ("queues", "leave"),
    ("reads", "enter"),
    ("deliveries", "enter"),
    ("owned", "recovered"),
)
"""What may fail in an engine: a part of it (`writer`: one of its streams), and what that part does."""


def fails_once(part: Any, name: str, heard: Callable[[], None]) -> None:
    """What a part does fails the next time. heard: called then."""
    usual = getattr(part, name)

    def fail(*_: Any, **__: Any) -> Any:
        if part.__dict__.pop(name, None) is None:
            # Somebody has kept it; once is enough.
            return usual(*_, **__)
        heard()
        raise Blunder(f"{type(part).__name__}.{name} fails")

    setattr(part, name, fail)


def blunder(engine: Any, decisions: Decisions, heard: Callable[[], None]) -> str:
    """Let something in an engine fail the next time. heard: called then. Returns what."""
    place, name = decisions.one(PLACES)
    writers = list(engine.writers.values())
    part = decisions.one(writers) if place == "writer" else getattr(engine, place)
    if name not in part.__dict__:
        fails_once(part, name, heard)
    return f"{place}.{name}"


def mend(engine: Any) -> None:
    """Nothing in an engine is to fail any more."""
    for place, name in PLACES:
        for part in engine.writers.values() if place == "writer" else (getattr(engine, place),):
            part.__dict__.pop(name, None)


def owed(vocabulary: Vocabulary) -> list[type[Command]]:
    """The commands that only the engine sends: timers, slices of jobs, what the house causes; what is owed often stands there
    more than once."""
    sent = {type(fire("")) for fire in vocabulary.timers.values()} | set(vocabulary.missed)
    names = sorted(name for name, kind in vocabulary.commands.items() if kind in sent or name == "DoSlice")
    often = ("TakeResult", "DoSlice", "CloseFixture", "TakeResult", "DoSlice")
    return [vocabulary.commands[name] for name in (*often, *names) if vocabulary.commands[name].sender == ENGINE]


class Failing:
    """What is owed and cannot be decided now. usual: how it is decided. kinds: what fails, and how often it still does."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.usual = vocabulary.deciders
        self.kinds: dict[type[Command], None] = {}

    def begin(self, kind: type[Command]) -> None:
        """Nothing of a kind can be decided from here on."""
        self.kinds[kind] = None
        self.declare()

    def end(self, kind: type[Command] | None = None) -> None:
        """It can be again; None: everything can."""
        for one in [kind] if kind is not None else list(self.kinds):
            self.kinds.pop(one, None)
        self.declare()

    def declare(self) -> None:
        failing: dict[type[Command], Decider] = dict.fromkeys(self.kinds, cannot_be_decided)
        self.vocabulary.deciders = MappingProxyType({**self.usual, **failing}) if failing else self.usual


def cannot_be_decided(state: Any, command: Any, context: Any) -> Any:
    raise Blunder(f"{type(command).__name__} cannot be decided")
