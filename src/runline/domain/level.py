"""Level: what two neighbouring versions of Runline that share a database may say and store.

Rule: nodes go by the level of the lowest among them. What is declared `since` a later one (a command, an event, a field of
either, also of a struct within) is refused until the last node of the version before has gone: it could neither read nor repeat
it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec.structs import replace

from runline.domain.messages import Command, Event, Rejected

LEVEL = 1
"""The level of this version: one more than that of the version before, if it declares anything that that one cannot read."""

SINCE = "since"


def since(level: int) -> msgspec.Meta:
    """What marks a field that there is since a level, and is at its default before: `note: Annotated[str, since(2)] = ""`."""
    return msgspec.Meta(extra={SINCE: level})


class Newer(msgspec.Struct, frozen=True):
    """A command, an event, or a struct within one, that is not of the first level, or has fields that are not. level: since which
    there is all of it. fields: name, level and default of each. inside: the names of the fields in which such structs are."""

    level: int
    fields: tuple[tuple[str, int, Any], ...]
    inside: tuple[str, ...] = ()

    @property
    def highest(self) -> int:
        """From which level on nothing of it is refused, but for what is inside."""
        return max((self.level, *(level for _, level, _ in self.fields)))


def newer_in(kinds: Iterable[type[Command] | type[Event]]) -> dict[type[msgspec.Struct], Newer]:
    """What is not of the first level, among messages and all structs within them. Raises ValueError."""
    within = all_within(kinds)
    of = {kind: Newer(getattr(kind, "since", 1), tuple(newer_fields(kind))) for kind in within}
    found = [kind for kind, newer in of.items() if newer.highest > 1]
    while more := [
        kind for kind, fields in within.items() if kind not in found and any(one in found for _, one in fields)
    ]:
        found += more
    return {
        kind: replace(of[kind], inside=tuple({name: None for name, one in within[kind] if one in found}))
        for kind in found
    }


def all_within(
    kinds: Iterable[type[msgspec.Struct]],
) -> dict[type[msgspec.Struct], list[tuple[str, type[msgspec.Struct]]]]:
    """Structs, and all those that are in their fields, each with its fields in which there are others."""
    found: dict[type[msgspec.Struct], list[tuple[str, type[msgspec.Struct]]]] = {}
    left = list(kinds)
    while left:
        kind = left.pop()
        if kind not in found:
            found[kind] = [
                (field.name, one) for field in msgspec.structs.fields(kind) for one in structs_of(field.type)
            ]
            left += [one for _, one in found[kind]]
    return found


def structs_of(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that a type is about: itself, or what is in its lists, maps and choices."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for one in get_args(annotation):
        yield from structs_of(one)


def newer_fields(kind: type[msgspec.Struct]) -> Iterable[tuple[str, int, Any]]:
    """The fields of a struct that are marked. Raises ValueError for one without a default, and for one that would be told also
    where it is at its default to whoever takes no field that they do not know."""
    config = kind.__struct_config__
    for field in msgspec.structs.fields(kind):
        if get_origin(field.type) is not Annotated:
            continue
        for meta in get_args(field.type)[1:]:
            level = (getattr(meta, "extra", None) or {}).get(SINCE)
            if level is not None:
                if field.required:
                    raise ValueError(f"{kind.__name__}.{field.name} is since level {level}, and has no default.")
                if config.forbid_unknown_fields and not config.omit_defaults:
                    raise ValueError(
                        f"{kind.__name__}.{field.name} is since level {level}, and is told also at its default, which who is of "
                        "an earlier one does not take."
                    )
                yield field.name, level, default_of(field)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """What a field has that nobody has set."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def structs_in(value: Any) -> Iterator[msgspec.Struct]:
    """The structs of a field: itself, or what is in its lists and maps."""
    if isinstance(value, msgspec.Struct):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from structs_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from structs_in(one)


class Level:
    """The level that a process goes by. newer: what there is only since a later one than the first. now: the level; behind:
    whether anything is refused at it."""

    __slots__ = ("behind", "newer", "now")

    def __init__(self, newer: Mapping[type[msgspec.Struct], Newer], now: int) -> None:
        self.newer = newer
        self.now = now
        self.behind = False
        self.reach(now)

    def reach(self, level: int) -> None:
        """Go by this level from now on."""
        self.now = level
        self.behind = any(newer.highest > level for newer in self.newer.values())

    def require(self, message: msgspec.Struct) -> None:
        """Refuse a command or an event of a later level, or in which anything is. Raises Rejected `not_yet`."""
        name, most = "", self.now
        for found, level in self.levels_of(message, type(message).__name__):
            if level > most:
                name, most = found, level
        if name:
            raise Rejected(
                "not_yet",
                f"{name} is not there before all nodes are of the version that has it: it is of level {most}, and they go by "
                f"{self.now}.",
                level=most,
                now=self.now,
            )

    def levels_of(self, value: msgspec.Struct, name: str) -> Iterator[tuple[str, int]]:
        """Of which level a struct is, each of its fields that is set, and what is within it. name: what it is called."""
        newer = self.newer.get(type(value))
        if newer is None:
            return
        yield name, newer.level
        for field, level, default in newer.fields:
            if getattr(value, field) != default:
                yield f"{name}.{field}", level
        for field in newer.inside:
            for one in structs_in(getattr(value, field)):
                yield from self.levels_of(one, f"{name}.{field}")
