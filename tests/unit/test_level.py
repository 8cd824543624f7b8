"""Levels: what a version has that the one before has not is refused until all nodes are of it; then it is done."""

from types import ModuleType
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY

from runline.domain.level import Level, newer_in, since
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.permissions import Permission
from runline.domain.vocabulary import NOUNS, Vocabulary, VocabularyError


class Toll(Command, needs=Permission.SUSPEND, since=2):
    """Toll the bell."""


class Tolled(Event, since=2):
    """The bell was tolled."""


class Ring(Command, needs=Permission.SUSPEND):
    """Ring the bell. softly: is new. why: is newer."""

    softly: Annotated[bool, since(2)] = False
    why: Annotated[str, since(3)] = ""


class Rung(Event):
    """The bell was rung."""

    softly: Annotated[bool, since(2)] = False


class Rope(msgspec.Struct, frozen=True):
    """A rope, and those that hang at it."""

    length: int
    colour: Annotated[str, since(2)] = ""
    hanging: tuple["Rope", ...] = ()


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel, of which the version before knows nothing."""

    since: ClassVar[int] = 3
    spokes: int


class Belfry(msgspec.Struct, frozen=True):
    """What is in the tower."""

    ropes: dict[str, list[Rope]] = {}
    wheel: Wheel | None = None


class Hang(Command, needs=Permission.SUSPEND):
    """Hang the bells."""

    belfry: Belfry


class Hung(Event):
    """The bells were hung."""

    ropes: Annotated[tuple[Rope, ...], since(2)] = ()
    first: Rope | None = None


@decides(Hang)
def hang(book: Any, command: Hang, context: Any) -> Hung:
    return Hung()


@evolves(Hung)
def hung(book: Any, event: Hung) -> None:
    pass


@decides(Toll)
def toll(book: Any, command: Toll, context: Any) -> Tolled:
    return Tolled()


@decides(Ring)
def ring(book: Any, command: Ring, context: Any) -> Rung:
    return Rung(command.softly)


@evolves(Tolled)
def tolled(book: Any, event: Tolled) -> None:
    pass


@evolves(Rung)
def rung(book: Any, event: Rung) -> None:
    pass


@grounds(Toll)
@grounds(Ring)
@grounds(Hang)
def ground(book: Any, command: Any) -> int:
    return 0


def bells(*more: Any) -> ModuleType:
    """The bells."""
    module = ModuleType("newer_bells")
    for one in (Toll, Tolled, Ring, Rung, Hang, Hung, toll, ring, hang, tolled, rung, hung, ground, *more):
        one.__module__ = "newer_bells"
        vars(module)[one.__name__] = one
    return module


def refused(level, message):
    """What is said of a message at a level, "" for nothing."""
    by = Vocabulary(*NOUNS, bells(), level=3).level_of_its_own()
    by.reach(level)
    try:
        by.require(message)
    except Rejected as rejected:
        found = rejected
    else:
        return ""
    assert (found.code, found.details["now"]) == ("not_yet", level)
    return f"{found.message.partition(' is not')[0]} {found.details['level']}"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (Toll(), ["Toll 2", "", ""]),
        (Tolled(), ["Tolled 2", "", ""]),
        (Ring(), ["", "", ""]),
        (Ring(softly=True), ["Ring.softly 2", "", ""]),
        (Ring(why="asked"), ["Ring.why 3", "Ring.why 3", ""]),
        (Ring(softly=True, why="asked"), ["Ring.why 3", "Ring.why 3", ""]),
        (Rung(softly=True), ["Rung.softly 2", "", ""]),
        (Rung(), ["", "", ""]),
        (Hang(Belfry({"a": [Rope(3)]})), ["", "", ""]),
        (Hang(Belfry({"a": [Rope(3)], "b": [Rope(2), Rope(1, "red")]})), ["Hang.belfry.ropes.colour 2", "", ""]),
        (Hang(Belfry({"a": [Rope(3, hanging=(Rope(1, "red"),))]})), ["Hang.belfry.ropes.hanging.colour 2", "", ""]),
        (Hang(Belfry({"a": [Rope(3, "red")]}, Wheel(6))), ["Hang.belfry.wheel 3", "Hang.belfry.wheel 3", ""]),
        (Hung(first=Rope(1)), ["", "", ""]),
        (Hung(first=Rope(1, "red")), ["Hung.first.colour 2", "", ""]),
        (Hung((Rope(1, "red"),)), ["Hung.ropes 2", "", ""]),
    ],
)
def test_what_is_declared_since_a_level_is_refused_before_and_a_field_only_where_it_is_set(message, said):
    assert [refused(level, message) for level in (1, 2, 3)] == said


def test_nothing_is_looked_for_where_all_is_reached():
    assert not VOCABULARY.level_of_its_own().behind
    by = Vocabulary(*NOUNS, bells(), level=3).level_of_its_own()
    found = []
    for level in (1, 2, 3):
        by.reach(level)
        found.append(by.behind)
    assert found == [True, True, False]


def test_a_version_declares_nothing_of_a_later_level_than_its_own():
    with pytest.raises(VocabularyError, match="is since level 3, and this is level 2"):
        Vocabulary(*NOUNS, bells(), level=2)


def test_what_is_behind_is_known_also_where_only_a_struct_within_is_newer():
    def alone(kind):
        by = Level(newer_in([kind]), 1)
        behind = by.behind
        by.reach(3)
        return behind, by.behind, len(by.newer)

    assert alone(Hang) == (True, False, 4)
    assert alone(Hung) == (True, False, 2)


def test_a_struct_that_takes_no_unknown_field_gets_no_new_one_that_is_told_at_its_default():
    class Clapper(msgspec.Struct, forbid_unknown_fields=True):
        weight: Annotated[int, since(2)] = 0

    class Swing(Command, needs=Permission.SUSPEND):
        clapper: Clapper

    class Quiet(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
        weight: Annotated[int, since(2)] = 0

    class Sway(Command, needs=Permission.SUSPEND):
        clapper: Quiet

    with pytest.raises(ValueError, match=r"Clapper\.weight is since level 2, and is told also at its default"):
        newer_in([Swing])
    assert set(newer_in([Sway])) == {Sway, Quiet}


def test_a_field_that_is_new_has_a_default():
    class Peal(Command, needs=Permission.SUSPEND):
        """Peal."""

        loudly: Annotated[bool, since(2)]

    @decides(Peal)
    def peal(book, command, context):
        return Rung()

    @grounds(Peal)
    def peal_ground(book, command):
        return 0

    with pytest.raises(VocabularyError, match=r"Peal\.loudly is since level 2, and has no default"):
        Vocabulary(*NOUNS, bells(Peal, peal, peal_ground), level=3)
