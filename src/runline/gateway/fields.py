"""Fields: what a declaration says of its fields, for whoever reads the API's document, the reference or a test.

Rule: a Struct says in its docstring what its fields are (`player: the account number.`); what means the same everywhere is said
once, in the list of words (`words.py`). Units follow from the names.
"""

import inspect
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec

from runline.domain.times import LENGTHS, sibling
from runline.gateway.words import EXAMPLES, WORDS

UNITS = {
    "_minor": "In minor units (cents) of the book's currency.",
    "_quarters": "In quarter points: 14 is 3½.",
    "_cents": "In cents of an American price: 5 makes -110 into -105.",
    "_ms": "In milliseconds.",
    "_s": "In seconds.",
}
"""By how a name ends."""

TIME = "A time in UTC nanoseconds since 1970."
LENGTH = "A length of time in nanoseconds."

EXAMPLE_OF_UNIT: dict[str, Any] = {
    "_minor": 110_00,
    "_quarters": -14,
    "_cents": 5,
    "_ms": 4,
    "_s": 5,
    "_ns": 1_789_318_800_000_000_000,
    "_seq": 4_711,
    "_ms_p99": 4.2,
    "_ms_p50": 1.9,
}


def structs_of(*types: Any) -> dict[type[msgspec.Struct], None]:
    """The Structs that types are made of, themselves included, each once."""
    found: dict[type[msgspec.Struct], None] = {}

    def walk(kind: Any) -> None:
        struct = get_origin(kind) or kind
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and struct not in found:
            found[struct] = None
            for field in msgspec.structs.fields(struct):
                walk(field.type)
        for argument in get_args(kind):
            walk(argument)

    for kind in types:
        walk(kind)
    return found


@cache
def marker_of(kind: type) -> re.Pattern[str]:
    """What stands before what a docstring says of fields: their names, at its beginning or after a sentence."""
    names = [field.name for field in msgspec.structs.fields(kind)] if issubclass(kind, msgspec.Struct) else []
    one = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return re.compile(rf"(?:^|(?<=[.;] )|(?<=\.\) ))((?:{one})(?:, (?:{one}))*): ")


@cache
def said_of(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstrings of a Struct and of those above it say of its fields, by name."""
    found: dict[str, str] = {}
    marker = marker_of(kind)
    for above in kind.__mro__:
        if not issubclass(above, msgspec.Struct):
            continue
        for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(above.__doc__ or "")):
            text = " ".join(paragraph.split())
            marks = list(marker.finditer(text))
            for mark, after in zip(marks, [*marks[1:], None], strict=False):
                about = text[mark.end() : after.start() if after is not None else None].strip()
                for name in mark.group(1).split(", "):
                    found.setdefault(name, about)
    return found


def unit_of(name: str, sent: bool) -> str:
    """The unit of a field, in words, "" if it has none. sent: what is sent has no text beside its times."""
    if name.endswith("_ns"):
        beside = sibling(name)
        if not beside:
            return LENGTH
        return TIME if sent else f"{TIME} `{beside}` is the same as text."
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def sentence(text: str) -> str:
    """A text as a sentence."""
    return f"{text[0].upper()}{text[1:].rstrip('.; ')}{'' if text.endswith('.)') else '.'}" if text else ""


def as_json(text: str) -> str:
    """What a docstring says, for readers of JSON: there None is null."""
    return re.sub(r"\bNone\b", "`null`", text)


@cache
def said_by_type(kind: type[msgspec.Struct], name: str) -> str:
    """What the type of a field says of all that have it, "" if nothing."""
    field = next(one for one in msgspec.structs.fields(kind) if one.name == name)
    said = (one.description for one in get_args(field.type)[1:] if isinstance(one, msgspec.Meta))
    return next(filter(None, said), "") or ""


def about_field(kind: type[msgspec.Struct], name: str, *, sent: bool = False) -> str:
    """What a field is, with its unit; "" if nothing says so. sent: it is one of those that are sent."""
    about = said_of(kind).get(name) or said_by_type(kind, name) or WORDS.get(name, "")
    if not about and sibling(name):
        return ""
    return " ".join(filter(None, (as_json(sentence(about)), unit_of(name, sent) if about else "")))


@cache
def summary_of(kind: type) -> str:
    """The first sentence of what a declaration says of itself, in words."""
    first = " ".join(re.split(r"\n\s*\n", inspect.cleandoc(kind.__doc__ or ""))[0].split())
    return re.split(r"(?<=[.!?]) ", first)[0]


@cache
def text_of(kind: type) -> str:
    """What a declaration says of itself, without what it says of its fields."""
    marker = marker_of(kind)
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(kind.__doc__ or ""))
    kept = [marker.split(" ".join(one.split()), 1)[0].strip() for one in paragraphs]
    return as_json("\n\n".join(filter(None, kept)))


def example_of(name: str, kind: Any, within: Iterable[type] = ()) -> Any:
    """A value that a field of this name and type may have. within: the Structs that are being made, the last of which has it."""
    within = tuple(within)
    own = f"{within[-1].__name__}.{name}" if within else ""
    if own in EXAMPLES:
        return EXAMPLES[own]
    if get_origin(kind) is Literal:
        values = [value for value in get_args(kind) if value]
        return EXAMPLES[name] if EXAMPLES.get(name) in values else values[0]
    if name in EXAMPLES and fits(EXAMPLES[name], kind):
        return EXAMPLES[name]
    return example_of_type(name, kind, within)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is one of a type. (The same name may stand for another kind of thing elsewhere.)"""
    if kind is msgspec.Raw:
        return True
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def example_of_type(name: str, kind: Any, within: tuple[type, ...] = ()) -> Any:
    """A value of a type."""
    origin, arguments = get_origin(kind), get_args(kind)
    struct = origin or kind
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        return example(struct, within) if struct not in within else {}
    if origin is tuple and Ellipsis not in arguments:
        return [example_of(name, one, within) for one in arguments]
    if origin in (list, tuple, frozenset):
        return [example_of(name.rstrip("s"), arguments[0], within)]
    if struct is dict:
        return {}
    if arguments and origin is not None:
        return example_of(name, next(one for one in arguments if one is not type(None)), within)
    if hasattr(kind, "__members__"):
        return next(iter(kind)).value
    if kind is bool:
        return True
    if kind is int or kind is float:
        if name.endswith("_ns") and name[:-3] in LENGTHS:
            return 1_800_000_000_000
        return next((value for end, value in EXAMPLE_OF_UNIT.items() if name.endswith(end)), 1)
    return name if kind is str else {}


def example(kind: type[msgspec.Struct], within: tuple[type, ...] = ()) -> Any:
    """An example of a Struct, as JSON has it."""
    if kind.__name__ in EXAMPLES:
        return EXAMPLES[kind.__name__]
    values = {
        field.encode_name: example_of(field.name, field.type, (*within, kind)) for field in msgspec.structs.fields(kind)
    }
    return list(values.values()) if kind.__struct_config__.array_like else values
