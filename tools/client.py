"""Write the modules of the client that name what is declared, so that it is found in one place: commands, events, queries.

python tools/client.py
"""

import sys
from pathlib import Path
from typing import Any

from runline.domain.vocabulary import plain_vocabulary
from runline.gateway.door import public_commands
from runline.gateway.fields import structs_of

VOCABULARY = plain_vocabulary()

FOLDER = Path(__file__).parents[1] / "src" / "runline" / "client"


def named(*kinds: type[Any]) -> dict[type[Any], None]:
    """Types, and the Structs that their fields are made of, that the domain declares."""
    return {kind: None for kind in structs_of(*kinds) if kind.__module__.startswith("runline.domain.")}


def module(about: str, kinds: dict[type[Any], None]) -> str:
    """A module that names types."""
    by_module: dict[str, list[str]] = {}
    for kind in sorted(kinds, key=lambda one: one.__name__.lower()):
        by_module.setdefault(kind.__module__, []).append(kind.__name__)
    lines = [f'"""{about} (Written by `tools/client.py`.)"""', ""]
    for name, found in sorted(by_module.items()):
        line = f"from {name} import {', '.join(found)}"
        if len(line) > 120:
            line = f"from {name} import (\n" + "".join(f"    {one},\n" for one in found) + ")"
        lines.append(line)
    names = sorted(kind.__name__ for kind in kinds)
    return "\n".join([*lines, "", "__all__ = [", *(f'    "{name}",' for name in names), "]", ""])


def modules() -> dict[str, str]:
    """The text of each module, by the name of its file."""
    queries = [kind for query in VOCABULARY.queries.values() for kind in (query.asked, query.row)]
    return {
        "commands.py": module("Commands: what can be sent, each as its type.", named(*public_commands(VOCABULARY))),
        "events.py": module("Events: what happens, each as its type.", named(*VOCABULARY.events.values())),
        "queries.py": module("Queries: what can be asked for, and the rows that come back.", named(*queries)),
    }


def main() -> int:
    """Write them."""
    for name, text in modules().items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
