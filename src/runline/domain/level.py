"""Level: what two neighbouring versions of Runline that share a database may say and store.

Rule: nodes go by the level of the lowest among them. What is declared `since` a later one (a command, an event, a field of
either) is refused until the last node of the version before has gone: it could neither read nor repeat it.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec

from runline.domain.messages import Command, Event, Rejected

LEVEL = 1
"""The level of this version: one more than that of the version before, if it declares anything that that one cannot read."""

SINCE = "since"


def since(level: int) -> msgspec.Meta:
    """What marks a field that there is since a level, and is at its default before: `note: Annotated[str, since(2)] = ""`."""
    return msgspec.Meta(extra={SINCE: level})


class Newer(msgspec.Struct, frozen=True):
    """A command or an event that is not of the first level, or has fields that are not. level: since which there is all of it.
    fields: name, level and default of each."""

    level: int
    fields: tuple[tuple[str, int, Any], ...]

    @property
    def highest(self) -> int:
        """From which level on nothing of it is refused."""
        return max((self.level, *(level for _, level, _ in self.fields)))


def newer_in(kinds: Iterable[type[Command] | type[Event]]) -> dict[type[msgspec.Struct], Newer]:
    """What is not of the first level."""
    found = {kind: Newer(kind.since, tuple(newer_fields(kind))) for kind in kinds}
    return {kind: newer for kind, newer in found.items() if newer.highest > 1}


def newer_fields(kind: type[msgspec.Struct]) -> Iterable[tuple[str, int, Any]]:
    """The fields of a message that are marked. Raises ValueError for one without a default."""
    for field in msgspec.structs.fields(kind):
        if get_origin(field.type) is not Annotated:
            continue
        for meta in get_args(field.type)[1:]:
            level = (getattr(meta, "extra", None) or {}).get(SINCE)
            if level is not None:
                if field.required:
                    raise ValueError(f"{kind.__name__}.{field.name} is since level {level}, and has no default.")
                yield field.name, level, default_of(field)


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """What a field has that nobody has set."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


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
        """Refuse a command or an event of a later level. Raises Rejected `not_yet`."""
        newer = self.newer.get(type(message))
        if newer is None:
            return
        name, most = type(message).__name__, newer.level
        for field, level, default in newer.fields:
            if level > max(most, self.now) and getattr(message, field) != default:
                name, most = f"{type(message).__name__}.{field}", level
        if most > self.now:
            raise Rejected(
                "not_yet",
                f"{name} is not there before all nodes are of the version that has it: it is of level {most}, and they go by "
                f"{self.now}.",
                level=most,
                now=self.now,
            )
