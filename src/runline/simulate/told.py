"""Told: messages as plain values, as the oracle takes them."""

from typing import Any

import msgspec

from runline.domain.messages import Command, Event, bare
from runline.domain.vocabulary import Vocabulary
from runline.simulate.oracle import REQUIRED, Shapes


def shapes(vocabulary: Vocabulary) -> Shapes:
    """The fields of each command, with their defaults as plain values."""
    found: Shapes = {}
    for name, kind in vocabulary.commands.items():
        found[name] = {
            field.name: REQUIRED if field.default is msgspec.NODEFAULT else msgspec.to_builtins(field.default)
            for field in msgspec.structs.fields(kind)
        }
    return found


def plain(message: Command | Event) -> dict[str, Any]:
    """A message's fields as plain values, all of them."""
    return {name: msgspec.to_builtins(getattr(message, name)) for name in message.__struct_fields__}


def plain_event(event: Event) -> tuple[str, dict[str, Any]]:
    """An event as the log has it."""
    kind = type(event)
    fields = plain(bare(event) if kind.secret else event)
    for name in kind.secret:
        fields.pop(name, None)
    return kind.__name__, fields
