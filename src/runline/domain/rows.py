"""Rows: how a row type becomes columns. Each noun is declared once; the tables of every store follow from it."""

from collections.abc import Callable, Iterable
from functools import cache
from itertools import starmap
from operator import attrgetter, itemgetter
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from runline.domain.state import R, Row

ColumnKind = Literal["text", "integer", "boolean", "json", "blob"]


class Column(msgspec.Struct, frozen=True):
    """A column of a row's table (every table starts with the column `stream`)."""

    name: str
    kind: ColumnKind
    nullable: bool


@cache
def columns(row_type: type[Row]) -> tuple[Column, ...]:
    """The columns of a row type, in the order of its fields. Parts that are not plain values are kept as JSON text."""
    found: list[Column] = []
    for field in msgspec.inspect.type_info(row_type).fields:  # type: ignore[attr-defined]
        kinds = list(field.type.types) if isinstance(field.type, msgspec.inspect.UnionType) else [field.type]
        plain = [kind for kind in kinds if not isinstance(kind, msgspec.inspect.NoneType)]
        found.append(Column(field.encode_name, column_kind(plain), len(plain) < len(kinds)))
    return tuple(found)


def column_kind(types: list[Any]) -> ColumnKind:
    if len(types) == 1:
        if isinstance(types[0], msgspec.inspect.IntType):
            return "integer"
        if isinstance(types[0], msgspec.inspect.BoolType):
            return "boolean"
        if isinstance(types[0], msgspec.inspect.StrType):
            return "text"
    return "json"


Encode = Callable[[str, Any], tuple[Any, ...]]


@cache
def row_encoder(row_type: type[Row]) -> Encode:
    """(stream, row) -> the values of all columns, immutable."""
    nested = tuple(index for index, column in enumerate(columns(row_type), 1) if column.kind == "json")
    if not nested:
        return lambda stream, row: (stream, *astuple(row))
    encode = msgspec.json.Encoder().encode
    parts_of, none = itemgetter(*nested), itemgetter(*nested)([None] * (nested[-1] + 1))

    def encode_row(stream: str, row: Any) -> tuple[Any, ...]:
        values = (stream, *astuple(row))
        if parts_of(values) == none:
            # So it is with each straight that is placed.
            return values
        changed = list(values)
        for index in nested:
            if changed[index] is not None:
                changed[index] = encode(changed[index]).decode()
        return tuple(changed)

    return encode_row


@cache
def converted(row_type: type[Row]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """The fields of a row type that are stored as something else, each with what makes its value of that."""
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for field, column in zip(msgspec.structs.fields(row_type), columns(row_type), strict=True):
        if column.kind == "boolean":
            found.append((field.name, bool))
        elif column.kind == "json":
            found.append((field.name, msgspec.json.Decoder(field.type).decode))
    return tuple(found)


def rows_of(row_type: type[R], values: Iterable[tuple[Any, ...]]) -> list[R]:
    """The rows of a type, by the values of all their columns but the stream. (A start makes all of a book's, so that there is no
    function here that is called for each.)"""
    rows = list(starmap(row_type, values))
    for name, made_of in converted(row_type):
        for row, value in zip(rows, map(attrgetter(name), rows), strict=True):
            if value is not None:
                setattr(row, name, made_of(value))
    return rows


@cache
def row_key(row_type: type[Row]) -> Callable[[Any], Any]:
    """(row) -> its key within its stream, as `Row.key` has it, for many rows of a type."""
    return attrgetter(*row_type.__struct_fields__[: row_type.key_length])


@cache
def key_of(row_type: type[Row]) -> Callable[[str, Any], tuple[Any, ...]]:
    """(stream, row) -> the values of the key columns."""
    length = row_type.key_length
    return lambda stream, row: (stream, *astuple(row)[:length])
