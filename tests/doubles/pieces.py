"""Pieces: for every declared command, examples in which one text or one list is larger than any may be."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from runline.domain.bounds import PIECE_MAX
from runline.domain.messages import Command

LONG = "x" * (PIECE_MAX + 1)
Changed = Iterator[tuple[str, Any]]
"""Where something was made too large, and the whole with it."""


def example(kind: Any) -> Any:
    """A small value of a type, as JSON has it."""
    if isinstance(kind, inspect.Metadata):
        return example(kind.type)
    if isinstance(kind, inspect.StructType):
        return {field.encode_name: example(field.type) for field in kind.fields}
    if isinstance(kind, inspect.UnionType):
        return example(next(one for one in kind.types if not isinstance(one, inspect.NoneType)))
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.EnumType):
        return next(iter(kind.cls)).value
    if isinstance(kind, inspect.TupleType):
        return [example(one) for one in kind.item_types]
    if isinstance(kind, inspect.CollectionType):
        return [example(kind.item_type)]
    if isinstance(kind, inspect.BoolType):
        return False
    return 1 if isinstance(kind, inspect.IntType) else "x"


def too_large(kind: Any) -> Changed:
    """A value of a type with one piece of it too large, for each piece there is."""
    if isinstance(kind, inspect.Metadata):
        yield from too_large(kind.type)
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            for place, value in too_large(field.type):
                yield f".{field.name}{place}", {**example(kind), field.encode_name: value}
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from too_large(one)
    elif isinstance(kind, inspect.TupleType):
        for index, one in enumerate(kind.item_types):
            for place, value in too_large(one):
                yield f"[{index}]{place}", [*example(kind)[:index], value, *example(kind)[index + 1 :]]
    elif isinstance(kind, inspect.CollectionType):
        yield "[]", [example(kind.item_type)] * (PIECE_MAX + 1)
        for place, value in too_large(kind.item_type):
            yield f"[0]{place}", [value]
    elif isinstance(kind, inspect.StrType):
        yield "", LONG


def commands_too_large(kind: type[Command]) -> Iterator[tuple[str, bytes]]:
    """(the piece that is too large, the fields as JSON)."""
    for place, fields in too_large(inspect.type_info(kind)):
        yield f"{kind.__name__}{place}", msgspec.json.encode(fields)
