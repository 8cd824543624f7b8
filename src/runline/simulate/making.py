"""Making: what people send. The fields of every command and query follow from its declared type, with values that mean something
drawn from what there is.

Rule: a new command needs nothing here. A field whose name is known gets what there is of it; of any other, its type says what it
may be. What only holds together (a wager and the line that it is at) has a maker of its own.
"""

from functools import cache
from typing import Any

import msgspec

from runline.simulate.coherent import COHERENT
from runline.simulate.knowing import NAMED, Fields, Known, amount

JUNK: tuple[Any, ...] = (
    None, "", 0, -1, 2**63, 2**63 - 1, -(2**63), 10**30, 1.5, True, [], {}, "\u0000", "x" * 65, "y" * 5_000, "\U0001f3c8",
    "' OR 1=1 --", "../..", ["a"] * 300, {"a": {"b": {"c": []}}}, "root", "owner", "house",
)  # fmt: skip


@cache
def fields_of(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any, bool], ...]:
    """(name, type, whether it may be left out) of each field of a command or query."""
    info: Any = msgspec.inspect.type_info(kind)
    return tuple((field.encode_name, field.type, not field.required) for field in info.fields)


def made(known: Known, kind: type[msgspec.Struct]) -> Fields:
    """The fields of a command or query that somebody might send."""
    name = kind.__name__
    coherent = COHERENT.get(name)
    if coherent is not None and known.decisions.draw(8):
        found = coherent(known)
        if found is not None:
            return found
    fields: Fields = {}
    for field, declared, optional in fields_of(kind):
        if optional and known.decisions.draw(2):
            continue
        named = None if is_listed(declared) else NAMED.get(field)
        maker = named or (amount if field.endswith("_minor") else None)
        fields[field] = maker(known, name) if maker else of_type(known, declared, name)
    return fields


def is_listed(declared: Any) -> bool:
    """Whether a type says itself which values there are."""
    kinds = msgspec.inspect
    if isinstance(declared, kinds.Metadata):
        return is_listed(declared.type)
    if isinstance(declared, kinds.UnionType):
        return any(is_listed(one) for one in declared.types)
    return isinstance(declared, kinds.LiteralType | kinds.EnumType | kinds.StructType)


def of_type(known: Known, declared: Any, command: str) -> Any:
    """A value of a type, for a field of which nothing else is known."""
    decisions, kinds = known.decisions, msgspec.inspect
    if isinstance(declared, kinds.Metadata):
        return of_type(known, declared.type, command)
    if isinstance(declared, kinds.UnionType):
        return of_type(known, decisions.one(declared.types), command)
    if isinstance(declared, kinds.LiteralType):
        return decisions.one(declared.values)
    if isinstance(declared, kinds.EnumType):
        return decisions.one([one.value for one in declared.cls])
    if isinstance(declared, kinds.BoolType):
        return bool(decisions.draw(2))
    if isinstance(declared, kinds.IntType):
        return decisions.one((1, 0, 2, 5, 40, -1, 10**6))
    if isinstance(declared, kinds.NoneType):
        return None
    if isinstance(declared, kinds.VarTupleType | kinds.ListType):
        return [of_type(known, declared.item_type, command) for _ in range(decisions.draw(4))]
    if isinstance(declared, kinds.StructType):
        return {
            field.encode_name: NAMED[field.encode_name](known, command)
            if field.encode_name in NAMED
            else of_type(known, field.type, command)
            for field in declared.fields
            if field.required or decisions.draw(2)
        }
    return decisions.one(("x", "", "home", "G1", "x" * 40))


def spoiled(known: Known, fields: Fields) -> Fields:
    """The same with something in it that does not belong there."""
    decisions = known.decisions
    spoilt = dict(fields)
    if not spoilt or decisions.rarely(6):
        spoilt["unknown"] = decisions.one(JUNK)
    elif decisions.rarely(5):
        del spoilt[decisions.one(list(spoilt))]
    else:
        spoilt[decisions.one(list(spoilt))] = decisions.one(JUNK)
    return spoilt
