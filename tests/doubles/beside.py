"""Beside: a house and its books on the stage, with the oracle's model beside them. Every command is judged by both, and whatever
differs is told.

Where a test makes a bound of the domain smaller, the model has it too. What is no value of its field does not come through the
door, and the model says nothing of it.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from types import ModuleType
from typing import Any
from unittest.mock import patch

import msgspec
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import BookStage, HouseStage, Stage
from tests.doubles.stands import entries, stands

from runline.domain import bounds
from runline.domain.book import Book
from runline.domain.messages import ENGINE, Command, Event, Rejected
from runline.domain.preview import moves_shown_to
from runline.domain.setbacks import PutAside
from runline.domain.settlement import TakeResult
from runline.domain.vocabulary import NOUNS, Vocabulary
from runline.simulate import pair
from runline.simulate.oracle import Model, Prediction, events_difference, refusal_difference
from runline.simulate.oracle.answers import difference
from runline.simulate.oracle.bounds import MOST
from runline.simulate.oracle.model import frozen
from runline.simulate.told import plain, plain_event, shapes


class Differs(AssertionError):
    """The product and the model do not say the same."""


BOUNDED: list[tuple[str, ModuleType]] = [
    (name, module)
    for where, module in sorted(sys.modules.items())
    if where.startswith("runline.domain.") and module is not bounds
    for name in MOST
    if hasattr(module, name)
]
"""The bounds that the model knows, each with a module that asks for it."""


def made_smaller() -> dict[str, int]:
    """The bounds that are others in the domain just now."""
    return {name: found for name, module in BOUNDED if (found := getattr(module, name)) != getattr(bounds, name)}


def comes_through(command: Command, fields: dict[str, Any]) -> bool:
    """Whether all that a command says is a value of its field."""
    try:
        msgspec.convert(fields, type(command))
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def previewed(stage: Stage, actor: str, decided: list[Event]) -> dict[str, Any]:
    """What a preview of these events would say that they move."""
    if not isinstance(stage.state, Book):
        return {}
    moved: dict[str, Any] = msgspec.to_builtins(moves_shown_to(actor, stage.state, decided))
    for case in moved["worst"].values():
        del case["outcome"]
    return moved


shapes_of = cache(shapes)
"""The shapes of a vocabulary's commands; nearly all tests have the same one."""


class Beside:
    """The model, and what was compared: how often each command ended how."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.model = Model(shapes_of(vocabulary))
        self.ends: Counter[tuple[str, str]] = Counter()
        self.story: list[str] = []

    def compares(
        self,
        stage: Stage,
        command: Command,
        actor: str,
        at_ns: int,
        session: str,
        if_position: int | None,
        decided: list[Event] | Rejected,
    ) -> Prediction:
        """Judge what was decided. Returns what the model says. Raises Differs."""
        name, fields, stream = type(command).__name__, plain(command), stage.state.stream
        ground: dict[str, Any] = {"session": session, "if_position": if_position, "house_lag_ms": stage.house_lag_ms}
        seq = stage.state.seq
        if isinstance(decided, Rejected):
            prediction = self.model.judge(stream, at_ns, actor, name, fields, **ground)
            told = refusal_difference(prediction, decided.code, msgspec.to_builtins(decided.details))
            end = decided.code
        else:
            prediction = self.model.judge(stream, at_ns, actor, name, fields, **ground)
            shown = self.model.moves(stream, actor, prediction.events)
            end = "+".join(type(event).__name__ for event in decided) or "nothing"
            if prediction.refusal is not None:
                told = f"accepted ({end}), but it is refused: {prediction.refusal}"
            else:
                told = events_difference(prediction.events, [plain_event(event) for event in decided])
                told = told or difference(frozen(shown), frozen(previewed(stage, actor, decided)), "a preview's moves")
        end = end if len(end) < 60 else f"{end[:57]}..."
        self.story.append(f"{stream} {seq} {at_ns} {actor} {session} {name} {fields} -> {end}")
        self.ends[name, end] += 1
        if not prediction.known:
            told = f"{name} is not predicted"
        if told:
            raise Differs("\n".join([*self.story[-12:], told]))
        return prediction


def compare_figures(stage: "Compared") -> None:
    """Compare all that stands in a stream. Raises Differs."""
    stream = stage.state.stream
    model = stage.beside.model
    told = difference(frozen(model.figures(stream)), frozen(stands(stage)), stream)
    told = told or difference(model.entries(stream), entries(stage), f"{stream}'s ledger")
    if told:
        raise Differs(told)


class Compared(Stage):
    """A stage on which everything is judged by the model as well. take: has the model take what it said last, once it happens."""

    beside: Beside
    take: Callable[[], None] | None = None

    def decide(
        self,
        command: Command,
        actor: str,
        at_ns: int,
        fetched: tuple[int, ...] = (),
        if_position: int | None = None,
        session: str = "",
    ) -> list[Event]:
        decided: list[Event] | Rejected
        try:
            decided = super().decide(command, actor, at_ns, fetched, if_position, session)
        except Rejected as rejected:
            decided = rejected
        name, fields = type(command).__name__, plain(command)
        if comes_through(command, fields):
            with patch.dict(MOST, made_smaller()):
                said = self.beside.compares(self, command, actor, at_ns, session, if_position, decided)
            self.take = partial(self.beside.model.take, self.state.stream, at_ns, actor, name, fields, said)
        if isinstance(decided, Rejected):
            raise decided
        return decided

    def apply(self, events: Sequence[Event], actor: str, at_ns: int) -> None:
        take, self.take = self.take, None
        if take is not None:
            take()
        super().apply(events, actor, at_ns)


class ComparedHouse(Compared, HouseStage):
    """The house, and the clock of all."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.beside = Beside(vocabulary)
        super().__init__(vocabulary)

    def nodes_are(self, **taking: bool) -> None:
        super().nodes_are(**taking)
        self.beside.model.nodes = taking

    def open_book(self, name: str) -> "ComparedBook":
        self.given(self.state.vocabulary.commands["OpenBook"](name, "owner"))
        book = ComparedBook(self, name)
        self.books.append(book)
        return book


class ComparedBook(Compared, BookStage):
    """A book. cannot_take: whether a result that reaches it is one that it cannot take, and sets aside."""

    cannot_take: Callable[[], bool] = staticmethod(lambda: False)

    def execute(self, command: Command, actor: str, if_position: int | None = None, session: str = "") -> list[Event]:
        if isinstance(command, TakeResult) and self.cannot_take():
            with suppress(Rejected):
                super().execute(PutAside("house", "TakeResult", str(command.house_seq), "a fault"), ENGINE)
        return super().execute(command, actor, if_position, session)

    def __init__(self, house: ComparedHouse, name: str) -> None:
        self.beside = house.beside
        super().__init__(house, name)


def compared_stage(*, pairs: bool = False) -> ComparedHouse:
    """A house with the model beside it. pairs: both know pairs."""
    return ComparedHouse(with_pairs() if pairs else VOCABULARY)


@cache
def with_pairs() -> Vocabulary:
    """What is declared, and pairs."""
    return Vocabulary(*NOUNS, pair)
