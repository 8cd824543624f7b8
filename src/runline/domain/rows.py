"""Rows: how a row type becomes columns. Each noun is declared once; the tables of every store follow from it."""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Literal

import msgspec
from msgspec.structs import astuple

from runline.domain.state import Row

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
Decode = Callable[[tuple[Any, ...]], Any]


@cache
def row_encoder(row_type: type[Row]) -> Encode:
    """(stream, row) -> the values of all columns, immutable."""
    nested = tuple(index for index, column in enumerate(columns(row_type), 1) if column.kind == "json")
    if not nested:
        return lambda stream, row: (stream, *astuple(row))
    encode = msgspec.json.Encoder().encode

    def encode_row(stream: str, row: Any) -> tuple[Any, ...]:
        values = (stream, *astuple(row))
        for index in nested:
            if values[index] is not None:
                break
        else:
            return values
        changed = list(values)
        for index in nested:
            if changed[index] is not None:
                changed[index] = encode(changed[index]).decode()
        return tuple(changed)

    return encode_row


@cache
def row_decoder(row_type: type[Row]) -> Decode:
    """The values of all columns but the stream -> the row."""
    special: list[tuple[int, Callable[[Any], Any]]] = []
    types = [field.type for field in msgspec.structs.fields(row_type)]
    for index, column in enumerate(columns(row_type)):
        if column.kind == "boolean":
            special.append((index, bool))
        elif column.kind == "json":
            special.append((index, msgspec.json.Decoder(types[index]).decode))
    if not special:
        return lambda values: row_type(*values)

    def decode_row(values: tuple[Any, ...]) -> Any:
        changed = list(values)
        for index, decode in special:
            if changed[index] is not None:
                changed[index] = decode(changed[index])
        return row_type(*changed)

    return decode_row


@cache
def row_key(row_type: type[Row]) -> Callable[[Any], Any]:
    """(row) -> its key within its stream, as `Row.key` has it, for many rows of a type."""
    return attrgetter(*row_type.__struct_fields__[: row_type.key_length])


@cache
def key_of(row_type: type[Row]) -> Callable[[str, Any], tuple[Any, ...]]:
    """(stream, row) -> the values of the key columns."""
    length = row_type.key_length
    return lambda stream, row: (stream, *astuple(row)[:length])
