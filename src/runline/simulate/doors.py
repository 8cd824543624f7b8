"""Doors: which bodies are taken for a command. The oracle says it of each by the command's schema (`oracle/door.py`)."""

from typing import Any

import msgspec

from runline.domain.vocabulary import Vocabulary
from runline.gateway.door import public_commands
from runline.simulate.oracle.answers import Refused
from runline.simulate.oracle.door import require_body
from runline.simulate.story import Wrong

EARLIER = frozenset(("unheard", "not_signed_in", "busy", "unavailable", "not_here", "malformed_request", "too_large"))
"""What is said before anybody has looked at a body."""

AT_THE_DOOR = ("malformed_command", "too_long")
"""What is said of bodies only."""


class Doors:
    """The schemas of the commands that have a door, by name."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.schemas = {kind.__name__: msgspec.json.schema(kind) for kind in public_commands(vocabulary)}

    def answered(self, name: str, fields: Any, code: str) -> None:
        """A command was answered by a code. Raises Wrong if its body must be answered otherwise."""
        try:
            require_body(self.schemas[name], fields)
        except Refused as refused:
            expected = refused.refusal.code
            if code != expected and code not in EARLIER:
                raise Wrong(f"{name} {fields} is answered {code}, and not {expected}") from None
        else:
            if code in AT_THE_DOOR:
                raise Wrong(f"{name} {fields} is answered {code}, and is a body")
