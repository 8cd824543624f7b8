"""Answers: what the model says of a command: the events that it must make, or why it must be refused."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Event(NamedTuple):
    """What happens: its type's name, and its fields as plain values."""

    name: str
    fields: dict[str, Any]


class Refusal(NamedTuple):
    """Why not: the code, and those of the values that help which the model knows."""

    code: str
    details: dict[str, Any]


class Refused(Exception):
    """A rule of the model says no."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, details)


@dataclass
class Prediction:
    """What a command must lead to.

    events: in order; none where everything is so already. refusal: why it is refused, None if it is not. moves: what a preview
    says would move. known: False for a command that the model does not know, of which nothing is said.
    """

    events: tuple[Event, ...] = ()
    refusal: Refusal | None = None
    moves: dict[str, Any] = field(default_factory=dict)
    known: bool = True


def refuse_unless(holds: Any, code: str, **details: Any) -> None:
    """Refuse what a rule does not allow."""
    if not holds:
        raise Refused(code, **details)


def alike(expected: Any, actual: Any) -> bool:
    """Whether two plain values are the same. Lists and tuples are alike; true is not 1."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or expected.keys() != actual.keys():
            return False
        pairs = [(value, actual[key]) for key, value in expected.items()]
    elif isinstance(expected, list | tuple):
        if not isinstance(actual, list | tuple) or len(expected) != len(actual):
            return False
        pairs = list(zip(expected, actual, strict=True))
    else:
        return bool(expected == actual) and isinstance(expected, bool) == isinstance(actual, bool)
    return all(alike(one, other) for one, other in pairs)


def difference(expected: Any, actual: Any, path: str = "") -> str:
    """Where two plain values differ, in words; "" where they do not. Lists and tuples are alike."""
    if alike(expected, actual):
        return ""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}, key=str):
            if key not in expected:
                return f"{path}.{key}: nothing expected, but {actual[key]!r}"
            if key not in actual:
                return f"{path}.{key}: {expected[key]!r} expected, but nothing"
            told = difference(expected[key], actual[key], f"{path}.{key}")
            if told:
                return told
        return ""
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        if len(expected) != len(actual):
            return f"{path}: {expected!r} expected, but {actual!r}"
        return next(
            (
                told
                for n, pair in enumerate(zip(expected, actual, strict=True))
                if (told := difference(*pair, f"{path}[{n}]"))
            ),
            "",
        )
    if expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        return f"{path}: {expected!r} expected, but {actual!r}"
    return ""
